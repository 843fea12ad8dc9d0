/** A net without its classifier, and classifiers that learn on its features: as one net they answer as they do apart. */
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  dense,
  FeatureExtractor,
  openDevice,
  pictureBytes,
  Predictor,
  relu,
  sequential,
  type Device,
  type FeatureSamples,
  type HeadTraining,
  type Model,
} from '../../../index.ts';
import { built } from '../../../train/evaluate/built.ts';
import { useNode } from '../../../train/run/node/platform.ts';
import { refusal } from '../../support/refusal.ts';

const test = suite('extractor');
let device: Device;
test.before(async () => {
  useNode();
  device = await openDevice();
});
test.after(() => device.close());

const shape = [1, 4, 4] as const;
/** A file of a net that nobody trained. */
async function fileOf(model: string | Model, classes: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
  const { chosenModel } = await import('../../../train/config/model.ts');
  const { layer } = await chosenModel(model);
  const { graph } = built(layer({ shape, classes: classes.length }), shape);
  const weights = Object.fromEntries(Array.from(graph.init, ([t, init]) => [t.name, { shape: t.shape, data: init(t.shape, t.name, 1) }]));
  const moments = { mean: [0.4], std: [0.3] };
  const predictor = await Predictor.create({ device, model, shape, classes, weights, normalize: 'meanstd', moments });
  const bytes = await predictor.bytes();
  predictor.destroy();
  return bytes;
}

/** Images of three kinds, which their brightest quarter tells. */
const images = Array.from({ length: 60 }, (_, i) =>
  Uint8Array.from({ length: 16 }, (_, p) => (Math.floor(p / 4) === i % 3 ? 180 : 30) + ((i * 7 + p * 13) % 40)),
);
const labels = images.map((_, i) => i % 3);
const three = ['top', 'second', 'third'];

test('a head learns on features, and with its trunk is one net: as a predictor, in a file, opened again', async () => {
  const extractor = await FeatureExtractor.open(device, await fileOf('mlp:hidden=12', ['x', 'y']));
  assert.equal([extractor.size, extractor.shape], [12, shape]);
  const features = await extractor.features(images);
  assert.equal(features.length, 60 * 12);
  assert.equal([...(await extractor.features(images[7]!))], [...features.subarray(7 * 12, 8 * 12)]);

  const head = await extractor.head({ classes: three });
  const seen: number[] = [];
  const first = await head.train({ features, labels }, { epochs: 2, onEpoch: e => seen.push(e.epoch) });
  assert.equal(seen, [1, 2]);
  const last = await head.train({ features, labels }, { epochs: 60, lr: 0.03 });
  assert.ok(last.loss < first.loss && last.accuracy === 1, `it goes on from what it has: ${first.loss}, then ${last.loss}`);

  const apart = await head.probabilities(features);
  const whole = await head.predictor();
  const answers = await whole.predict(images);
  const again = await FeatureExtractor.open(device, await head.bytes());
  const opened = await Predictor.open(device, await head.bytes());
  assert.equal(opened.classes, three);
  for (const [i, [best]] of answers.entries()) {
    assert.equal(best!.label, three[labels[i]!]);
    assert.ok(Math.abs(best!.probability - apart[i * 3 + best!.index]!) < 1e-6);
  }
  assert.equal([...(await again.features(images))], [...features]);
  const same = await again.head({ classes: three, weights: await opened.weights() });
  assert.equal([...(await same.logits(features))], [...(await head.logits(features))]);
  for (const made of [extractor, again, whole, opened]) made.destroy();
});

test('pictures are brought to the size that the file says before their middle is cut out, as the predictor of the same file does', async () => {
  const original = await Predictor.open(device, await fileOf('mlp:hidden=12', ['x', 'y']));
  const given = { device, model: 'mlp:hidden=12', shape, classes: ['x', 'y'], normalize: 'none', resize: 6 } as const;
  const file = await (await Predictor.create({ ...given, weights: await original.weights() })).bytes();
  const png = await sharp(
    Uint8Array.from({ length: 64 }, (_, i) => (i * 37) % 256),
    { raw: { width: 8, height: 8, channels: 1 } },
  )
    .png()
    .toBuffer();
  const picture = new Blob([new Uint8Array(png)]);
  const extractor = await FeatureExtractor.open(device, file);
  const resized = await extractor.features(await pictureBytes(picture, shape, { resize: 6 }));
  assert.equal([...(await extractor.features(picture))], [...resized]);
  assert.not.equal(resized, await extractor.features(await pictureBytes(picture, shape)));
  const head = await extractor.head({ classes: three });
  const [whole, opened] = [await head.predictor(), await Predictor.open(device, await head.bytes())];
  const first = async (predictor: Predictor) => (await predictor.predict(picture, { top: 3 })).map(answer => answer.probability);
  const apart = [...(await head.probabilities(resized))].sort((a, b) => b - a);
  for (const found of [await first(whole), await first(opened)])
    found.forEach((p, i) => assert.ok(Math.abs(p - apart[i]!) < 1e-6, `${found} and ${apart}`));
  for (const made of [original, extractor, whole, opened]) made.destroy();
});

test('calls of a head that are made while it trains wait for it, and those made before do not', async () => {
  const extractor = await FeatureExtractor.open(device, await fileOf('mlp:hidden=12', ['x', 'y']));
  const features = await extractor.features(images);
  const head = await extractor.head({ classes: three });
  const first = await head.probabilities(features);
  const before = head.probabilities(features);
  const trained = head.train({ features, labels }, { epochs: 2 });
  const during = [head.probabilities(features), head.probabilities(features)];
  const weights = head.weights();
  await trained;
  const last = await head.probabilities(features);
  assert.not.equal([...last], [...first]);
  assert.equal([...(await before)], [...first]);
  for (const answer of during) assert.equal([...(await answer)], [...last]);
  assert.equal(await weights, await head.weights());
  extractor.destroy();
});

test('what cannot be is said in one line, and changes nothing', async () => {
  const extractor = await FeatureExtractor.open(device, await fileOf('mlp:hidden=12', ['x', 'y']));
  const head = await extractor.head({ classes: three });
  const before = await head.weights();
  const features = await extractor.features(images);
  assert.match(await refusal(() => head.train({ features, labels: [3, ...labels.slice(1)] })), /^labels\[0\]: 3 is none of the 3 classes/);
  const given = (features: unknown, of: unknown = labels) => refusal(() => head.train({ features, labels: of } as FeatureSamples));
  assert.is(
    await given(features.subarray(1)),
    `features: ${features.length - 1} values for ${labels.length} labels; give 12 for each label`,
  );
  assert.is(await given(new Float32Array(), []), 'features: 0 values for 0 labels; give 12 for each label');
  assert.is(
    await given(Float64Array.from(features)),
    'features: it is of the class Float64Array; give what features() of the extractor gives',
  );
  assert.is(await given(features.map((v, i) => (i === 7 ? NaN : v))), 'features: value 7 is NaN; give finite numbers');
  assert.match(await refusal(() => head.train({ features, labels }, { epochs: 0.5 })), /^epochs: it is 0\.5; /);
  for (const classes of [['one'], ['a', 'a'], [1, 2]] as string[][]) {
    assert.match(
      await refusal(() => extractor.head({ classes })),
      /^classes: they are \[.*\]; give an array of at least two different names$/,
    );
  }
  const said = (o: unknown) => refusal(() => head.train({ features, labels }, o as HeadTraining));
  for (const weightDecay of [-1, NaN, '0.1'])
    assert.match(await said({ weightDecay }), /^weightDecay: it is .*; give a number of at least 0$/);
  assert.is(await said({ signal: 3 }), "signal: it is 3; give an AbortController's signal");
  assert.is(await said({ onEpoch: 3 }), 'onEpoch: it is 3; give a function');
  assert.is(
    await refusal(() => head.train(undefined as unknown as FeatureSamples)),
    'head.train: got undefined; give { features, labels }',
  );
  assert.equal(await head.weights(), before);
  const why = new Error('enough');
  const told: number[] = [];
  for (const last of [0, 2, 3]) {
    const stopped = new AbortController();
    if (!last) stopped.abort(why);
    const onEpoch = ({ epoch }: { epoch: number }) => {
      told.push(epoch);
      if (epoch === last) stopped.abort(why);
    };
    const thrown = await head.train({ features, labels }, { epochs: 3, signal: stopped.signal, onEpoch }).catch((e: unknown) => e);
    assert.is(thrown, why);
  }
  assert.equal(told, [1, 2, 1, 2, 3]); // a pass that is broken off has no score
  assert.equal(await head.weights(), before);
  extractor.destroy();
  assert.match(await refusal(() => head.logits(features)), /destroyed/);
  assert.match(await refusal(() => extractor.head({ classes: three })), /destroyed/);

  const odd: Model = ({ classes }) => {
    const net = sequential([dense(8), relu(), dense(classes)]);
    return (g, x) => net(g, x);
  };
  const file = await fileOf(odd, ['x', 'y']);
  const message = await refusal(() => FeatureExtractor.open(device, file, { model: odd }));
  assert.match(message, /^model: nothing says what comes before its classifier 2; write its last layers as sequential/);
});

test.run();
