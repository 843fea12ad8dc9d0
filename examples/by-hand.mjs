/**
 * A training loop by hand: gradients read, clipped and set, a rate of one's own, the gradient by the input.
 *
 *     npm install descent-gpu webgpu
 *     node by-hand.mjs
 */
import { dense, openDevice, optimizer, rules, sequential, tanh } from 'descent-gpu';
import { Net } from 'descent-gpu/engine';

const BATCH = 64;
const device = await openDevice();
const model = sequential({ fc1: dense(32), act1: tanh(), fc2: dense(32), act2: tanh(), out: dense(2) });
const net = await Net.build(device, model, { shape: [2], batch: BATCH, inputGradient: true });
const adam = optimizer(rules.adam);

/** Points of two spirals that wind around each other. */
function batch() {
  const y = Uint32Array.from({ length: BATCH }, () => 2 * Math.random());
  const x = Float32Array.from({ length: 2 * BATCH }, () => 0.05 * (Math.random() - 0.5));
  for (const [i, spiral] of y.entries()) {
    const t = Math.random();
    const angle = Math.PI * (1.5 * t + spiral);
    x[2 * i] += t * Math.cos(angle);
    x[2 * i + 1] += t * Math.sin(angle);
  }
  return { x, y };
}

/** Makes the norm of all gradients together 1 at the most. */
async function clip() {
  const gradients = await net.gradients();
  const norm = Math.hypot(...Object.values(gradients).map(({ data }) => Math.hypot(...data)));
  for (const { data } of Object.values(gradients)) for (const i of data.keys()) data[i] /= Math.max(1, norm);
  await net.setGradients(gradients);
}

const STEPS = 600;
for (let step = 1; step <= STEPS; step++) {
  const { x, y } = batch();
  const { loss, correct } = await net.backward(x, y);
  await clip();
  await net.update(adam, 0.01 * (1 - step / STEPS));
  if (step % 100 === 0) console.log(`step ${step}: loss ${loss.toFixed(3)}, ${correct} of ${BATCH} right`);
}

const { x, y } = batch();
const { inputGradient } = await net.backward(x, y);
console.log(`the point ${x.slice(0, 2)} is of spiral ${y[0]}; its loss grows along ${inputGradient.slice(0, 2)}`);
console.log(`outputs ${await net.forward(x.slice(0, 2))}`);
net.destroy();
device.close();
