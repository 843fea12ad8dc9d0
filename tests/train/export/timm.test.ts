/** The folder that timm loads: what its source reads (timm/models/_hub.py), and torchvision's names, which are timm's. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openModel } from '../../../models/index.ts';
import { parseSpec } from '../../../engine/spec.ts';
import { timmFiles } from '../../../train/export/timm.ts';
import { decodeSafetensors } from '../../../train/run/read-safetensors.ts';
import type { Tensors } from '../../../train/run/safetensors.ts';
import { generatedWeights } from '../../support/onnx.ts';
import { refusal } from '../../support/refusal.ts';

const test = suite('timm');
const classes = ['cat', 'dog'];
const moments = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.3] };
const filesOf = (spec: string, weights: Tensors, more = {}) =>
  timmFiles({ model: parseSpec('model', spec), shape: [3, 64, 64], classes, weights, normalize: 'meanstd', moments, ...more });
const weightsOf = (spec: string) => generatedWeights(openModel(parseSpec('model', spec), { classes: 2, shape: [3, 64, 64] }), [3, 64, 64]);

test('weights, architecture, classes and normalisation', () => {
  const weights = weightsOf('resnet18:stem=imagenet');
  const files = filesOf('resnet18:stem=imagenet', weights);
  assert.equal(Object.keys(files), ['model.safetensors', 'config.json']);
  const { tensors, metadata } = decodeSafetensors(files['model.safetensors'] as Uint8Array, 'x');
  assert.equal([Object.keys(tensors), metadata], [Object.keys(weights), { format: 'pt' }]);
  const { pretrained_cfg, ...config } = JSON.parse(files['config.json'] as string);
  assert.equal(config, { architecture: 'resnet18', num_classes: 2, num_features: 512, global_pool: 'avg', label_names: classes });
  assert.equal(pretrained_cfg, {
    input_size: [3, 64, 64],
    fixed_input_size: false,
    interpolation: 'bilinear',
    crop_pct: 1,
    crop_mode: 'center',
    ...moments,
    num_classes: 2,
    pool_size: [2, 2],
    first_conv: 'conv1',
    classifier: 'fc',
  });
});

test('variants have names of their own, and pixels as they are a mean of 0', () => {
  const weights = { 'conv1.weight': { shape: [64, 3, 7, 7], data: new Float32Array(64 * 147) } };
  const config = (spec: string, more = {}) => JSON.parse(filesOf(spec, weights, more)['config.json'] as string);
  assert.is(config('resnet50:groups=32,width=4').architecture, 'resnext50_32x4d');
  assert.is(config('resnet50:width=128').architecture, 'wide_resnet50_2');
  assert.is(config('resnet34', { resize: 128 }).pretrained_cfg.crop_pct, 0.5);
  const { mean, std } = config('resnet34', { normalize: 'none', moments: undefined }).pretrained_cfg;
  assert.equal(
    [mean, std],
    [
      [0, 0, 0],
      [1, 1, 1],
    ],
  );
});

test('what timm does not have is refused', async () => {
  const small = weightsOf('resnet18:stem=32x32');
  const said = (spec: string, weights = small, more = {}) => refusal(() => filesOf(spec, weights, more));
  assert.match(await said('resnet20'), 'timm: it has no resnet20; export one of resnet18, resnet34, resnet50');
  assert.match(await said('resnet50:width=8'), 'timm: it has no resnet50 of 1 groups of 8; export one of');
  assert.match(
    await said('resnet18'),
    'timm: its resnet18 is for images of 224x224, these weights are of the layout for small ones; train',
  );
  const large = { 'conv1.weight': { shape: [64, 3, 7, 7], data: new Float32Array(64 * 147) } };
  assert.match(await said('resnet18', large, { normalize: 'zca' }), 'timm: normalises by channel, not by zca; train with');
});

test.run();
