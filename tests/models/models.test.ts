/** Every model builds with its published number of parameters, says what is wrong with options and sizes, and learns on real images. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDataset } from '../../datasets/node/open.ts';
import { Graph } from '../../engine/graph.ts';
import { Layout } from '../../engine/plan.ts';
import { models, openModel } from '../../models/index.ts';
import { inFiles } from '../../train/evaluate/weights.ts';
import { readOptions, type ModelInput } from '../../models/model.ts';
import { DEFAULT_PROFILE } from '../../shaders/kernel/kernel.ts';
import { parseConfig } from '../../train/config/config.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { parseSpec } from '../../engine/spec.ts';
import { whitenPatches } from '../../train/init/whiten-patches.ts';
import { openTrainer } from '../../train/run/open.ts';
import type { Tensors } from '../../train/run/safetensors.ts';
import { deviceFor, random } from '../support/check.ts';
import { FAMILIES, learns } from '../support/families.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('models');
const CIFAR: ModelInput = { classes: 10, shape: [3, 32, 32] };
const IMAGENET: ModelInput = { classes: 1000, shape: [3, 224, 224] };
const LARGE: ModelInput = { classes: 1000, shape: [3, 299, 299] };
const FASHION: ModelInput = { classes: 10, shape: [1, 28, 28] };

function build(spec: string, input: ModelInput, training = false): Graph {
  const g = new Graph({ training, profile: DEFAULT_PROFILE });
  const y = openModel(parseSpec('model', spec), input)(g, g.tensor([2, ...input.shape], 'input', 'images'));
  assert.equal(y.shape, [2, input.classes], spec);
  return g;
}
const parameters = (g: Graph): number => [...g.params.values()].reduce((n, p) => n + p.value.size, 0);

const counts: readonly [spec: string, input: ModelInput, parameters: number, source: string][] = [
  ['mlp', CIFAR, 3072 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10, '3072-256-128-10'],
  ['mlp:hidden=8-8,activation=tanh', { classes: 2, shape: [2, 1, 1] }, 24 + 72 + 18, 'the playground'],
  ['lenet5', FASHION, 61_706, 'LeCun 1998 with full connections'],
  ['rnn-rows:zoneout=0.1', FASHION, 64 * (28 + 64 + 2) + 650, 'torch.nn.RNN(28, 64)'],
  ['alexnet', IMAGENET, 61_100_840, 'torchvision'],
  ['alexnet:layout=paper', { classes: 1000, shape: [3, 227, 227] }, 60_965_224, 'the 60 million of the paper'],
  ['alexnet-cifar', CIFAR, 2_472_266, 'tests/vectors'],
  ['vgg11', IMAGENET, 132_863_336, 'torchvision'],
  ['vgg11-bn', IMAGENET, 132_868_840, 'torchvision'],
  ['vgg13', IMAGENET, 133_047_848, 'torchvision'],
  ['vgg13-bn', IMAGENET, 133_053_736, 'torchvision'],
  ['vgg16', IMAGENET, 138_357_544, 'torchvision'],
  ['vgg16-bn', IMAGENET, 138_365_992, 'torchvision'],
  ['vgg19', IMAGENET, 143_667_240, 'torchvision'],
  ['vgg19-bn', IMAGENET, 143_678_248, 'torchvision'],
  ['googlenet', IMAGENET, 6_624_904, 'torchvision without auxiliary heads'],
  ['resnet18', IMAGENET, 11_689_512, 'torchvision'],
  ['resnet34', IMAGENET, 21_797_672, 'torchvision'],
  ['resnet50', IMAGENET, 25_557_032, 'torchvision'],
  ['resnet101', IMAGENET, 44_549_160, 'torchvision'],
  ['resnet152', IMAGENET, 60_192_808, 'torchvision'],
  ['resnet50:groups=32,width=4', IMAGENET, 25_028_904, 'resnext50_32x4d of torchvision'],
  ['resnet50:width=128', IMAGENET, 68_883_240, 'wide_resnet50_2 of torchvision'],
  ['resnext29', CIFAR, 34_426_698, '34.4 M (Xie et al. 2016, table 7)'],
  ['resnet20', CIFAR, 269_722, '0.27 M (He et al. 2015, table 6)'],
  ['resnet32', CIFAR, 464_154, '0.46 M'],
  ['resnet44', CIFAR, 658_586, '0.66 M'],
  ['resnet56', CIFAR, 853_018, '0.85 M'],
  ['resnet110', CIFAR, 1_727_962, '1.7 M'],
  ['resnet1202', CIFAR, 19_421_274, '19.4 M'],
  ['plain20', CIFAR, 269_722, 'shortcut A has no parameters'],
  ['plain56', CIFAR, 853_018, 'shortcut A has no parameters'],
  ['resnet20:shortcut=B', CIFAR, 269_722 + 16 * 32 + 64 + 32 * 64 + 128, 'two projections with batch norm'],
  ['resnet110-sd', CIFAR, 1_727_962, 'stochastic depth has no parameters'],
  ['enresnet20:members=2', CIFAR, 2 * 272_282, 'pre-activation ResNet20s of 0.27 M'],
  ['airbench', CIFAR, 1_972_792, '1.97 M (Jordan 2024)'],
  ['wide-resnet-16-4', CIFAR, 2_748_890, '2.7 M (Zagoruyko & Komodakis 2016)'],
  ['wide-resnet-28-10', CIFAR, 36_479_194, '36.5 M'],
  ['mobilenet-v2', IMAGENET, 3_504_872, 'torchvision'],
  ['efficientnet-b0', IMAGENET, 5_288_548, 'torchvision'],
  ['inception-v3', LARGE, 27_161_264, 'torchvision with its auxiliary head'],
  ['inception-v3:aux=off', IMAGENET, 23_834_568, 'torchvision without it'],
  ['densenet121', IMAGENET, 7_978_856, 'torchvision'],
  ['squeezenet1_1', IMAGENET, 1_235_496, 'torchvision'],
];
for (const [spec, input, want, source] of counts) {
  test(`${spec} on ${input.shape.join('x')}: ${want.toLocaleString('en-US')} parameters (${source})`, () => {
    assert.is(parameters(build(spec, input)), want);
  });
}

test('a model knows its name', () => {
  for (const [name, { id }] of Object.entries(models)) assert.is(id, name);
});

/** The images of nets that do not take those of CIFAR. */
const needs: Readonly<Record<string, ModelInput>> = { alexnet: IMAGENET, lenet5: FASHION, 'inception-v3': LARGE };

test('every model builds for training and evaluation with the same parameters', () => {
  for (const name of Object.keys(models)) {
    const input = needs[name] ?? CIFAR;
    assert.equal([...build(name, input, true).params.keys()], [...build(name, input).params.keys()], name);
  }
});

test('nets for 32x32 take 28x28 as well', () => {
  for (const name of Object.keys(models)) if ((needs[name] ?? FASHION) === FASHION) build(name, FASHION);
});

test('parameter names are those of torchvision', () => {
  const names = (spec: string, input: ModelInput) => [...build(spec, input).params.values()].map(p => inFiles(p.value).name);
  const resnet50 = names('resnet50', IMAGENET);
  const googlenet = names('googlenet', IMAGENET);
  const vgg = names('vgg11-bn', IMAGENET);
  assert.equal(resnet50.slice(0, 3), ['conv1.weight', 'bn1.weight', 'bn1.bias']);
  for (const name of [
    'layer1.0.conv3.weight',
    'layer1.0.downsample.0.weight',
    'layer1.0.downsample.1.bias',
    'layer4.2.bn3.weight',
    'fc.bias',
  ]) {
    assert.ok(resnet50.includes(name), name);
  }
  for (const name of [
    'conv1.conv.weight',
    'conv2.bn.bias',
    'inception3a.branch1.conv.weight',
    'inception3a.branch2.1.conv.weight',
    'inception5b.branch4.1.bn.weight',
    'fc.weight',
  ]) {
    assert.ok(googlenet.includes(name), name);
  }
  for (const name of [
    'features.0.weight',
    'features.25.bias',
    'features.26.weight',
    'classifier.0.weight',
    'classifier.3.weight',
    'classifier.6.bias',
  ]) {
    assert.ok(vgg.includes(name), name);
  }
});

test('every model says what it is', () => {
  for (const [name, { about }] of Object.entries(models)) assert.ok(about, name);
});

const refused: readonly [spec: string, shape: readonly [number, number, number], message: RegExp][] = [
  ['resnet21', [3, 32, 32], /^unknown model 'resnet21'; did you mean 'resnet20'\?/],
  ['mlp:hiden=3', [3, 32, 32], /^unknown option of mlp 'hiden'; did you mean 'hidden'\?/],
  ['mlp:hidden=20-0', [3, 32, 32], /^mlp: hidden is '20-0'; give sizes as 256-128, or none$/],
  ['mlp:dropout=1', [3, 32, 32], /^mlp: dropout is 1; give shares of at least 0 and below 1, as 0\.5 or 0\.75-0\.6-0\.01$/],
  ['resnet20:shortcut=C', [3, 32, 32], /^resnet20: shortcut is 'C'; give A, B, none$/],
  ['plain20:shortcut=A', [3, 32, 32], /^unknown option of plain20 'shortcut'; known: standardise$/],
  ['lenet5:modern', [3, 32, 32], /^lenet5: 'modern' is no option; write lenet5:key=value, the keys are classic, noise, /],
  ['alexnet', [3, 32, 32], /^maxPool features\.12: .*\(input \[2, 256, 1, 1\], pad 0\); .*; alexnet takes images of 63x63 and larger$/],
  ['lenet5', [1, 8, 8], /^conv2d conv2: kernel 5x5 is larger than its padded input 2x2 .*; lenet5 takes images of 16x16 and larger$/],
  ['inception-v3', [3, 64, 64], /^conv2d Mixed_7a\.branch3x3_2\.conv: .*; inception-v3 takes images of 75x75 and larger$/],
  ['vgg16', [3, 16, 16], /^maxPool features\.30: .*; vgg16 takes images of 32x32 and larger$/],
];
for (const [spec, shape, message] of refused) {
  test(`${spec} on ${shape.join('x')} is refused`, async () => {
    assert.match(await refusal(() => build(spec, { classes: 10, shape })), message);
  });
}

test('a model without options refuses any', async () => {
  assert.is(await refusal(() => readOptions('bare', {}, { shortcut: 'A' })), 'bare: it has no options, shortcut was given; leave it out');
});

test('a dense weight that exceeds a binding is in rows of its own, each with its place; one of more than 4 GiB is refused', async () => {
  const placed = (name: string, input: ModelInput) => {
    const layout = new Layout(2 ** 27);
    const { params } = build(name, input);
    for (const { value } of params.values()) layout.place(value);
    return params;
  };
  const params = placed('vgg16', IMAGENET);
  assert.equal(
    [...params.keys()].filter(name => name.startsWith('classifier.0.')),
    ['weight', 'bias'].flatMap(kind => [0, 1024, 2048, 3072].map(row => `classifier.0.${kind}.rows${row}`)),
  );
  assert.equal(params.get('classifier.0.weight.rows1024')!.value.rows, { name: 'classifier.0.weight', shape: [4096, 25088], first: 1024 });
  const why = 'takes 11962.9 MiB, more than this adapter binds at once (128.0 MiB)';
  assert.is(
    await refusal(() => placed('mlp:hidden=4000000', FASHION)),
    `fc1.weight: [4000000, 784] ${why}; choose a smaller model, head or batch`,
  );
});

test('a bare flag switches it on', () => {
  assert.ok(build('lenet5:classic', FASHION).ops.some(op => String(op.params.f).includes('expm1(')));
});

test('the whitening filters of airbench have the shape of its first weight', () => {
  const weight = whitenPatches(Float32Array.from(random(2 * 3 * 8 * 8)), [2, 3, 8, 8]);
  assert.is(weight.length, build('airbench', CIFAR).params.get(`${models.airbench!.whitened}.weight`)!.value.size);
});

test('weights without the whitening filters, which are computed from the data, can be started from; those without others cannot', async () => {
  const dataset = await openDataset('shapes', { quiet: true, limitTrain: 20, limitTest: 10 });
  const recipe = recipeOf(parseConfig('airbench:width=8', { dataset: 'shapes', batchSize: '4' }));
  const { trainer } = await openTrainer(recipe, dataset, await deviceFor());
  const { 'whiten.weight': filters, ...others } = await trainer.weights();
  trainer.destroy();
  const started = async (given: Tensors) => openTrainer(recipe, dataset, await deviceFor(), { start: { of: () => given } });
  const other = (await started({ ...others, 'whiten.bias': { shape: [24], data: new Float32Array(24).fill(0.5) } })).trainer;
  const { 'whiten.weight': kept, 'whiten.bias': bias } = await other.weights();
  assert.equal(kept, filters);
  assert.is(bias!.data[0], 0.5);
  const { 'head.weight': _, ...headless } = others;
  assert.match(await refusal(() => started(headless)), /^init: the classifier's tensor 'head.weight' .* is missing; give head new/);
  other.destroy();
});

test('whitened patches are uncorrelated, of unit variance', async () => {
  const {
    train,
    shape: [c, h, w],
  } = await openDataset('cifar10', { limitTrain: 50, limitTest: 1, quiet: true });
  const x = Float32Array.from(train.images, v => (v / 255 - 0.45) / 0.25);
  const weight = whitenPatches(x, [50, c, h, w], 2, 0);
  const size = 4 * c;
  assert.is(weight.length, 2 * size * size);
  const sums = Array.from({ length: size }, () => new Float64Array(size));
  const y = new Float64Array(size);
  let count = 0;
  for (let image = 0; image < 50; image++) {
    for (let top = 0; top < h - 1; top++) {
      for (let left = 0; left < w - 1; left++, count++) {
        for (let o = 0; o < size; o++) {
          y[o] = 0;
          for (let i = 0; i < size; i++) {
            y[o]! += weight[o * size + i]! * x[((image * c + (i >> 2)) * h + top + ((i >> 1) & 1)) * w + left + (i & 1)]!;
          }
        }
        for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) sums[i]![j]! += y[i]! * y[j]!;
      }
    }
  }
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      assert.ok(Math.abs(sums[i]![j]! / count - Number(i === j)) < 1e-4, `covariance ${i}, ${j}: ${sums[i]![j]! / count}`);
    }
  }
  assert.equal(
    weight.slice(size * size),
    weight.slice(0, size * size).map(v => -v),
    'the second half is the first negated',
  );
});

for (const family of FAMILIES.filter(f => !f.long)) {
  test(`${family.spec} learns: the loss of ${family.batch} real images falls`, () => learns(family));
}

test.run();
