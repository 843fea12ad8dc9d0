/** ONNX files that PyTorch wrote (tests/vectors/onnx.py), and our own, as models of our layers and as weights of models of the zoo. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as activations from '../../../layers/activation.ts';
import { gated } from '../../../layers/broadcast.ts';
import { flatten, scale, sequential, unflatten, zeroPadShortcut } from '../../../layers/compose.ts';
import { conv1d, conv2d, convTranspose2d } from '../../../layers/conv.ts';
import { dense } from '../../../layers/dense.ts';
import { batchNorm, groupNorm, layerNorm, lrn } from '../../../layers/norm.ts';
import { constantPad, reflectionPad, replicationPad } from '../../../layers/pad.ts';
import { adaptiveAvgPool, adaptiveMaxPool1d, globalAvgPool } from '../../../layers/pool.ts';
import { openModel } from '../../../models/index.ts';
import { parseSpec } from '../../../engine/spec.ts';
import { exportOnnx } from '../../../train/onnx/export.ts';
import { modelOf, weightsIn } from '../../../train/onnx/import.ts';
import { weightsOf } from '../../../train/onnx/match.ts';
import { built } from '../../../train/evaluate/built.ts';
import { decodeOnnx, encodeOnnx, type Constant, type OnnxNet, type OnnxNode } from '../../../train/onnx/net.ts';
import { trim } from '../../../train/onnx/trim.ts';
import { close } from '../../support/check.ts';
import { chain, evaluated, foreign, generatedWeights, runOnnx, sameByPlaces } from '../../support/onnx.ts';
import { refusal } from '../../support/refusal.ts';
import { readJson } from '../../vectors/read.ts';
import { vectorUniform } from '../../vectors/weights.ts';

interface Exported {
  name: string;
  shape: [number, number, number];
  images: number;
  logits: number[][];
}

const test = suite('onnx import');
const nets = readJson<{ nets: Exported[] }>('onnx.json').nets;
const fileOf = (name: string) => decodeOnnx(readFileSync(new URL(`../../vectors/onnx/${name}.onnx`, import.meta.url)), `${name}.onnx`);
const specOf = (spec: string, shape: [number, number, number]) => openModel(parseSpec('model', spec), { classes: 10, shape });

for (const { name, shape, images, logits } of nets) {
  const size = images * shape[0] * shape[1] * shape[2];
  test(`${name}: a model of our layers that begins with the file's weights`, async () => {
    const layer = modelOf(fileOf(name), name)({ classes: logits[0]!.length, shape });
    const weights = weightsIn(layer, shape);
    const seen = await evaluated(layer, [images, ...shape], vectorUniform(`${name}/images`, size), weights);
    close('logits', seen, logits.flat(), 1e-5);
    // and back again, to be read once more
    const again = exportOnnx({ model: layer, shape, classes: logits[0]!.map(String), weights, normalize: 'none' });
    const second = modelOf(trim(decodeOnnx(again, 'again')).net, 'again')({ classes: logits[0]!.length, shape });
    const twice = await evaluated(second, [images, ...shape], vectorUniform(`${name}/images`, size), weightsIn(second, shape));
    close('logits of the net exported again', twice, logits.flat(), 1e-5);
  });
}

for (const name of ['airbench', 'airbench-training']) {
  test(`${name}: its weights are airbench's, batch norm folded or kept`, async () => {
    const { shape, images, logits } = nets.find(net => net.name === name)!;
    const model = specOf('airbench:width=2', shape);
    const weights = weightsOf(fileOf(name), name, model, shape);
    const size = images * shape[0] * shape[1] * shape[2];
    const seen = await evaluated(model, [images, ...shape], vectorUniform(`${name}/images`, size), weights);
    close('logits', seen, logits.flat(), 1e-5);
  });
}

for (const spec of ['resnet20:shortcut=B', 'enresnet20:members=2,noise=0']) {
  const shape = [3, 16, 16] as const;
  test(`${spec} from a file that knows none of our names`, () =>
    sameByPlaces(openModel(parseSpec('model', spec), { classes: 10, shape }), shape));
}

test('a net that is deeper than calls may nest', () => {
  const shape = [1, 2, 2] as const;
  const model = sequential([...Array.from({ length: 3000 }, () => activations.relu()), conv2d(3, 1), globalAvgPool()]);
  const weights = generatedWeights(model, shape);
  const net = decodeOnnx(exportOnnx({ model, shape, classes: ['a', 'b', 'c'], weights, normalize: 'none' }), 'x');
  assert.equal(weightsOf(foreign(net), 'x', model, shape), weights);
  assert.equal(Object.values(weightsIn(modelOf(net, 'x')({ classes: 3, shape }), shape)), Object.values(weights));
});

test('layers of all kinds, exported and read again', async () => {
  const shape = [2, 9, 9] as const;
  const model = sequential({
    up: convTranspose2d(4, 3, { stride: 2, groups: 2 }),
    act1: activations.prelu({ perChannel: true }),
    norm: groupNorm(2),
    pad1: constantPad({ top: 1, left: 2 }, 0.5),
    pad2: reflectionPad(1),
    pad3: replicationPad([1, 0]),
    act2: activations.hardswish(),
    se: gated(sequential({ pool: adaptiveAvgPool(1), fc: conv2d(4, 1), act: activations.hardsigmoid() })),
    act3: activations.relu6(),
    conv: conv2d(6, [3, 2], { stride: [2, 1], pad: 'same', groups: 2 }),
    act4: activations.celu(0.5),
    act5: activations.silu(),
    act6: activations.mish(),
    lrn: lrn({ size: 3, alpha: 0.1 }),
    shortcut: zeroPadShortcut(8, 2),
    norm2: layerNorm(),
    act7: activations.elu(),
    act8: activations.gelu(),
    scale: scale(3),
    flat: flatten(),
    signal: unflatten([8, 72]),
    conv1: conv1d(3, 3, { stride: 2, pad: 1 }),
    act9: activations.prelu(),
    pool: adaptiveMaxPool1d(4),
    fc: dense(4),
    norm3: batchNorm({ affine: false }),
    out: dense(3),
    last: activations.logSoftmax(),
  });
  const weights = generatedWeights(model, shape);
  const file = exportOnnx({ model, shape, classes: ['a', 'b', 'c'], weights, normalize: 'none' });
  const layer = modelOf(decodeOnnx(file, 'x'), 'x')({ classes: 3, shape });
  const data = vectorUniform('images', 2 * 162);
  const want = await evaluated(model, [2, ...shape], data, weights);
  close('logits', await evaluated(layer, [2, ...shape], data, weightsIn(layer, shape)), want, 1e-4);
  const found = weightsOf(foreign(decodeOnnx(file, 'x')), 'x', model, shape);
  close('logits by places', await evaluated(model, [2, ...shape], data, found), want, 1e-4);
});

test('normalisation at the beginning and a softmax at the end are taken for what they are', () => {
  const shape: [number, number, number] = [3, 28, 28];
  const model = specOf('mlp:hidden=4', shape);
  const moments = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.3] };
  const facts = { model, shape, classes: Array.from({ length: 10 }, (_, i) => `${i}`), weights: generatedWeights(model, shape), moments };
  const { net, normalisation } = trim(decodeOnnx(exportOnnx({ ...facts, normalize: 'meanstd' }), 'x'));
  close('mean', normalisation!.moments!.mean, moments.mean, 1e-6);
  close('deviation', normalisation!.moments!.std, moments.std, 1e-6);
  assert.equal(weightsOf(net, 'x', model, shape), facts.weights);
  assert.equal(trim(decodeOnnx(exportOnnx({ ...facts, normalize: 'none' }), 'x')).normalisation, { normalize: 'none' });
  assert.is(trim(decodeOnnx(exportOnnx({ ...facts, normalize: 'meanstd' }, { normalises: false }), 'x')).normalisation, undefined);
});

test('nets that differ are told apart', async () => {
  const shape: [number, number, number] = [3, 32, 32];
  const said = (net: OnnxNet, spec: string) => refusal(() => weightsOf(net, 'net.onnx', specOf(spec, shape), shape));
  assert.match(
    await said(fileOf('airbench'), 'airbench:width=4'),
    'net.onnx: is another net than the model, whose head.weight is [10, 16], not [10, 8]; name the model that it is of, or give the file itself as the model',
  );
  assert.match(await said(fileOf('airbench'), 'lenet5'), /^net\.onnx: is another net than the model, whose /);
  const model = specOf('vgg-small', shape);
  const net = foreign(
    decodeOnnx(
      exportOnnx({ model, shape, classes: Array(10).fill('x'), weights: generatedWeights(model, shape), normalize: 'none' }),
      'net.onnx',
    ),
  );
  const leaky = { ...net, nodes: net.nodes.map(n => (n.name.startsWith('act3/') ? { ...n, op: 'LeakyRelu' } : n)) };
  assert.match(await said(leaky, 'vgg-small'), 'another net than the model, whose act3 is Relu, not LeakyRelu');
  const strided = net.nodes.map(n => (n.name.startsWith('conv2/') ? { ...n, attributes: { ...n.attributes, strides: [2, 2] } } : n));
  assert.match(await said({ ...net, nodes: strided }, 'vgg-small'), 'whose conv2 has strides 1x1, not 2x2');
});

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
    const { logits } = await runOnnx(encodeOnnx(net), data, dims);
    const layer = modelOf(decodeOnnx(encodeOnnx(net), 'x'), 'x')({ classes: 1, shape: [2, 7, 6] });
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
  const file = encodeOnnx({ ...net, constants, inputs: [{ name: 'image', shape: ['n', 84] }] });
  const { logits } = await runOnnx(file, data, dims);
  const { net: trimmed, normalisation } = trim(decodeOnnx(file, 'rows.onnx'));
  assert.is(normalisation, undefined);
  const model = modelOf(trimmed, 'rows.onnx');
  for (const shape of [
    [2, 7, 6],
    [84, 1, 1],
  ] as const) {
    const layer = model({ classes: 3, shape });
    close(`logits of ${shape.join('x')}`, await evaluated(layer, [2, ...shape], data, weightsIn(layer, shape)), logits!.data, 1e-5);
  }
  const signals = modelOf(decodeOnnx(encodeOnnx({ ...SIGNALS, inputs: [{ name: 'image', shape: ['n', 2, 42] }] }), 's.onnx'), 's.onnx');
  const pooled = await runOnnx(encodeOnnx(SIGNALS), data, [2, 2, 7, 6]);
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

test('what would be computed otherwise than the file says is refused', async () => {
  const said = (nodes: readonly Partial<OnnxNode>[]) =>
    refusal(() =>
      weightsIn(modelOf(chain(nodes, { 1: [1], 2: [1, 2], huge: [END] }), 'a.onnx')({ classes: 1, shape: [2, 7, 6] }), [2, 7, 6]),
    );
  const pool = { op: 'AveragePool', attributes: { kernel_shape: [2, 2], dilations: [2, 2] } };
  assert.match(await said([pool, ...MEANS]), 'a.onnx: AveragePool n0: its dilations are 2, 2; means of values side by side');
  assert.match(
    await said([{ op: 'Slice', inputs: ['x', '1', '2', '1'] }, ...MEANS]),
    'a.onnx: Slice n0: it takes a part of the image; every n-th row',
  );
  assert.match(await said([{ op: 'Transpose' }, ...MEANS]), 'a.onnx: Transpose n0: its input 0 is computed from the image; export');
  assert.match(
    await said([
      { op: 'ConstantOfShape', inputs: ['huge'], outputs: ['zeros'] },
      { op: 'Reshape', inputs: ['image', 'zeros'] },
    ]),
    'a.onnx: ConstantOfShape n0: its shape is 1099511627776; up to 1048576 numbers are accepted',
  );
  assert.match(
    await said([
      { op: 'Unsqueeze', inputs: ['2', '1'], outputs: ['row'] },
      { op: 'Gather', inputs: ['row', '1'], outputs: ['column'] },
      { op: 'Reshape', inputs: ['image', 'column'] },
    ]),
    'a.onnx: Gather n1: its input 0 has 2 dimensions; one is accepted',
  );
  assert.match(
    await said([
      { op: 'Unsqueeze', inputs: ['2', '1'], outputs: ['column'] },
      { op: 'Mul', inputs: ['2', 'column'], outputs: ['shape'] },
      { op: 'Reshape', inputs: ['image', 'shape'] },
    ]),
    'a.onnx: Mul n1: its constants are [2] and [2, 1]; constants of one shape, or a number, are accepted',
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
  const bytes = encodeOnnx(net);
  const layer = modelOf(decodeOnnx(bytes, 'a.onnx'), 'a.onnx')({ classes: 4, shape });
  assert.equal(built(layer, shape).output.shape, [1, 4]);
  const images = vectorUniform('images', 2 * 3 * 64);
  const { y } = await runOnnx(bytes, images, [2, ...shape]);
  close('logits', await evaluated(layer, [2, ...shape], images, weightsIn(layer, shape)), y!.data, 1e-6);
});

test('what is no net of our layers is refused by name', async () => {
  const bytes = readFileSync(new URL('../../vectors/onnx/mixed.onnx', import.meta.url));
  assert.match(await refusal(() => decodeOnnx(new Uint8Array([1, 2, 3]), 'a.onnx')), 'a.onnx: is no ONNX file, or a damaged one; fetch');
  assert.match(await refusal(() => decodeOnnx(new Uint8Array(), 'a.onnx')), 'a.onnx: is no ONNX file with a graph in it; fetch');
  const net = decodeOnnx(bytes, 'a.onnx');
  const odd = { ...net, nodes: net.nodes.map(n => (n.op === 'Sigmoid' ? { ...n, op: 'Sigmoud' } : n)) };
  assert.match(
    await refusal(() => modelOf(odd, 'a.onnx')),
    "a.onnx: the operator Sigmoud of /Sigmoid has no layer here; did you mean 'Sigmoid'?",
  );
  assert.match(
    await refusal(() => modelOf(net, 'a.onnx')({ classes: 3, shape: [2, 12, 11] })),
    'a.onnx: takes images of 2x11x11, these are 2x12x11; give imageSize, or other data',
  );
});

test.run();
