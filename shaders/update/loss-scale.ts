/**
 * Dynamic loss scaling (Micikevicius et al. 2018), all on the device: small gradients would be zero in f16, so the loss is multiplied by a
 * scale, which the update takes out again. The state is `scaling` [4]: the scale, good updates since it last changed, what the next update
 * multiplies gradients by (0: it leaves the weights as they are), and how many updates were skipped. The host does not know of those: they
 * count as steps of schedules and of the optimizer's bias corrections; what a rule does at its first update waits for one that is made.
 */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { PARTS } from './flat.ts';
import { kernel } from '../kernel/define.ts';
import { ceilDiv, values } from '../kernel/loops.ts';

/** As PyTorch's GradScaler has them. */
export const FIRST_SCALE = 65536;
/** Places in `scaling`: the scale, good updates since it changed, the factor of gradients, skipped updates. */
const SCALE = 0;
const GOOD = 1;
export const FACTOR = 2;
export const SKIPPED = 3;
const GROWTH = 2;
const BACKOFF = 0.5;
const INTERVAL = 2000;

/** y = x times the scale, over `n` values. */
export const scaleUp = kernel({
  name: 'scale_up',
  bindings: { x: 'read f32', scaling: 'read', y: 'write' },
  vec4: ['x', 'y'],
  over: (p: { n: number }, d) => values(ceilDiv(p.n, d.width), d),
  body: () => `    y[i] = x[i] * scaling[${SCALE}];`,
});

/** WGSL over vec4f `a`: how many of its values are not finite, by their bits (compilers may assume that there are none). */
export const NOT_FINITE = 'select(vec4f(0.0), vec4f(1.0), (bitcast<vec4u>(a) & vec4u(0x7f800000u)) == vec4u(0x7f800000u))';

/**
 * Looks at the counts of values that are not finite (`partial`, of all pages of gradients): such an update is skipped and halves the
 * scale; after 2000 good ones it doubles.
 */
export const adjustScale = kernel({
  name: 'adjust_scale',
  bindings: { partial: 'read', scaling: 'write' },
  grid: () => [1, 1, 1],
  code: (p: { pages: number }) => wgsl`
@compute @workgroup_size(1)
fn main() {
  var bad = 0.0;
  for (var i = 0u; i < ${p.pages * PARTS}u; i++) { bad += partial[i]; }
  let scale = scaling[${SCALE}];
  let good = scaling[${GOOD}] + 1.0;
  if (bad > 0.0) {
    scaling[${SCALE}] = scale * ${BACKOFF};
    scaling[${GOOD}] = 0.0;
    scaling[${FACTOR}] = 0.0;
    scaling[${SKIPPED}] += 1.0;
  } else {
    let grows = good >= ${INTERVAL}.0;
    scaling[${SCALE}] = select(scale, scale * ${GROWTH}.0, grows);
    scaling[${GOOD}] = select(good, 0.0, grows);
    scaling[${FACTOR}] = 1.0 / scale;
  }
}`,
});
