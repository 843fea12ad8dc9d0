/**
 * ONNX in both directions: a net that was learned here becomes a file for ONNX Runtime and others, and such a file goes on learning.
 *
 *     npm install descent-gpu webgpu
 *     node onnx.mjs
 */
import { fit, openDevice, openOnnx, Predictor } from 'descent-gpu';

const SHAPE = [1, 16, 16];

/** A disc or a square somewhere, filled or only its outline. */
function drawing(isDisc, isFilled) {
  const [x, y, r] = [9, 9, 4].map(most => 3 + Math.random() * most);
  const distance = isDisc ? Math.hypot : (dx, dy) => Math.max(Math.abs(dx), Math.abs(dy));
  return Float32Array.from({ length: 256 }, (_, p) => {
    const d = distance((p % 16) - x, (p >> 4) - y) - r;
    return d < 0 && (isFilled || d > -1.5) ? 1 : 0;
  });
}
const drawings = (n, isFilled) => ({
  images: Array.from({ length: n }, (_, i) => drawing(i % 2, isFilled)),
  labels: Array.from({ length: n }, (_, i) => (i % 2 ? 'disc' : 'square')),
  shape: SHAPE,
});
const options = { batchSize: 16, optimizer: { name: 'adam', lr: 0.003 }, normalize: 'none' };

const model = await fit('lenet5', drawings(600, true), { ...options, epochs: 8 }).model;
await model.save('shapes.onnx'); // image [batch, 1, 16, 16] -> logits [batch, 2]; .safetensors keeps it for PyTorch

const net = await openOnnx('shapes.onnx');
console.log(`shapes.onnx takes ${net.shape.join('x')} and tells ${net.facts.classes.join(', ')}`);
const outlines = drawings(200, false);
const run = fit(net.model, { ...outlines, test: 0.5 }, { ...options, epochs: 10, optimizer: { name: 'adam', lr: 0.001 } });
console.log(`test: ${(100 * (await run.done).test.accuracy).toFixed(0)}% right`);
await (await run.model).save('outlines.onnx');

const again = await Predictor.open(await openDevice(), 'outlines.onnx');
for (const isDisc of [true, false]) {
  const [{ label, probability }] = await again.predict(drawing(isDisc, false), { top: 1 });
  console.log(`${isDisc ? 'disc' : 'square'}: ${label} ${(100 * probability).toFixed(0)}%`);
}
