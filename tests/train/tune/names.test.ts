/** Files of other libraries: what they call the weights of our models. timm's names are those of its sources. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { models } from '../../../models/index.ts';
import { built } from '../../../train/evaluate/built.ts';
import { classifierOf, layerOf } from '../../../train/tune/classifier.ts';
import { renamed } from '../../../train/tune/rename.ts';
import { startOf } from '../../../train/tune/start.ts';
import { refusal } from '../../support/refusal.ts';

const test = suite('names of weights');

function weightsOf(name: string, side: number, options?: Record<string, unknown>) {
  const make = (input: { classes: number; shape: readonly [number, number, number] }) => models[name]!(input, options);
  const input = { classes: 7, shape: [3, side, side] as const };
  const own = new Map(built(make(input), input.shape).weights.map(t => [t.name, t.shape]));
  return { own, classifier: layerOf(classifierOf(make, input)[0]!) };
}

/** Names that a file has, and ours; of a file of all weights each of ours is given once. */
function check(
  model: string,
  side: number,
  theirs: (ours: string) => string,
  examples: Record<string, string>,
  shapeOf = (_: string, shape: readonly number[]) => shape,
): void {
  const { own, classifier } = weightsOf(model, side);
  const given = Object.fromEntries(
    Array.from(own, ([name, shape]) => [theirs(name), { shape: shapeOf(name, shape), data: new Float32Array() }]),
  );
  for (const [theirs, ours] of Object.entries(examples)) {
    assert.ok(given[theirs], `${model} has ${theirs}`);
    assert.ok(own.has(ours), `${model} has ${ours} here`);
    assert.equal(Object.keys(renamed({ [theirs]: given[theirs] }, own, classifier)), [ours]);
  }
  assert.equal(Object.keys(renamed(given, own, classifier)), [...own.keys()]);
  for (const [name, { shape }] of Object.entries(renamed(given, own, classifier))) assert.equal(shape, own.get(name), name);
}

test("timm's MobileNetV2 and EfficientNet", () => {
  const firsts = [1, 2, 4, 7, 11, 14, 17];
  const parts = [
    ['conv.0.0', 'conv_pw'],
    ['conv.0.1', 'bn1'],
    ['conv.1.0', 'conv_dw'],
    ['conv.1.1', 'bn2'],
    ['conv.2', 'conv_pwl'],
    ['conv.3', 'bn3'],
  ] as const;
  const first = [
    ['conv.0.0', 'conv_dw'],
    ['conv.0.1', 'bn1'],
    ['conv.1', 'conv_pw'],
    ['conv.2', 'bn2'],
  ] as const;
  const part = (table: readonly (readonly [string, string])[], name: string) => table.find(([ours]) => name.startsWith(`${ours}.`))!;
  const mobile = (name: string): string => {
    const [, number, rest] = /^features\.(\d+)\.(.*)$/.exec(name) ?? [];
    if (!number) return name.replace('classifier.1.', 'classifier.');
    const ends = { 0: { 0: 'conv_stem', 1: 'bn1' }, 18: { 0: 'conv_head', 1: 'bn2' } }[number] as Record<string, string> | undefined;
    if (ends) return rest!.replace(/^(\d)/, (_, at: string) => ends[at]!);
    const stage = firsts.findLastIndex(from => from <= Number(number));
    const [ours, theirs] = part(stage ? parts : first, rest!);
    return `blocks.${stage}.${Number(number) - firsts[stage]!}.${theirs}${rest!.slice(ours.length)}`;
  };
  check('mobilenet-v2', 64, mobile, {
    'conv_stem.weight': 'features.0.0.weight',
    'blocks.0.0.conv_dw.weight': 'features.1.conv.0.0.weight',
    'blocks.1.1.bn3.running_mean': 'features.3.conv.3.running_mean',
    'blocks.6.0.conv_pwl.weight': 'features.17.conv.2.weight',
    'bn2.weight': 'features.18.1.weight',
    'classifier.weight': 'classifier.1.weight',
  });

  const block = [
    ['block.0.0', 'conv_pw'],
    ['block.0.1', 'bn1'],
    ['block.1.0', 'conv_dw'],
    ['block.1.1', 'bn2'],
    ['block.2.fc1', 'se.conv_reduce'],
    ['block.2.fc2', 'se.conv_expand'],
    ['block.3.0', 'conv_pwl'],
    ['block.3.1', 'bn3'],
  ] as const;
  const plain = [
    ['block.0.0', 'conv_dw'],
    ['block.0.1', 'bn1'],
    ['block.1.fc1', 'se.conv_reduce'],
    ['block.1.fc2', 'se.conv_expand'],
    ['block.2.0', 'conv_pw'],
    ['block.2.1', 'bn2'],
  ] as const;
  const efficient = (name: string): string => {
    const [, stage, at, rest] = /^features\.(\d+)\.(\d+)\.(.*)$/.exec(name) ?? [];
    if (!stage) return name.replace('classifier.1.', 'classifier.');
    const ends = { 0: ['conv_stem', 'bn1'], 8: ['conv_head', 'bn2'] }[stage];
    if (ends) return `${ends[Number(at)]}.${rest}`;
    const [ours, theirs] = part(stage === '1' ? plain : block, rest!);
    return `blocks.${Number(stage) - 1}.${at}.${theirs}${rest!.slice(ours.length)}`;
  };
  check('efficientnet-b0', 64, efficient, {
    'blocks.0.0.se.conv_reduce.bias': 'features.1.0.block.1.fc1.bias',
    'blocks.5.3.conv_pwl.weight': 'features.6.3.block.3.0.weight',
    'conv_head.weight': 'features.8.0.weight',
  });
});

test("timm's VGG has convolutions where ours has dense layers; other prefixes, classifiers and old DenseNets", () => {
  const vgg = (name: string) =>
    name.replace('classifier.0.', 'pre_logits.fc1.').replace('classifier.3.', 'pre_logits.fc2.').replace('classifier.6.', 'head.fc.');
  const asConv = (name: string, shape: readonly number[]) =>
    name === 'classifier.0.weight' ? [4096, 512, 7, 7] : name === 'classifier.3.weight' ? [4096, 4096, 1, 1] : shape;
  check('vgg11-bn', 224, vgg, { 'pre_logits.fc1.weight': 'classifier.0.weight', 'head.fc.bias': 'classifier.6.bias' }, asConv);
  check('resnet18', 64, name => `module.${name}`, { 'module.layer1.0.conv1.weight': 'layer1.0.conv1.weight' });
  check('resnet18', 64, name => `_orig_mod.${name}`, { '_orig_mod.fc.bias': 'fc.bias' });
  check('resnet18', 64, name => `module._orig_mod.${name}`, { 'module._orig_mod.layer1.0.conv1.weight': 'layer1.0.conv1.weight' });
  check('resnet18', 64, name => name.replace('fc.', 'classifier.'), { 'classifier.weight': 'fc.weight' });
  check('densenet121', 64, name => name.replace(/(denselayer\d+\.(?:norm|conv))([12])/, '$1.$2'), {
    'features.denseblock1.denselayer1.norm.1.weight': 'features.denseblock1.denselayer1.norm1.weight',
  });
});

test('two tensors of a file that are one of the model are refused, since one of them would be taken for no reason', async () => {
  const { own, classifier } = weightsOf('resnet20', 32);
  const bias = { shape: own.get('bn1.bias')!, data: new Float32Array(16) };
  assert.is(
    await refusal(() => renamed({ 'module.bn1.bias': bias, 'encoder.bn1.bias': bias }, own, classifier)),
    "init: 'module.bn1.bias' and 'encoder.bn1.bias' are both the model's 'bn1.bias'; give a file of one of them",
  );
});

test('what PyTorch counts beside the weights of a compiled average of models is passed over', () => {
  const { weights } = built(models.lenet5!({ classes: 7, shape: [1, 28, 28] }), [1, 28, 28]);
  const given = Object.fromEntries(weights.map(t => [`module._orig_mod.${t.name}`, { shape: t.shape, data: new Float32Array(t.size) }]));
  const counts = Object.fromEntries(
    ['n_averaged', 'module.bn.num_batches_tracked'].map(name => [name, { shape: [], data: Float32Array.of(3) }]),
  );
  const { weights: taken, told } = startOf({ own: weights, classifier: ['fc3.weight', 'fc3.bias'] }, { ...given, ...counts }, false);
  assert.equal(
    Object.keys(taken),
    weights.map(t => t.name),
  );
  assert.is(told, undefined);
});

test.run();
