/** The WGSL of max-norm (update.ts), which few runs take. */
import type { LoopParts } from '../kernel/define.ts';
import type { Profile } from '../kernel/kernel.ts';
import { threads } from '../kernel/loops.ts';
import { total } from '../kernel/total.ts';

export function maxNormCode(d: Profile): LoopParts {
  const { declared, of } = total(d, threads(d));
  const weight = 'w[start + i / run * apart + i % run]';
  return {
    declared,
    each: `
  let start = table[4u * row];
  let length = table[4u * row + 1u];
  let run = table[4u * row + 2u];
  let apart = table[4u * row + 3u];
  var own = 0.0;
  for (var i = lane; i < length; i += ${threads(d)}u) { own += ${weight} * ${weight}; }
  ${of('own', true)}
  if (total > op.max_norm * op.max_norm) {
    let factor = op.max_norm / sqrt(total);
    for (var i = lane; i < length; i += ${threads(d)}u) { ${weight} *= factor; }
  }`,
  };
}
