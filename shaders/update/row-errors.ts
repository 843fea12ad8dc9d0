/** WGSL of what losses of numbers to predict store in place of correct answers: loaded by those alone. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { inRuns } from '../kernel/in-runs.ts';

/**
 * WGSL that stores [loss, squared error, absolute error] of row `i`, `size` values of each, the errors as means over its `classes` outputs;
 * `end` is WGSL that reads how many these are.
 */
export const storeErrors = ({ classes }: { readonly classes: number }, end: string, size: number): string => wgsl`
  var squares = 0.0; var sizes = 0.0;
  ${inRuns('c', classes, ['squares', 'sizes'], 'let d = logits[at + c] - shares[at + c]; squares += d * d; sizes += abs(d);', { end })}
  let counts = i < op.valid;
  row[i * ${size}u] = select(0.0, loss, counts);
  row[i * ${size}u + 1u] = select(0.0, squares * ${1 / classes}, counts);
  row[i * ${size}u + 2u] = select(0.0, sizes * ${1 / classes}, counts);`;
