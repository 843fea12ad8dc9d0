/**
 * Trains on numbers in memory under Node: curves of a sensor, as rows of 64 values, with their classes as names.
 *
 *     npm install descent-gpu webgpu
 *     node train.mjs
 */
import { fit, openDevice, Predictor } from 'descent-gpu';

/** A sine, a square wave or a saw of some frequency and phase, with noise. */
const KINDS = {
  sine: t => Math.sin(2 * Math.PI * t),
  square: t => Math.sign(Math.sin(2 * Math.PI * t)),
  saw: t => 2 * (t - Math.floor(t + 0.5)),
};
function curve(kind) {
  const [frequency, phase] = [1 + 2 * Math.random(), Math.random()];
  return Float32Array.from({ length: 64 }, (_, i) => KINDS[kind]((frequency * i) / 64 + phase) + 0.3 * (Math.random() - 0.5));
}
const labels = Array.from({ length: 1500 }, (_, i) => Object.keys(KINDS)[i % 3]);
const images = labels.map(curve);

// Ctrl-C ends the run after the step in flight.
const stop = new AbortController();
process.once('SIGINT', () => stop.abort(new Error('stopped by Ctrl-C')));

const run = fit(
  'mlp:hidden=64-32',
  { images, labels, shape: [64], test: 0.2 },
  { epochs: 20, batchSize: 32, optimizer: { name: 'adam', lr: 0.003 }, normalize: 'meanstd', schedule: 'cosine', signal: stop.signal },
);
for await (const event of run) {
  if (event.type === 'epoch' && event.epoch % 5 === 0) {
    console.log(
      `epoch ${event.epoch}: loss ${event.train.loss.toFixed(3)}, ${(100 * event.validation.accuracy).toFixed(0)}% of new curves right`,
    );
  }
}
console.log(`test: ${(100 * (await run.done).test.accuracy).toFixed(1)}% right`);

const model = await run.model;
await model.save('curves.safetensors');
const again = await Predictor.open(await openDevice(), 'curves.safetensors');
for (const [answer] of await again.predict(Object.keys(KINDS).map(curve), { top: 1 })) {
  console.log(`${answer.label} ${(100 * answer.probability).toFixed(0)}%`);
}
