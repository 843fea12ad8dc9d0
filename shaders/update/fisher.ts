/** What K-FAC (Martens & Grosse 2015) does on the device: gradients by targets that the net draws, and gradients of a layer as one matrix. */
import { kernel } from '../kernel/define.ts';
import { items, values } from '../kernel/loops.ts';
import { STREAMS } from '../kernel/random.ts';
import { float } from '../kernel/wgsl.ts';

/** The distribution of targets whose negative log-likelihood a loss is. */
export type Likelihood = 'softmax' | 'bernoulli' | 'normal';

/** Logits [rows, classes] of output number `head` of a net; `scale` multiplies what is drawn. */
export interface DrawnGradient {
  rows: number;
  classes: number;
  of: Likelihood;
  scale: number;
  head: number;
}

/** WGSL: four random words for row `i`. */
const drawn = ({ head }: DrawnGradient, four: string): string =>
  `philox(vec4u(i, op.step, ${four}, ${head}u), vec2u(op.seed, ${STREAMS.fisher}u))`;

const BODIES: Readonly<Record<Likelihood, (p: DrawnGradient) => string>> = {
  softmax: p => `
  var largest : f32 = -3.4028234e38;
  for (var c = 0u; c < ${p.classes}u; c++) { largest = max(largest, logits[at + c]); }
  var sum = 0.0;
  for (var c = 0u; c < ${p.classes}u; c++) { sum += exp(logits[at + c] - largest); }
  var rest = sum * uniform4(${drawn(p, '0u')}).x;
  var target_class = ${p.classes - 1}u;
  for (var c = 0u; c < ${p.classes}u; c++) {
    rest -= exp(logits[at + c] - largest);
    if (rest < 0.0) { target_class = c; break; }
  }
  for (var c = 0u; c < ${p.classes}u; c++) {
    dlogits[at + c] = ${float(p.scale)} * (exp(logits[at + c] - largest) / sum - select(0.0, 1.0, c == target_class));
  }`,
  bernoulli: p => `
  var four = vec4f(0.0);
  for (var c = 0u; c < ${p.classes}u; c++) {
    if (c % 4u == 0u) { four = uniform4(${drawn(p, 'c / 4u')}); }
    let share = 1.0 / (1.0 + exp(-logits[at + c]));
    dlogits[at + c] = ${float(p.scale * Math.sqrt(1 / p.classes))} * (share - select(0.0, 1.0, four[c % 4u] < share));
  }`,
  normal: p => `
  var four = vec4f(0.0);
  for (var c = 0u; c < ${p.classes}u; c++) {
    if (c % 4u == 0u) { four = normal4(${drawn(p, 'c / 4u')}); }
    dlogits[at + c] = ${float(p.scale * Math.sqrt(2 / p.classes))} * four[c % 4u];
  }`,
};

/**
 * The gradient of each row's own loss where its target is drawn from what the net predicts: softmax cross-entropy, the mean over outputs of
 * binary cross-entropies, or of squared errors. Its covariance is the Hessian of that loss by the logits, times scale squared.
 */
export const drawGradient = kernel({
  name: 'draw_gradient',
  bindings: { logits: 'read f32', dlogits: 'write f32' },
  step: () => ({ seed: 'u32', step: 'u32' }),
  draws: () => true,
  over: (p: DrawnGradient, d) => items(p.rows, d),
  body: p => `
  let at = i * ${p.classes}u;${BODIES[p.of](p)}`,
});

/** The weights of a layer [outputs, inputs], with its bias as one column more. */
export interface Joined {
  outputs: number;
  inputs: number;
}

/** y [outputs, inputs + 1] from the gradients of weight and bias. */
export const joinBias = kernel({
  name: 'join_bias',
  bindings: { weight: 'read', bias: 'read', y: 'write' },
  over: (p: Joined, d) => values(p.outputs * (p.inputs + 1), d),
  body: ({ inputs }) => `
    let row = i / ${inputs + 1}u; let column = i % ${inputs + 1}u;
    if (column < ${inputs}u) { y[i] = weight[row * ${inputs}u + column]; } else { y[i] = bias[row]; }`,
});

/** The gradients of weight and bias from scale[0] x, x [outputs, inputs (+ 1 with a bias)]. */
export const splitBias = kernel({
  name: 'split_bias',
  bindings: { x: 'read', scale: 'read?', weight: 'write', bias: 'write?' },
  over: (p: Joined & { bias: boolean; scaled: boolean }, d) => values(p.outputs * (p.inputs + (p.bias ? 1 : 0)), d),
  body: ({ inputs, bias, scaled }) => `
    let v = x[i]${scaled ? ' * scale[0]' : ''};
    ${
      bias
        ? `let row = i / ${inputs + 1}u; let column = i % ${inputs + 1}u;
    if (column < ${inputs}u) { weight[row * ${inputs}u + column] = v; } else { bias[row] = v; }`
        : 'weight[i] = v;'
    }`,
});

/** scale = min(1, sqrt(bound / products)), products [1] those of gradients that are sums, with what becomes of them: NaN stays. */
export const boundScale = kernel({
  name: 'bound_scale',
  bindings: { products: 'read', scale: 'write' },
  step: () => ({ kl_bound: 'f32', g_scale: 'f32' }),
  over: (_: object, d) => items(1, d),
  body: () => `
  let size = products[0] * op.g_scale * op.g_scale;
  scale[0] = select(sqrt(op.kl_bound / size), 1.0, size <= op.kl_bound);`,
});
