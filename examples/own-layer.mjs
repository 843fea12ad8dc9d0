/**
 * A layer with WGSL of its own, forward and backward, and an update rule of its own.
 *
 *     npm install descent-gpu webgpu
 *     node own-layer.mjs
 */
import { conv2d, dense, fit, maxPool, optimizer, sequential } from 'descent-gpu';
import { accumulated, accumulates, constant, kernel, learningRate, number, rule, values } from 'descent-gpu/engine';

/** What both passes know of a value: the slope of its channel, and the sigmoid of the product. `c` channels of `hw` values each. */
const gate = ({ c, hw }) => `
  let b = beta[i / ${hw}u % ${c}u];
  let s = 1.0 / (1.0 + exp(-b * x[i]));`;

const swishForward = kernel({
  name: 'swish_forward',
  bindings: { x: 'read', beta: 'read', y: 'write' },
  over: (p, d) => values(p.n * p.c * p.hw, d),
  body: p => `${gate(p)}
  y[i] = x[i] * s;`,
});

const swishBackward = kernel({
  name: 'swish_backward',
  bindings: { x: 'read', beta: 'read', dy: 'read', dx: 'write' },
  over: (p, d) => values(p.n * p.c * p.hw, d),
  body: p => `${gate(p)}
  dx[i] = dy[i] * (s + b * x[i] * s * (1.0 - s));`,
});

/** One thread a channel; `gradient` says whether it overwrites, or adds to what other micro-batches left. */
const swishSlope = kernel({
  name: 'swish_slope',
  bindings: { x: 'read', beta: 'read', dy: 'read', dbeta: 'write' },
  step: p => accumulates(p.gradient),
  over: (p, d) => values(p.c, d),
  body: p => `
  let channel = i;
  var v = 0.0;
  for (var image = 0u; image < ${p.n}u; image++) {
    for (var at = 0u; at < ${p.hw}u; at++) {
      let i = (image * ${p.c}u + channel) * ${p.hw}u + at;${gate(p)}
      v += dy[i] * x[i] * x[i] * s * (1.0 - s);
    }
  }
  dbeta[channel] = ${accumulated(p.gradient, 'dbeta[channel]')};`,
});

/** x sigmoid(beta x) with a learned beta for each channel (Ramachandran 2017). [n, c, h, w] -> the same; weight `beta` [c], which begins at 1. */
const swish = () => (g, x) => {
  const [n, c, h, w] = x.shape;
  const p = { n, c, hw: h * w };
  const { value: beta, grad } = g.param('beta', [c], constant(1));
  const y = g.tensor(x.shape);
  g.run(swishForward, p, { x, beta, y });
  return g.record([x], y, dy => {
    g.run(swishSlope, { ...p, gradient: g.gradient(grad) }, { x, beta, dy, dbeta: grad });
    return [g.gradientOf(x, dx => g.run(swishBackward, p, { x, beta, dy, dx }))];
  });
};

/** Lion (Chen 2023): moves by the sign of a mixture of momentum and gradient. `w`, `g` and the state `m` are vec4f, `op.` has the numbers. */
const lion = rule({
  name: 'lion',
  about: 'steps of one length, along the signs of the momentum',
  formula: 'w -= η sign(β₁ m + (1 - β₁) g)',
  state: ['m'],
  hyper: { lr: learningRate(1e-4), beta1: number(0.9), beta2: number(0.99) },
  update: `w -= op.lr * sign(mix(g, m, op.beta1));
    m = mix(g, m, op.beta2);`,
});

const net = ({ classes }) =>
  sequential({
    conv1: conv2d(8, 3, { stride: 2 }),
    act1: swish(),
    pool1: maxPool(2),
    conv2: conv2d(16, 3),
    act2: swish(),
    fc: dense(classes),
  });
const run = fit(net, 'shapes', { limitTrain: 1000, limitTest: 200, batchSize: 32, epochs: 5, optimizer: optimizer(lion, { lr: 2e-3 }) });
for await (const event of run) {
  if (event.type === 'epoch')
    console.log(`epoch ${event.epoch}: loss ${event.train.loss.toFixed(3)}, ${(100 * event.validation.accuracy).toFixed(0)}% right`);
}
const weights = await (await run.model).weights();
console.log(`beta of act1: ${Array.from(weights['act1.beta'].data, b => b.toFixed(2)).join(' ')}`);
