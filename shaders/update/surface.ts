/** A function of two variables in the place of a model: its gradient, by which optimizers are watched. */
import { kernel } from '../kernel/define.ts';
import { values } from '../kernel/loops.ts';
import { float } from '../kernel/wgsl.ts';
import { STREAMS } from '../kernel/random.ts';

/** `gradient` is WGSL over f32 `x` and `y` giving vec2f, after the statements `given`; `noise` is the deviation of what is added to it. */
export interface Surface {
  gradient: string;
  given?: string;
  noise: number;
}

/** g = the gradient at the point w, with noise of its own at each step; trail[step - 1] = w. */
export const surfaceGradient = kernel({
  name: 'surface_gradient',
  bindings: { w: 'read', g: 'write', trail: 'write' },
  step: () => ({ seed: 'u32', step: 'u32' }),
  draws: (p: Surface) => p.noise > 0,
  over: (_, d) => values(1, d),
  body: p => {
    const normal = `normal4(philox(vec4u(op.step, 0u, 0u, 0u), vec2u(op.seed, ${STREAMS.probe}u))).xy`;
    return `
    let x = w[0]; let y = w[1];
    let at = 2u * (op.step - 1u);
    trail[at] = x;
    trail[at + 1u] = y;
    ${p.given ?? ''}
    let slope = ${p.gradient}${p.noise ? ` + ${float(p.noise)} * ${normal}` : ''};
    g[0] = slope.x;
    g[1] = slope.y;`;
  },
});
