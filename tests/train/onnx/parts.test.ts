/** Operators whose layers are made for ONNX files alone: as ONNX Runtime computes them, with gradients, and exported again. */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import * as onnx from 'onnx-buf';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { exportOnnx } from '../../../train/onnx/open.ts';
import { modelOf, weightsIn } from '../../../train/onnx/import.ts';
import { decodeOnnx, encodeOnnx, type OnnxNet, type OnnxNode } from '../../../train/onnx/net.ts';
import { checkLayer, close } from '../../support/check.ts';
import { chain, evaluated, runOnnx } from '../../support/onnx.ts';
import { refusal } from '../../support/refusal.ts';
import { vectorUniform } from '../../vectors/weights.ts';

const test = suite('onnx parts');
const [N, C, H, W] = [2, 2, 7, 6] as const;
const SHAPE = [C, H, W] as const;
const FLAT = { op: 'Flatten' };
const END = 2 ** 40;

/** The bytes of a net, whose factors of Upsample are numbers where they are an attribute. */
async function written(net: OnnxNet): Promise<Uint8Array> {
  const message = fromBinary(onnx.ModelProtoSchema, await encodeOnnx(net));
  for (const a of message.graph!.node.flatMap(node => node.attribute)) {
    if (a.name !== 'scales') continue;
    a.floats = Array.from(new Float32Array(a.t!.rawData.slice().buffer));
    Object.assign(a, { t: undefined, type: onnx.AttributeProto_AttributeType.FLOATS });
  }
  return toBinary(onnx.ModelProtoSchema, message);
}

/** Values of images of other sizes, each that of an image [2, 7, 6] at a place. */
const moved =
  ([c, h, w]: readonly [number, number, number], from: (c: number, y: number, x: number) => readonly [number, number, number]) =>
  (x: Float64Array) =>
    Float64Array.from({ length: N * c * h * w }, (_, i) => {
      const [k, row, column] = from(Math.floor(i / (h * w)) % c, Math.floor(i / w) % h, i % w);
      return x[((Math.floor(i / (c * h * w)) * C + k) * H + row) * W + column]!;
    });
const ofEach = (f: (v: number) => number) => (x: Float64Array) => x.map(f);
const resize = (attributes: OnnxNode['attributes'] = {}) => [
  { op: 'Resize', inputs: ['x', '', 'factors'], attributes: { mode: 'nearest', ...attributes } },
  FLAT,
];
const FACTORS = { factors: { shape: [4], data: Float32Array.of(1, 1, 2, 3) } };
const asymmetric = { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
const repeatedPixels = moved([C, 2 * H, 3 * W], (c, y, x) => [c, y >> 1, Math.floor(x / 3)]);

const CASES: Readonly<Record<string, readonly [net: OnnxNet, reference: (x: Float64Array) => Float64Array]>> = {
  softsign: [chain([{ op: 'Softsign' }, FLAT], {}), ofEach(v => v / (1 + Math.abs(v)))],
  'a clip on both sides, as of Hardtanh': [
    chain([{ op: 'Clip', inputs: ['x', 'low', 'high'] }, FLAT], {
      low: { shape: [], data: Float32Array.of(-0.5) },
      high: { shape: [], data: Float32Array.of(0.25) },
    }),
    ofEach(v => Math.min(Math.max(v, -0.5), 0.25)),
  ],
  'a clip from below': [
    chain([{ op: 'Clip', inputs: ['x', 'low'] }, FLAT], { low: { shape: [], data: Float32Array.of(0.125) } }),
    ofEach(v => Math.max(v, 0.125)),
  ],
  'a hard sigmoid of another slope': [
    chain([{ op: 'HardSigmoid', attributes: { alpha: { float: 0.75 }, beta: { float: 0.5 } } }, FLAT], {}),
    ofEach(v => Math.min(Math.max(0.75 * v + 0.5, 0), 1)),
  ],
  'a split of rows, of which the last are first': [
    chain(
      [
        { op: 'Split', inputs: ['x', 'sizes'], outputs: ['a', 'b', 'c'], attributes: { axis: -2 } },
        { op: 'Concat', inputs: ['c', 'a', 'b', 'b'], attributes: { axis: 2 } },
        FLAT,
      ],
      { sizes: [3, 1, 3] },
    ),
    moved([C, 8, W], (c, y, x) => [c, y < 3 ? y + 4 : y < 7 ? y - 3 : 3, x]),
  ],
  'an even split of channels': [
    chain([{ op: 'Split', outputs: ['a', 'b'], attributes: { axis: 1 } }, { op: 'Sub', inputs: ['a', 'b'] }, FLAT], {}),
    x =>
      Float64Array.from({ length: N * H * W }, (_, i) => {
        const at = Math.floor(i / (H * W)) * C * H * W + (i % (H * W));
        return x[at]! - x[at + H * W]!;
      }),
  ],
  'circular padding, as slices that are put around': [
    chain(
      [
        { op: 'Slice', inputs: ['image', '-2', 'end', '3'], outputs: ['before'] },
        { op: 'Slice', inputs: ['image', '0', '1', '3'], outputs: ['behind'] },
        { op: 'Concat', inputs: ['before', 'image', 'behind'], attributes: { axis: 3 } },
        FLAT,
      ],
      { '-2': [-2], end: [END], 3: [3], 0: [0], 1: [1] },
    ),
    moved([C, H, W + 3], (c, y, x) => [c, y, (x + W - 2) % W]),
  ],
  'a window of the image': [
    chain([{ op: 'Slice', inputs: ['x', 'from', 'to', 'axes'] }, FLAT], { from: [1, 2, 1], to: [2, 6, -1], axes: [1, 2, 3] }),
    moved([1, 4, 4], (_, y, x) => [1, y + 2, x + 1]),
  ],
  'pixels repeated, as PyTorch exports nearest': [chain(resize(asymmetric), FACTORS), repeatedPixels],
  'pixels repeated, as opset 10 has it': [
    { ...chain([{ op: 'Resize', inputs: ['x', 'factors'], attributes: { mode: 'nearest' } }, FLAT], FACTORS), opset: 10 },
    repeatedPixels,
  ],
  'pixels repeated by an operator that opset 10 leaves behind': [
    { ...chain([{ op: 'Upsample', inputs: ['x', 'factors'], attributes: { mode: 'nearest' } }, FLAT], FACTORS), opset: 9 },
    repeatedPixels,
  ],
  'pixels repeated by factors that are an attribute': [
    { ...chain([{ op: 'Upsample', attributes: { mode: 'nearest', scales: FACTORS.factors } }, FLAT], {}), opset: 8 },
    repeatedPixels,
  ],
  'pixels repeated by half pixels': [chain(resize(), FACTORS), repeatedPixels],
};

for (const [name, [net, reference]] of Object.entries(CASES)) {
  test(name, async () => {
    const dims = [N, ...SHAPE];
    const data = vectorUniform('images', N * C * H * W);
    const file = await written(net);
    const layer = modelOf(await decodeOnnx(file, 'x'), 'x')({ classes: 1, shape: SHAPE });
    await checkLayer(layer, dims, reference);
    const ours = await evaluated(layer, dims, data, {});
    const { logits } = await runOnnx(file, data, dims);
    close('logits', ours, logits!.data, 1e-6);
    const classes = Array.from({ length: ours.length / N }, (_, i) => `${i}`);
    const again = await exportOnnx({ model: layer, shape: SHAPE, classes, weights: {}, normalize: 'none' });
    close('logits of the net exported again', (await runOnnx(again, data, dims)).logits!.data, ours, 1e-6);
  });
}

test('a response of channels is normalised in signals too, which ONNX Runtime does not take', async () => {
  const lrn = { op: 'LRN', attributes: { size: 3, alpha: { float: 0.75 }, beta: { float: 0.5 } } };
  const net = chain([{ op: 'Reshape', inputs: ['x', 'signal'] }, lrn, FLAT], { signal: [0, C, -1] });
  const layer = modelOf(await decodeOnnx(await encodeOnnx(net), 'x'), 'x')({ classes: 1, shape: SHAPE });
  await checkLayer(layer, [N, ...SHAPE], x =>
    x.map((v, i) => {
      const other = x[i + (Math.floor(i / (H * W)) % C ? -H * W : H * W)]!;
      return v / Math.sqrt(1 + 0.25 * (v * v + other * other));
    }),
  );
});

test('what is computed otherwise is refused with what it is', async () => {
  const said = (nodes: readonly Partial<OnnxNode>[], constants: Parameters<typeof chain>[1]) =>
    refusal(async () =>
      evaluated(modelOf(chain(nodes, constants), 'a.onnx')({ classes: 1, shape: SHAPE }), [N, ...SHAPE], vectorUniform('images', 168), {}),
    );
  const by = 'nearest, asymmetric and floor, or half_pixel and rounded, by whole factors of rows and columns is accepted';
  assert.is(await said(resize({ mode: 'linear' }), FACTORS), `a.onnx: Resize n0: it is linear, half_pixel; ${by}`);
  assert.is(
    await said(resize({ ...asymmetric, nearest_mode: 'ceil' }), FACTORS),
    `a.onnx: Resize n0: it is nearest, asymmetric, ceil; ${by}`,
  );
  const halves = { factors: { shape: [4], data: Float32Array.of(1, 1, 1.5, 2) } };
  assert.is(await said(resize(asymmetric), halves), `a.onnx: Resize n0: its factors are 1, 1, 1.5, 2; ${by}`);
  const MEANS = { op: 'GlobalAveragePool' };
  assert.is(
    await said([MEANS, { op: 'Mul', inputs: ['x', 'pixels'] }, FLAT], {
      pixels: { shape: [1, C, H, W], data: new Float32Array(C * H * W) },
    }),
    'a.onnx: Mul n1: its constant is [1, 2, 7, 6] beside [2, 2, 1, 1]; one that is repeated over the other side is accepted',
  );
  assert.is(
    await said([{ op: 'Add', inputs: ['x', 'each'] }, FLAT], { each: { shape: [2, 1, 1, 1], data: Float32Array.of(1, 2) } }),
    'a.onnx: Add n0: its constant is [2, 1, 1, 1] beside [2, 2, 7, 6]; one that is repeated over the other side is accepted',
  );
  assert.is(
    await said([{ op: 'Relu' }, { op: 'Cast', attributes: { to: 7 } }, FLAT], {}),
    'a.onnx: Cast n1: it makes whole numbers of values; a type of floats is accepted',
  );
  const old = { ...chain([{ op: 'Softmax', attributes: { axis: 1 } }, FLAT], {}), opset: 11 };
  assert.is(
    await refusal(async () =>
      weightsIn(modelOf(await decodeOnnx(await written(old), 'a.onnx'), 'a.onnx')({ classes: 1, shape: SHAPE }), SHAPE),
    ),
    'a.onnx: Softmax n0: in opset 11 it is over all of an image; one over the channels is accepted, as of opset 13',
  );
  assert.is(
    await said(
      [
        { op: 'Split', inputs: ['x', 'sizes'], outputs: ['a', 'b'], attributes: { axis: 1 } },
        { ...FLAT, inputs: ['a'] },
      ],
      { sizes: [1, 2] },
    ),
    'a.onnx: Split n0: its sizes are 1, 2 of 2; sizes above 0 that make up the whole are accepted',
  );
});

test.run();
