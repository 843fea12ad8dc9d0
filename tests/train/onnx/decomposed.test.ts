/** Layers that exporters write as several nodes, and operators that our layers are together, beside ONNX Runtime. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Layer } from '../../../engine/graph.ts';
import { gelu, geluTanh } from '../../../layers/activation.ts';
import { flatten, sequential } from '../../../layers/compose.ts';
import { conv2d } from '../../../layers/conv.ts';
import { dense } from '../../../layers/dense.ts';
import { layerNorm, lrn } from '../../../layers/norm.ts';
import { circularPad, constantPad } from '../../../layers/pad.ts';
import { exportOnnx } from '../../../train/onnx/open.ts';
import { modelOf, weightsIn } from '../../../train/onnx/import.ts';
import { weightsOf } from '../../../train/onnx/match.ts';
import { decodeOnnx, encodeOnnx, type Constant, type OnnxNet, type OnnxNode } from '../../../train/onnx/net.ts';
import { close } from '../../support/check.ts';
import { chain, evaluated, foreign, generatedWeights, runOnnx } from '../../support/onnx.ts';
import { refusal } from '../../support/refusal.ts';
import { vectorUniform } from '../../vectors/weights.ts';

const test = suite('onnx, decomposed');
const SHAPE = [2, 7, 6] as const;
const DIMS = [2, ...SHAPE];
const number = (value: number): Constant => ({ shape: [], data: Float32Array.of(value) });
const FLAT = { op: 'Flatten' };

/** LayerNorm of an image as PyTorch writes it before opset 17. */
const normed = (axes: readonly number[]): Partial<OnnxNode>[] => [
  { op: 'ReduceMean', inputs: ['image'], outputs: ['mean'], attributes: { axes } },
  { op: 'Sub', inputs: ['image', 'mean'], outputs: ['centred'] },
  { op: 'Pow', inputs: ['centred', 'two'], outputs: ['squares'] },
  { op: 'ReduceMean', inputs: ['squares'], outputs: ['variance'], attributes: { axes } },
  { op: 'Add', inputs: ['variance', 'eps'], outputs: ['sum'] },
  { op: 'Sqrt', inputs: ['sum'], outputs: ['deviation'] },
  { op: 'Div', inputs: ['centred', 'deviation'], outputs: ['normed'] },
];
const scaled: Partial<OnnxNode>[] = [
  { op: 'Mul', inputs: ['normed', 'weight'], outputs: ['product'] },
  { op: 'Add', inputs: ['product', 'bias'] },
];
const NUMBERS = { two: number(2), eps: number(0.1) };
const LEARNED = {
  weight: { shape: SHAPE, data: vectorUniform('weight', 84) },
  bias: { shape: SHAPE, data: vectorUniform('bias', 84) },
};
const ALL = [-3, -2, -1];

/** LocalResponseNorm as PyTorch writes it: the mean of squares by a window over the channels of a volume. */
const localResponse = (size: number): Partial<OnnxNode>[] => [
  { op: 'Mul', inputs: ['image', 'image'], outputs: ['squares'] },
  { op: 'Reshape', inputs: ['squares', 'volume'], outputs: ['volumes'] },
  { op: 'Pad', inputs: ['volumes', 'pads'], outputs: ['padded'] },
  { op: 'AveragePool', inputs: ['padded'], outputs: ['means'], attributes: { kernel_shape: [size, 1, 1], strides: [1, 1, 1] } },
  { op: 'Squeeze', inputs: ['means', 'first'], outputs: ['squeezed'] },
  { op: 'Reshape', inputs: ['squeezed', 'images'], outputs: ['again'] },
  { op: 'Mul', inputs: ['again', 'alpha'], outputs: ['times'] },
  { op: 'Add', inputs: ['times', 'k'], outputs: ['base'] },
  { op: 'Pow', inputs: ['base', 'beta'], outputs: ['power'] },
  { op: 'Div', inputs: ['image', 'power'] },
  FLAT,
];
const RESPONSE = {
  volume: [0, 1, 2, 7, -1],
  pads: [0, 0, 1, 0, 0, 0, 0, 1, 0, 0],
  first: [1],
  images: [0, 2, 7, 6],
  alpha: number(0.8),
  k: number(1.5),
  beta: number(0.75),
};

const CHAINS: Readonly<Record<string, OnnxNet>> = {
  'a number less a value, and a value less another': chain(
    [
      { op: 'Sigmoid', inputs: ['image'], outputs: ['gate'] },
      { op: 'Sub', inputs: ['one', 'gate'], outputs: ['rest'] },
      { op: 'Mul', inputs: ['image', 'rest'], outputs: ['kept'] },
      { op: 'Sub', inputs: ['kept', 'gate'] },
      FLAT,
    ],
    { one: number(1) },
  ),
  'a number of each channel less the image': chain([{ op: 'Sub', inputs: ['each', 'image'] }, FLAT], {
    each: { shape: [2, 1, 1], data: Float32Array.of(0.5, -2) },
  }),
  'a power, selu, and a clip to 1': chain(
    [{ op: 'Selu' }, { op: 'Pow', inputs: ['x', 'three'] }, { op: 'Selu' }, { op: 'Clip', inputs: ['x', 'zero', 'one'] }, FLAT],
    { three: number(3), zero: number(0), one: number(1) },
  ),
  "GELU by tanh, the cube as a power, as the transformers' own": chain(
    [
      { op: 'Mul', inputs: ['image', 'half'], outputs: ['halved'] },
      { op: 'Pow', inputs: ['image', 'three'], outputs: ['cube'] },
      { op: 'Mul', inputs: ['cube', 'cubic'], outputs: ['part'] },
      { op: 'Add', inputs: ['image', 'part'], outputs: ['sum'] },
      { op: 'Mul', inputs: ['sum', 'factor'], outputs: ['inner'] },
      { op: 'Tanh', inputs: ['inner'], outputs: ['tanh'] },
      { op: 'Add', inputs: ['tanh', 'one'], outputs: ['more'] },
      { op: 'Mul', inputs: ['halved', 'more'] },
      FLAT,
    ],
    { half: number(0.5), three: number(3), cubic: number(0.044715), factor: number(Math.sqrt(2 / Math.PI)), one: number(1) },
  ),
  'LayerNorm as it is written before opset 17': chain([...normed(ALL), ...scaled, FLAT], { ...NUMBERS, ...LEARNED }),
  'LayerNorm without weights': chain([...normed(ALL), { op: 'Relu', inputs: ['normed'] }, FLAT], NUMBERS),
  'LocalResponseNorm as PyTorch writes it': chain(localResponse(3), RESPONSE),
};
for (const [name, net] of Object.entries(CHAINS)) {
  test(`as ONNX Runtime: ${name}`, async () => {
    const data = vectorUniform('images', 168).map(v => 3 * v);
    const { logits } = await runOnnx(await encodeOnnx(net), data, DIMS);
    const layer = modelOf(await decodeOnnx(await encodeOnnx(net), 'x'), 'x')({ classes: 1, shape: [...SHAPE] });
    close('logits', await evaluated(layer, DIMS, data, weightsIn(layer, SHAPE)), logits!.data, 1e-5);
  });
}

test('an image put around itself is an operator of its own from opset 19 on; it was zeros', async () => {
  const net = chain([{ op: 'Pad', inputs: ['x', 'pads'], attributes: { mode: 'wrap' } }, FLAT], { pads: [0, 0, 1, 2, 0, 0, 3, 0] });
  const data = vectorUniform('images', 168);
  const layer = modelOf(net, 'x')({ classes: 1, shape: [...SHAPE] });
  const want = sequential([circularPad({ top: 1, left: 2, bottom: 3 }), flatten()]);
  const exported = { model: want, shape: SHAPE, classes: Array(176).fill('x'), weights: {}, normalize: 'none' as const };
  const { logits } = await runOnnx(await exportOnnx(exported), data, DIMS);
  close('values', await evaluated(layer, DIMS, data, {}), logits!.data, 0);
});

test('what only looks like one of them is refused', async () => {
  const said = (net: OnnxNet) => refusal(() => weightsIn(modelOf(net, 'a.onnx')({ classes: 1, shape: [...SHAPE] }), SHAPE));
  assert.match(
    await said(chain([...normed([-1]), ...scaled, FLAT], { ...NUMBERS, ...LEARNED })),
    /its axis is -1; a norm over all of a sample/,
  );
  assert.match(
    await said(chain([...normed([1]), ...scaled, FLAT], { ...NUMBERS, ...LEARNED })),
    /^a\.onnx: the operator Sqrt of .* has no layer/,
  );
  assert.match(await said(chain(localResponse(2), RESPONSE)), /^a\.onnx: /);
  assert.match(
    await said(chain([{ op: 'LRN', attributes: { size: 2 } }, FLAT], {})),
    'its size is 2; an odd number of channels is accepted',
  );
  assert.match(await said(chain([{ op: 'Pow', inputs: ['x', 'half'] }, FLAT], { half: number(0.5) })), 'its exponent is 0.5; 1, 2, 3 or 4');
  assert.match(
    await said(chain([{ op: 'Div', inputs: ['one', 'x'] }, FLAT], { one: number(1) })),
    'its first side is a constant; the image divided',
  );
});

test('weights are taken by places from a file whose pads are computed by nodes, norms and GELUs of which are several', async () => {
  const shape = [2, 7, 7] as const;
  const netWith = (act: Layer) =>
    sequential({ pad: constantPad(1), conv: conv2d(4, 3), act, lrn: lrn({ size: 3 }), norm: layerNorm(), fc: dense(3) });
  const model = netWith(geluTanh());
  const weights = generatedWeights(model, shape);
  const file = await exportOnnx({ model, shape, classes: ['a', 'b', 'c'], weights, normalize: 'none' });
  const net = foreign(await decodeOnnx(file, 'x'));
  const pads = net.nodes.find(({ op }) => op === 'Pad')!;
  const computed = (name: string): OnnxNode[] => [
    { name: '', op: 'Shape', inputs: [net.inputs[0]!.name], outputs: ['sizes'], attributes: {} },
    { name: '', op: 'Mul', inputs: ['sizes', 'none'], outputs: ['zeros'], attributes: {} },
    { name: '', op: 'Concat', inputs: ['zeros', 'zeros'], outputs: ['all'], attributes: { axis: 0 } },
    { name: '', op: 'Add', inputs: ['all', name], outputs: ['pads'], attributes: {} },
  ];
  const legacy: OnnxNet = {
    ...net,
    constants: new Map([...net.constants, ['none', { shape: [1], data: [0] }]]),
    nodes: [
      ...computed(pads.inputs[1]!),
      ...net.nodes.map(node => {
        if (node === pads) return { ...node, inputs: [node.inputs[0]!, 'pads', ...node.inputs.slice(2)] };
        return node.op === 'LayerNormalization' ? { ...node, attributes: { ...node.attributes, axis: -3 } } : node;
      }),
    ],
  };
  assert.equal(weightsOf(legacy, 'x', model, shape), weights);
  assert.match(await refusal(() => weightsOf(legacy, 'x', netWith(gelu()), shape)), 'whose act has approximate none, not tanh');
});

test.run();
