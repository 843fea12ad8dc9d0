/** ONNX files that PyTorch wrote (tests/vectors/onnx.py), and our own, as models of our layers and as weights of models of the zoo. */
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
import { exportOnnx } from '../../../train/onnx/open.ts';
import { modelOf, weightsIn } from '../../../train/onnx/import.ts';
import { weightsOf } from '../../../train/onnx/match.ts';
import { decodeOnnx } from '../../../train/onnx/net.ts';
import { trim } from '../../../train/onnx/trim.ts';
import { close } from '../../support/check.ts';
import { evaluated, torchNet, zooModel, foreign, generatedWeights, sameByPlaces } from '../../support/onnx.ts';
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

for (const { name, shape, images, logits } of nets) {
  const size = images * shape[0] * shape[1] * shape[2];
  test(`${name}: a model of our layers that begins with the file's weights`, async () => {
    const layer = modelOf(await torchNet(name), name)({ classes: logits[0]!.length, shape });
    const weights = weightsIn(layer, shape);
    const seen = await evaluated(layer, [images, ...shape], vectorUniform(`${name}/images`, size), weights);
    close('logits', seen, logits.flat(), 1e-5);
    // and back again, to be read once more
    const again = await exportOnnx({ model: layer, shape, classes: logits[0]!.map(String), weights, normalize: 'none' });
    const second = modelOf(trim(await decodeOnnx(again, 'again')).net, 'again')({ classes: logits[0]!.length, shape });
    const twice = await evaluated(second, [images, ...shape], vectorUniform(`${name}/images`, size), weightsIn(second, shape));
    close('logits of the net exported again', twice, logits.flat(), 1e-5);
  });
}

for (const name of ['airbench', 'airbench-training']) {
  test(`${name}: its weights are airbench's, batch norm folded or kept`, async () => {
    const { shape, images, logits } = nets.find(net => net.name === name)!;
    const model = zooModel('airbench:width=2', shape);
    const weights = weightsOf(await torchNet(name), name, model, shape);
    const size = images * shape[0] * shape[1] * shape[2];
    const seen = await evaluated(model, [images, ...shape], vectorUniform(`${name}/images`, size), weights);
    close('logits', seen, logits.flat(), 1e-5);
  });
}

for (const spec of ['resnet20:shortcut=B', 'enresnet20:members=2,noise=0']) {
  const shape = [3, 16, 16] as const;
  test(`${spec} from a file that knows none of our names`, () => sameByPlaces(zooModel(spec, shape), shape));
}

test('a net that is deeper than calls may nest', async () => {
  const shape = [1, 2, 2] as const;
  const model = sequential([...Array.from({ length: 3000 }, () => activations.relu()), conv2d(3, 1), globalAvgPool()]);
  const weights = generatedWeights(model, shape);
  const net = await decodeOnnx(await exportOnnx({ model, shape, classes: ['a', 'b', 'c'], weights, normalize: 'none' }), 'x');
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
  const file = await exportOnnx({ model, shape, classes: ['a', 'b', 'c'], weights, normalize: 'none' });
  const layer = modelOf(await decodeOnnx(file, 'x'), 'x')({ classes: 3, shape });
  const data = vectorUniform('images', 2 * 162);
  const want = await evaluated(model, [2, ...shape], data, weights);
  close('logits', await evaluated(layer, [2, ...shape], data, weightsIn(layer, shape)), want, 1e-4);
  const found = weightsOf(foreign(await decodeOnnx(file, 'x')), 'x', model, shape);
  close('logits by places', await evaluated(model, [2, ...shape], data, found), want, 1e-4);
});

test('normalisation at the beginning and a softmax at the end are taken for what they are', async () => {
  const shape: [number, number, number] = [3, 28, 28];
  const model = zooModel('mlp:hidden=4', shape);
  const moments = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.3] };
  const facts = { model, shape, classes: Array.from({ length: 10 }, (_, i) => `${i}`), weights: generatedWeights(model, shape), moments };
  const { net, normalisation } = trim(await decodeOnnx(await exportOnnx({ ...facts, normalize: 'meanstd' }), 'x'));
  close('mean', normalisation!.moments!.mean, moments.mean, 1e-6);
  close('deviation', normalisation!.moments!.std, moments.std, 1e-6);
  assert.equal(weightsOf(net, 'x', model, shape), facts.weights);
  assert.equal(trim(await decodeOnnx(await exportOnnx({ ...facts, normalize: 'none' }), 'x')).normalisation, { normalize: 'none' });
  assert.is(
    trim(await decodeOnnx(await exportOnnx({ ...facts, normalize: 'meanstd' }, { normalizedInput: true }), 'x')).normalisation,
    undefined,
  );
});

test.run();
