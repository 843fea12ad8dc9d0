import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../../train/config/config.ts';
import { parseNormalize } from '../../../train/config/normalize.ts';
import { recipeOf } from '../../../train/config/recipe-of.ts';
import { configOf } from '../../../train/fit/options.ts';
import { momentsFor } from '../../../train/data/normalise.ts';
import { scaleAndShift } from '../../../train/data/statistics.ts';
import { close } from '../../support/check.ts';
import { refusal } from '../../support/refusal.ts';

const test = suite('normalize');
const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

test('names, names of known numbers, given numbers', () => {
  assert.equal(parseNormalize('x', 'zca'), { normalize: 'zca' });
  assert.equal(parseNormalize('x', 'imagenet'), { normalize: 'meanstd', moments: imagenet });
  const given = 'meanstd:mean=0.485/0.456/0.406,std=0.229/0.224/0.225';
  assert.equal(parseNormalize('x', given), { normalize: 'meanstd', moments: imagenet });
  assert.equal(parseNormalize('x', 'mean:mean=0.5'), { normalize: 'mean', moments: { mean: [0.5], std: [1] } });
  const recipe = recipeOf(parseConfig('lenet5', { normalize: given }));
  assert.equal([recipe.config.normalize, recipe.normalize, recipe.moments], [given, 'meanstd', imagenet]);
  assert.is(configOf('lenet5', 'x', { normalize: { name: 'meanstd', ...imagenet } }).normalize, given);
});

test('as torchvision.transforms.Normalize: (x - mean) / std', () => {
  const both = scaleAndShift({ shape: [3, 1, 1] }, 'meanstd', imagenet);
  const pixel = [0, 128, 255];
  const seen = pixel.map((v, k) => v * both[k]! + both[3 + k]!);
  const expected = pixel.map((v, k) => (v / 255 - imagenet.mean[k]!) / imagenet.std[k]!);
  close('normalised', seen, expected, 1e-6);
});

test('one number is for all channels', async () => {
  assert.equal(momentsFor({ mean: [0.5], std: [0.1, 0.2, 0.3] }, 3), { mean: [0.5, 0.5, 0.5], std: [0.1, 0.2, 0.3] });
  assert.is(await refusal(() => momentsFor(imagenet, 1)), 'normalize: 3 numbers for the mean of images of 1 channel; give one');
});

for (const [text, message] of [
  ['imgenet', /^x: 'imgenet' is not known; did you mean 'imagenet'\? give one of none, mean, /],
  ['meanstd:mean=0.5', /^x meanstd: std is missing; write meanstd:std=0\.229/],
  ['meanstd:mean=0.5,std=0', /^x meanstd: std is 0; give numbers as .*, each a number above 0$/],
  ['meanstd:mean=a/b,std=1', /^x meanstd: mean is 'a\/b'; give numbers as/],
  ['meanstd:mean=0.5,std=1,var=2', /^unknown option of meanstd 'var'; /],
  ['zca:mean=0.5', /^unknown normalisation by given numbers 'zca'; known: mean, meanstd$/],
  ['meanstd:0.5', /^x: '0\.5' is no option of meanstd; write meanstd:mean=0\.5$/],
] as const) {
  test(`refuses ${text}`, async () => assert.match(await refusal(() => parseNormalize('x', text)), message));
}

test.run();
