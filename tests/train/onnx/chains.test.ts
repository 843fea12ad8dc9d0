/** Nodes one after another, as exporters write what is one layer here, give what ONNX Runtime computes of them. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { built } from '../../../train/evaluate/built.ts';
import { modelOf, weightsIn } from '../../../train/onnx/import.ts';
import { decodeOnnx, encodeOnnx, type Constant, type OnnxNet, type OnnxNode } from '../../../train/onnx/net.ts';
import { trim } from '../../../train/onnx/trim.ts';
import { close } from '../../support/check.ts';
import { chain, evaluated, runOnnx } from '../../support/onnx.ts';
import { refusal } from '../../support/refusal.ts';
import { vectorUniform } from '../../vectors/weights.ts';

const test = suite('onnx chains');

const END = 2 ** 40;
const MEANS = [{ op: 'GlobalAveragePool' }, { op: 'Flatten' }];
const CHAINS: Readonly<Record<string, OnnxNet>> = {
  'every other row': chain([{ op: 'Slice', inputs: ['x', '0', 'end', '2', '2'] }, { op: 'Flatten' }], { 0: [0], end: [END], 2: [2] }),
  'every other row and third column by nodes of their own': chain(
    [{ op: 'Slice', inputs: ['x', '0', 'end', '2', '2'] }, { op: 'Slice', inputs: ['x', '0', 'end', '-1', '3'] }, { op: 'Flatten' }],
    { 0: [0], end: [END], 2: [2], 3: [3], '-1': [-1] },
  ),
  'a batch that was fixed as the file was written': chain([{ op: 'Relu' }, { op: 'Reshape', inputs: ['x', '1, -1'] }], {
    '1, -1': [1, -1],
  }),
  "what is around images, as PyTorch's exporter computes it": chain(
    [
      { op: 'ConstantOfShape', inputs: ['4'], outputs: ['zeros'], attributes: { value: { shape: [1], data: [0] } } },
      { op: 'Concat', inputs: ['1, 0, 2, 1', 'zeros'], outputs: ['all'], attributes: { axis: 0 } },
      { op: 'Reshape', inputs: ['all', '-1, 2'], outputs: ['pairs'] },
      { op: 'Slice', inputs: ['pairs', '-1', 'least', '0', '-1'], outputs: ['backwards'] },
      { op: 'Transpose', inputs: ['backwards'], outputs: ['turned'], attributes: { perm: [1, 0] } },
      { op: 'Reshape', inputs: ['turned', '-1'], outputs: ['row'] },
      { op: 'Cast', inputs: ['row'], outputs: ['pads'], attributes: { to: 7 } },
      { op: 'Pad', inputs: ['image', 'pads'], attributes: { mode: 'reflect' } },
      { op: 'Flatten' },
    ],
    { 4: [4], '1, 0, 2, 1': [1, 0, 2, 1], '-1, 2': [-1, 2], '-1': [-1], 0: [0], least: [-(2 ** 53)] },
  ),
  'windows on signals': chain(
    [
      { op: 'Reshape', inputs: ['image', '0, 2, 42'] },
      { op: 'MaxPool', attributes: { kernel_shape: [3], strides: [2], pads: [1, 1] } }, // 21
      { op: 'AveragePool', attributes: { kernel_shape: [2], strides: [2], ceil_mode: 1 } }, // 11
      { op: 'AveragePool', attributes: { kernel_shape: [3], pads: [1, 0], count_include_pad: 1 } }, // 10
      { op: 'GlobalAveragePool', outputs: ['mean'] },
      { op: 'GlobalMaxPool', inputs: ['v3'], outputs: ['most'] },
      { op: 'Concat', inputs: ['mean', 'most'], attributes: { axis: 1 } },
      { op: 'Flatten' },
    ],
    { '0, 2, 42': [0, 2, 42] },
  ),
  'means and maxima as reductions': chain(
    [
      { op: 'ReduceMax', inputs: ['image'], outputs: ['most'], attributes: { axes: [-1, -2], keepdims: 0 } },
      { op: 'Reshape', inputs: ['image', '0, 2, 42'], outputs: ['signal'] },
      { op: 'ReduceMean', inputs: ['signal'], outputs: ['mean'], attributes: { axes: [2], keepdims: 0 } },
      { op: 'Mul', inputs: ['most', 'mean'] },
    ],
    { '0, 2, 42': [0, 2, 42] },
  ),
  'sizes that are computed': chain(
    [
      { op: 'Shape', inputs: ['image'], outputs: ['sizes'], attributes: { start: 1 } }, // 2, 7, 6
      { op: 'Slice', inputs: ['sizes', '-2', '2'], outputs: ['rows'] }, // 7
      { op: 'Div', inputs: ['rows', '2'], outputs: ['half'] }, // 3
      { op: 'Concat', inputs: ['0, -1', 'half', '1'], outputs: ['shape'], attributes: { axis: 0 } },
      { op: 'Reshape', inputs: ['image', 'shape'], outputs: ['v4'] },
      { op: 'GlobalAveragePool' },
      { op: 'Squeeze', inputs: ['x', '-1, -2'] },
      { op: 'Unsqueeze', inputs: ['x', '-1, -2'] },
      ...MEANS,
    ],
    { '-2': [-2], 2: [2], 1: [1], '0, -1': [0, -1], '-1, -2': [-1, -2] },
  ),
};
const SIGNALS = CHAINS['windows on signals']!;
for (const [name, net] of Object.entries(CHAINS)) {
  test(`as ONNX Runtime: ${name}`, async () => {
    const dims = [2, 2, 7, 6];
    const data = vectorUniform('images', 168);
    const { logits } = await runOnnx(await encodeOnnx(net), data, dims);
    const layer = modelOf(await decodeOnnx(await encodeOnnx(net), 'x'), 'x')({ classes: 1, shape: [2, 7, 6] });
    close('logits', await evaluated(layer, dims, data, {}), logits!.data, 1e-6);
  });
}

test('mish is an operator of its own from opset 18 on', async () => {
  const layer = modelOf(chain([{ op: 'Mish' }, { op: 'Flatten' }], {}), 'x')({ classes: 1, shape: [2, 7, 6] });
  const data = vectorUniform('images', 168);
  const want = data.map(v => v * Math.tanh(Math.log1p(Math.exp(v))));
  close('logits', await evaluated(layer, [2, 2, 7, 6], data, {}), want, 1e-6);
});

test('bounds of slices are attributes before opset 10', async () => {
  const nodes: Partial<OnnxNode>[] = [
    { op: 'Relu' },
    { op: 'Shape', inputs: ['image'], outputs: ['sizes'] },
    { op: 'Slice', inputs: ['sizes'], outputs: ['channels'], attributes: { starts: [1], ends: [2], axes: [0] } },
    { op: 'Concat', inputs: ['0', 'channels', '-1'], outputs: ['shape'], attributes: { axis: 0 } },
    { op: 'Reshape', inputs: ['v0', 'shape'] },
  ];
  const layer = modelOf(chain(nodes, { 0: [0], '-1': [-1] }), 'x')({ classes: 1, shape: [2, 7, 6] });
  const data = vectorUniform('images', 168);
  const seen = await evaluated(layer, [2, 2, 7, 6], data, {});
  close(
    'logits',
    seen,
    data.map(v => Math.max(v, 0)),
    1e-7,
  );
});

test('as ONNX Runtime: a net of rows or signals takes tables, and images value by value', async () => {
  const dims = [2, 84];
  const data = vectorUniform('images', 168);
  const net = chain(
    [
      { op: 'Mul', inputs: ['x', 'half'] },
      { op: 'Gemm', inputs: ['x', 'matrix', 'bias'] },
    ],
    { half: [0] },
  );
  const constants = new Map<string, Constant>([
    ['half', { shape: [], data: Float32Array.of(0.5) }],
    ['matrix', { shape: [84, 3], data: vectorUniform('matrix', 252) }],
    ['bias', { shape: [3], data: vectorUniform('bias', 3) }],
  ]);
  const file = await encodeOnnx({ ...net, constants, inputs: [{ name: 'image', shape: ['n', 84] }] });
  const { logits } = await runOnnx(file, data, dims);
  const { net: trimmed, normalisation } = trim(await decodeOnnx(file, 'rows.onnx'));
  assert.is(normalisation, undefined);
  const model = modelOf(trimmed, 'rows.onnx');
  for (const shape of [
    [2, 7, 6],
    [84, 1, 1],
  ] as const) {
    const layer = model({ classes: 3, shape });
    close(`logits of ${shape.join('x')}`, await evaluated(layer, [2, ...shape], data, weightsIn(layer, shape)), logits!.data, 1e-5);
  }
  const signals = modelOf(
    await decodeOnnx(await encodeOnnx({ ...SIGNALS, inputs: [{ name: 'image', shape: ['n', 2, 42] }] }), 's.onnx'),
    's.onnx',
  );
  const pooled = await runOnnx(await encodeOnnx(SIGNALS), data, [2, 2, 7, 6]);
  const layer = signals({ classes: 4, shape: [84, 1, 1] });
  close('logits of signals', await evaluated(layer, [2, 84, 1, 1], data, {}), pooled.logits!.data, 1e-6);
  assert.match(
    await refusal(() => signals({ classes: 3, shape: [1, 28, 28] })),
    's.onnx: takes signals of 2x42, these are 1x28x28; give imageSize, or other data',
  );
  assert.match(
    await refusal(() => model({ classes: 3, shape: [1, 28, 28] })),
    'rows.onnx: takes rows of 84, these are 1x28x28; give imageSize, or other data',
  );
});

test('a net that ends in a convolution, [n, k, 1, 1], gives k logits', async () => {
  const weight: Constant = { shape: [4, 3, 3, 3], data: Float32Array.from({ length: 108 }, (_, i) => Math.sin(i)) };
  const net: OnnxNet = {
    nodes: [
      { name: 'c', op: 'Conv', inputs: ['image', 'w'], outputs: ['a'], attributes: {} },
      { name: 'g', op: 'GlobalAveragePool', inputs: ['a'], outputs: ['y'], attributes: {} },
    ],
    constants: new Map([['w', weight]]),
    inputs: [{ name: 'image', shape: ['n', 3, 8, 8] }],
    outputs: [{ name: 'y', shape: ['n', 4, 1, 1] }],
    metadata: {},
  };
  const shape = [3, 8, 8] as const;
  const bytes = await encodeOnnx(net);
  const layer = modelOf(await decodeOnnx(bytes, 'a.onnx'), 'a.onnx')({ classes: 4, shape });
  assert.equal(built(layer, shape).output.shape, [1, 4]);
  const images = vectorUniform('images', 2 * 3 * 64);
  const { y } = await runOnnx(bytes, images, [2, ...shape]);
  close('logits', await evaluated(layer, [2, ...shape], images, weightsIn(layer, shape)), y!.data, 1e-6);
});

test.run();
