/** Runs of fit go on from what others kept: the same bits from a checkpoint, weights as a start, the best ones after early stopping. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fit, openDevice, Predictor, type FitOptions } from '../../../index.ts';
import { decodeSafetensors } from '../../../train/run/read-safetensors.ts';
import { encodeSafetensors } from '../../../train/run/safetensors.ts';
import { useNode } from '../../../train/run/node/platform.ts';
import { refused } from '../../support/refusal.ts';
import { data, images, labels, n, net, quick } from '../../support/rows.ts';

const test = suite('checkpoints of fit');
test.before(useNode);

test('a checkpoint of before options had defaults goes on to the same bits: its images stay held out at random', async () => {
  const options: FitOptions = { ...quick, stratify: 'none', epochs: 2, valSplit: 0.2 };
  const half = fit(net, data, { ...options, epochs: 1 });
  await half.done;
  const bytes = await half.checkpoint();
  const { tensors, metadata } = decodeSafetensors(bytes, 'half');
  const { stratify, sample, skipBroken, ...config } = JSON.parse(metadata.config!) as Record<string, unknown>;
  assert.equal([stratify, sample, skipBroken], ['none', 'all', false]);
  const old = encodeSafetensors(tensors, { ...metadata, config: JSON.stringify(config) });
  const { stratify: _, ...unsaid } = options;
  const [whole, goneOn] = await Promise.all([fit(net, data, options).done, fit(net, data, { ...unsaid, resume: old }).done]);
  assert.equal([goneOn.train, goneOn.validation], [whole.train, whole.validation]);
});

test('a checkpoint goes on to the same bits as a run that was not interrupted', async () => {
  const options: FitOptions = { ...quick, epochs: 4, schedule: 'plateau:patience=0', ema: 0.9, earlyStop: '3' };
  const whole = fit(net, data, options);
  const kept: Uint8Array[] = [];
  const first = fit(net, data, { ...options, checkpointEvery: 6, onCheckpoint: ({ bytes }) => void kept.push(bytes) });
  await first.done;
  assert.is(kept.length, 2);
  const second = fit(net, data, { ...options, resume: kept[0]! });
  assert.equal([await (await second).done, (await second.done).step], [await whole.done, 16]);
  assert.ok(Buffer.from(await second.checkpoint()).equals(Buffer.from(await whole.checkpoint())));
  const { message } = await refused(() => fit(net, data, { ...options, optimizer: 'adam:lr=0.5', resume: kept[0]! }).done);
  assert.match(
    message,
    /^resume: lr was 0\.02, now it is 0\.5; a run that goes on keeps its options, only epochs, steps, logEvery and later changes/,
  );
});

test('a checkpoint of other classes is refused, and of more images, whose order was another, told', async () => {
  const first = fit(net, data, { ...quick, epochs: 1 });
  await first.done;
  const resume = await first.checkpoint();
  const renamed = labels.map(label => `${label}s`);
  const { message } = await refused(() => fit(net, { images, labels: renamed }, { ...quick, epochs: 2, resume }).done);
  assert.is(message, 'resume: the classes were high, low, middle, now they are highs, lows, middles; give the data that the run began on');
  const told: string[] = [];
  const onWarning = (message: string) => void told.push(message);
  await fit(net, { images: images.slice(1), labels: labels.slice(1) }, { ...quick, epochs: 2, resume, onWarning }).done;
  assert.match(
    told.join('\n'),
    `resume: this run began with ${n} images to train on, and there are ${n - 1} now; it goes on with these, not as if it had`,
  );
});

test('a checkpoint is a file of the weights too', async () => {
  const run = fit('mlp:hidden=8', data, { ...quick, earlyStop: '3' });
  await run.done;
  const device = await openDevice();
  const [one, other] = [await Predictor.open(device, await run.checkpoint()), await run.model];
  assert.equal(await one.predict(images[0]!), await other.predict(images[0]!));
  one.destroy();
  other.destroy();
  device.close();
});

test('early stopping brings the best weights back; weights are a start for another run', async () => {
  const run = fit(net, data, { ...quick, epochs: 200, earlyStop: '2', optimizer: 'sgd:lr=0' } as FitOptions);
  const { ended, validation } = await run.done;
  assert.is(ended, 'early');
  const next = fit(net, data, { ...quick, epochs: 1, optimizer: 'sgd:lr=0', init: await run.checkpoint(), seed: 9 });
  assert.ok(validation);
  assert.is((await next.done).ended, 'complete');
});

test.run();
