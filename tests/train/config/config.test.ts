import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Range } from '../../../engine/range.ts';
import { named } from '../../../engine/check.ts';
import { configFromJson, parseConfig } from '../../../train/config/config.ts';
import { OPTIONS } from '../../../train/config/options.ts';
import { bestOf, parseMetrics, type EvalMetrics } from '../../../train/step/metrics.ts';
import { formatSpec, parseNumber, parseSpec, parseSpecs } from '../../../engine/spec.ts';
import { refusal } from '../../support/refusal.ts';

const config = suite('config');
const refuses = async (act: () => unknown, wanted: RegExp | string) => {
  const message = await refusal(act);
  if (typeof wanted === 'string') assert.is(message, wanted);
  else assert.match(message, wanted);
};

const specs: [text: string, want: ReturnType<typeof parseSpecs>][] = [
  ['sgd', [{ name: 'sgd', options: {} }]],
  ['adam:beta1=0.8,eps=1e-6', [{ name: 'adam', options: { beta1: 0.8, eps: 1e-6 } }]],
  [' momentum : momentum = .9 , nesterov = true ', [{ name: 'momentum', options: { momentum: 0.9, nesterov: true } }]],
  [
    'crop,flip,cutout:16',
    [
      { name: 'crop', options: {} },
      { name: 'flip', options: {} },
      { name: 'cutout', value: 16, options: {} },
    ],
  ],
  [
    'crop:4,mode=wrap,flip',
    [
      { name: 'crop', value: 4, options: { mode: 'wrap' } },
      { name: 'flip', options: {} },
    ],
  ],
  [
    'adam:epochs=5,lbfgs',
    [
      { name: 'adam', options: { epochs: 5 } },
      { name: 'lbfgs', options: {} },
    ],
  ],
  ['natural-gradient:damping=1e-3', [{ name: 'natural-gradient', options: { damping: 0.001 } }]],
];
for (const [text, want] of specs) {
  config(`reads '${text}'`, () => {
    assert.equal(parseSpecs('--x', text), want);
    assert.equal(parseSpecs('--x', want.map(formatSpec).join(',')), want);
  });
}

for (const [text, message] of [
  ['', /^--x: '' has an empty item; write name:key=value,key=value$/],
  ['adam,', /has an empty item/],
  [',adam', /has an empty item/],
  ['beta1=0.8', /^--x: 'beta1=0\.8' has 'beta1=0\.8' before any name/],
  ['adam:', /^--x: nothing follows 'adam:'/],
  ['adam:beta1=', /^--x: 'beta1=' is not key=value; write adam:key=value,key=value$/],
  ['adam:=3', /'=3' is not key=value/],
  ['adam:a=b=c', /'a=b=c' is not key=value/],
  ['adam:beta1=0.8,beta1=0.9', /^--x: beta1 is given twice; give it once$/],
  ['ad am', /'ad am'/],
] as const) {
  config(`refuses the spec '${text}'`, () => refuses(() => parseSpecs('--x', text), message));
}
config('refuses two names where one belongs', () =>
  refuses(
    () => parseSpec(named('optimizer'), 'sgd,adam'),
    "optimizer: 'sgd,adam' names sgd and adam; give one name, its options as name:key=value,key=value",
  ),
);

for (const [text, range, want] of [
  ['0.5', {}, 0.5],
  ['-3', {}, -3],
  ['1e-3', { above: 0 }, 0.001],
  ['.5', {}, 0.5],
  ['5.', {}, 5],
  ['+2', {}, 2],
  ['64', { integer: true, min: 1 }, 64],
  ['', {}, "--x: '' is not a number; give a number"],
  [' ', {}, /not a number/],
  ['NaN', {}, /'NaN' is not a number/],
  ['Infinity', {}, /not a number/],
  ['1e999', {}, /not a number/],
  ['0x10', {}, /not a number/],
  ['1,5', {}, /not a number/],
  ['ten', {}, /not a number/],
  ['2.5', { integer: true, min: 1 }, '--x: 2.5 is not a whole number; give a whole number of at least 1'],
  ['0', { integer: true, min: 1 }, '--x: 0 is out of range; give a whole number of at least 1'],
  ['1', { min: 0, below: 1 }, '--x: 1 is out of range; give a number of at least 0 and below 1'],
  ['0', { above: 0 }, '--x: 0 is out of range; give a number above 0'],
  ['4294967296', { integer: true, min: 0, max: 2 ** 32 - 1 }, /out of range; give a whole number of at least 0 and at most 4294967295/],
] as [string, Range, number | string | RegExp][]) {
  config(`the number '${text}' within ${JSON.stringify(range)}`, () => {
    if (typeof want === 'number') assert.is(parseNumber('--x', text, range), want);
    else return refuses(() => parseNumber('--x', text, range), want);
  });
}

config('absent options take their defaults, given ones are checked', async () => {
  const c = parseConfig('lenet5', { lr: '0.1', steps: '20', shuffle: false, normalize: 'none' });
  assert.equal(
    [c.model, c.lr, c.steps, c.shuffle, c.normalize, c.batchSize],
    ['lenet5', 0.1, 20, false, 'none', OPTIONS.batchSize.default],
  );
  assert.not('init' in c);
  for (const [key, value, message] of [
    ['lr', '-0.1', /^lr: -0\.1 is out of range/],
    ['batchSize', '0', /^batchSize: 0 is out of range/],
    ['valSplit', '1', /^valSplit: 1 is out of range/],
    ['normalize', 'std', /^normalize: 'std' is not known; give one of none, mean, meanstd/],
    ['loss', 'cros-entropy', /^loss: 'cros-entropy' is not known; did you mean 'cross-entropy'\? give one of /],
    ['init', '', /^init: the value is empty/],
  ] as const) {
    await refuses(() => parseConfig('lenet5', { [key]: value }), message);
  }
});

config('a configuration survives its JSON', async () => {
  const c = parseConfig('lenet5', {
    lr: '3e-4',
    shuffle: false,
    optimizer: 'adam:beta1=0.8',
    valSplit: '0',
    seed: '4294967295',
    limitTrain: '100',
  });
  assert.equal(configFromJson(JSON.parse(JSON.stringify(c)), 'config.json'), c);
  await refuses(() => configFromJson({ ...c, lr: 'fast' }, 'config.json'), /^config\.json: lr: 'fast' is not a number/);
  for (const bad of [null, 3, [], {}]) await refuses(() => configFromJson(bad, 'config.json'), /^config\.json: no model is named/);
});

config('the best evaluation is the first of the most accurate, the lower loss among equals', () => {
  const at = (step: number, accuracy: number, loss: number, split: 'val' | 'test' = 'val'): EvalMetrics => ({
    split,
    step,
    epoch: step,
    loss,
    accuracy,
  });
  assert.is(bestOf([]), undefined);
  assert.is(bestOf([at(1, 0.8, 1), at(2, 0.9, 2), at(3, 0.9, 1.5), at(4, 0.9, 1.5), at(5, 0.99, 0.1, 'test')])?.step, 3);
  assert.equal(
    parseMetrics('{"step":1}\n\n{"step":2}\n{"st').map(l => l.step),
    [1, 2],
  );
});

config('activations are computed again or not, or in so much more time: as a text and in a file', async () => {
  for (const [text, value] of [
    ['false', false],
    ['true', true],
    ['1.2', 1.2],
  ] as const) {
    const made = parseConfig('mlp', { checkpointActivations: text });
    assert.is(made.checkpointActivations, value);
    assert.is(configFromJson(JSON.parse(JSON.stringify(made)), 'config.json').checkpointActivations, value);
  }
  await refuses(
    () => configFromJson({ model: 'mlp', checkpointActivations: 0.5 }, 'config.json'),
    'config.json: checkpointActivations: 0.5 is out of range; give a number of at least 1',
  );
});

config.run();
