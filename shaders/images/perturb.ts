/** Perturbations of normalised images that keep within a distance of each pixel and within the range of pixels (PGD: Madry et al. 2018). */
import { kernel } from '../kernel/define.ts';
import { values } from '../kernel/loops.ts';
import { STREAMS } from '../kernel/random.ts';
import { float } from '../kernel/wgsl.ts';

/** `n` values of images of `size` each, whose stored values mean `unit` where a pixel means 1. */
export interface Perturb {
  n: number;
  size: number;
  unit: number;
  /** By how much a pixel moves at most, of a range from 0 to 1. */
  epsilon: number;
  /** Whether pixels keep to that range. */
  bounded: boolean;
}

/** WGSL: `d` as near as is allowed; scale and shift of a value are in `norm` [2, size]. */
const allowed = (p: Perturb): string => `
    let most = ${float(p.epsilon * p.unit)} * norm[at];
    d = clamp(d, -most, most);
    ${p.bounded ? `d = clamp(x[i] + d, norm[${p.size}u + at], ${float(p.unit)} * norm[at] + norm[${p.size}u + at]) - x[i];` : ''}
    delta[i] = d;`;

/** delta drawn in the ball where `op.attack` is 0; else it stays. */
export const drawPerturbation = kernel({
  name: 'draw_perturbation',
  bindings: { x: 'read f32', norm: 'read', delta: 'write' },
  step: () => ({ seed: 'u32', step: 'u32', attack: 'u32' }),
  draws: () => true,
  over: (p: Perturb, d) => values(p.n, d),
  body: p => `
    if (op.attack == 0u) {
      let at = i % ${p.size}u;
      let u = uniform4(philox(vec4u(i, op.step, 0u, 0u), vec2u(op.seed, ${STREAMS.attack}u))).x;
      var d = ${float(p.epsilon * p.unit)} * norm[at] * (2.0 * u - 1.0);
      ${allowed(p)}
    }`,
});

/** delta moved by `length` along the signs of the gradient. */
export const movePerturbation = kernel({
  name: 'move_perturbation',
  bindings: { x: 'read f32', dx: 'read f32', norm: 'read', delta: 'write' },
  over: (p: Perturb & { length: number }, d) => values(p.n, d),
  body: p => `
    let at = i % ${p.size}u;
    var d = delta[i] + ${float(p.length * p.unit)} * norm[at] * sign(dx[i]);
    ${allowed(p)}`,
});
