/** ONNX files that are no net of our layers, another net than the model, or say what would be computed otherwise, are refused by name. */
import { readFileSync } from 'node:fs';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import * as onnx from 'onnx-buf';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { relu } from '../../../layers/activation.ts';
import { auxiliary } from '../../../layers/auxiliary.ts';
import { sequential } from '../../../layers/compose.ts';
import { conv2d } from '../../../layers/conv.ts';
import { dense } from '../../../layers/dense.ts';
import { globalAvgPool } from '../../../layers/pool.ts';
import { exportOnnx } from '../../../train/onnx/open.ts';
import { modelOf, weightsIn } from '../../../train/onnx/import.ts';
import { weightsOf } from '../../../train/onnx/match.ts';
import { decodeOnnx, type OnnxNet, type OnnxNode } from '../../../train/onnx/net.ts';
import { chain, torchNet, foreign, generatedWeights, zooModel } from '../../support/onnx.ts';
import { refusal } from '../../support/refusal.ts';

const test = suite('onnx refusals');

test('nets that differ are told apart', async () => {
  const shape: [number, number, number] = [3, 32, 32];
  const said = (net: OnnxNet, spec: string) => refusal(() => weightsOf(net, 'net.onnx', zooModel(spec, shape), shape));
  assert.match(
    await said(await torchNet('airbench'), 'airbench:width=4'),
    'net.onnx: is another net than the model, whose head.weight is [10, 16], not [10, 8]; name the model that it is of, or give the file itself as the model',
  );
  assert.match(await said(await torchNet('airbench'), 'lenet5'), /^net\.onnx: is another net than the model, whose /);
  const model = zooModel('vgg-small', shape);
  const net = foreign(
    await decodeOnnx(
      await exportOnnx({ model, shape, classes: Array(10).fill('x'), weights: generatedWeights(model, shape), normalize: 'none' }),
      'net.onnx',
    ),
  );
  const leaky = { ...net, nodes: net.nodes.map(n => (n.name.startsWith('act3/') ? { ...n, op: 'LeakyRelu' } : n)) };
  assert.match(await said(leaky, 'vgg-small'), 'another net than the model, whose act3 is Relu, not LeakyRelu');
  const strided = net.nodes.map(n => (n.name.startsWith('conv2/') ? { ...n, attributes: { ...n.attributes, strides: [2, 2] } } : n));
  assert.match(await said({ ...net, nodes: strided }, 'vgg-small'), 'whose conv2 has strides 1x1, not 2x2');
});

test('a file says nothing of a head that only training has', async () => {
  const shape: [number, number, number] = [3, 6, 6];
  const conv = conv2d(4, 3);
  const rest = { act: relu(), pool: globalAvgPool(), fc: dense(2) };
  const model = sequential({ conv, aux: auxiliary(sequential({ pool: globalAvgPool(), fc: dense(2) }), 0.3), ...rest });
  const plain = sequential({ conv, ...rest });
  const net = await decodeOnnx(
    await exportOnnx({ model: plain, shape, classes: ['a', 'b'], weights: generatedWeights(plain, shape), normalize: 'none' }),
    'net.onnx',
  );
  assert.match(
    await refusal(() => weightsOf(net, 'net.onnx', model, shape)),
    "net.onnx: has nothing for the model's aux.fc.weight; name the model that it is of, or give the file itself as the model",
  );
});

const MEANS = [{ op: 'GlobalAveragePool' }, { op: 'Flatten' }];
test('what would be computed otherwise than the file says is refused', async () => {
  const said = (nodes: readonly Partial<OnnxNode>[]) =>
    refusal(() =>
      weightsIn(modelOf(chain(nodes, { 1: [1], 2: [1, 2], huge: [2 ** 40] }), 'a.onnx')({ classes: 1, shape: [2, 7, 6] }), [2, 7, 6]),
    );
  const pool = { op: 'AveragePool', attributes: { kernel_shape: [2, 2], dilations: [2, 2] } };
  assert.match(await said([pool, ...MEANS]), 'a.onnx: AveragePool n0: its dilations are 2, 2; means of values side by side');
  assert.match(
    await said([{ op: 'Slice', inputs: ['x', '1', '2', '1', '2'] }, ...MEANS]),
    'a.onnx: Slice n0: it takes every n-th of a part, of channels or of the batch; parts of images',
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

test('what is no net of our layers is refused by name', async () => {
  const bytes = readFileSync(new URL('../../vectors/onnx/mixed.onnx', import.meta.url));
  assert.match(
    await refusal(async () => await decodeOnnx(new Uint8Array([1, 2, 3]), 'a.onnx')),
    'a.onnx: is no ONNX file, or a damaged one; fetch',
  );
  assert.match(
    await refusal(async () => await decodeOnnx(new Uint8Array(), 'a.onnx')),
    'a.onnx: is no ONNX file with a graph in it; fetch',
  );
  const net = await decodeOnnx(bytes, 'a.onnx');
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

test('inputs of other ranks and types than images in floats, and quantised weights, are refused by what they are', async () => {
  const shape: [number, number, number] = [1, 4, 4];
  const model = zooModel('mlp:hidden=3', shape);
  const classes = Array.from({ length: 10 }, (_, i) => `${i}`);
  const bytes = await exportOnnx({ model, shape, classes, weights: generatedWeights(model, shape), normalize: 'none' });
  const said = (change: (graph: onnx.GraphProto, input: onnx.TypeProto_Tensor) => void) => {
    const message = fromBinary(onnx.ModelProtoSchema, bytes);
    const { value: type } = message.graph!.input[0]!.type!.value;
    change(message.graph!, type as onnx.TypeProto_Tensor);
    return refusal(async () => modelOf(await decodeOnnx(toBinary(onnx.ModelProtoSchema, message), 'a.onnx'), 'a.onnx'));
  };
  const accepted = 'a net of one input is accepted: images [batch, c, h, w], signals [batch, c, l] or rows [batch, values]';
  assert.is(
    await said((_, input) => input.shape!.dim.push(input.shape!.dim[1]!)),
    `a.onnx: its input image is [batch, 1, 4, 4, 1]; ${accepted}`,
  );
  assert.is(await said((_, input) => (input.shape = undefined)), `a.onnx: its input image has no shape; ${accepted}`);
  assert.is(
    await said((_, input) => (input.elemType = onnx.TensorProto_DataType.UINT8)),
    'a.onnx: its input image is of type UINT8; export the net in float32',
  );
  assert.is(
    await said(({ initializer }) => (initializer[0]!.dataType = onnx.TensorProto_DataType.INT8)),
    "a.onnx: tensor 'fc1.weight' has elements of type INT8; export the net in float32",
  );
});

test('weights in bfloat16 are read', async () => {
  const bytes = readFileSync(new URL('../../vectors/onnx/mixed.onnx', import.meta.url));
  const message = fromBinary(onnx.ModelProtoSchema, bytes);
  const t = message.graph!.initializer.find(({ dataType }) => dataType === onnx.TensorProto_DataType.FLOAT)!;
  const bits = Uint32Array.from(new Uint32Array(new Uint8Array(t.rawData).buffer), v => v & 0xffff0000);
  Object.assign(t, { dataType: onnx.TensorProto_DataType.BFLOAT16, rawData: new Uint8Array(Uint16Array.from(bits, v => v >>> 16).buffer) });
  const { data } = (await decodeOnnx(toBinary(onnx.ModelProtoSchema, message), 'a.onnx')).constants.get(t.name)!;
  assert.equal(data, new Float32Array(bits.buffer));
});

test.run();
