/** What one trainer does to itself and to others on its device when it is misused: nothing. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Owner } from '../../../engine/owner.ts';
import type { Layer } from '../../../engine/graph.ts';
import { relu } from '../../../layers/activation.ts';
import { sequential } from '../../../layers/compose.ts';
import { conv2d } from '../../../layers/conv.ts';
import { dense } from '../../../layers/dense.ts';
import { maxPool } from '../../../layers/pool.ts';
import { models } from '../../../models/index.ts';
import { optimizer } from '../../../optim/optimizer.ts';
import { rules } from '../../../optim/index.ts';
import { openData } from '../../../train/data/data.ts';
import type { Schedule } from '../../../optim/schedule.ts';
import type { Rule } from '../../../optim/rule.ts';
import type { Tensors } from '../../../train/run/safetensors.ts';
import type { TrainerState } from '../../../train/step/state.ts';
import { Trainer } from '../../../train/step/trainer.ts';
import type { Change, TrainerOptions } from '../../../train/step/trainer-options.ts';
import { buffersOf } from '../../support/buffers-of.ts';
import { deviceFor } from '../../support/check.ts';
import { refusal } from '../../support/refusal.ts';
import { tinyImages } from '../../support/tiny-images.ts';

const test = suite('guards');
const dataset = tinyImages(96);
const model: Layer = sequential({ conv1: conv2d(4, 3), act1: relu(), pool1: maxPool(2), fc: dense(3) });

async function create(o: Partial<TrainerOptions> = {}): Promise<Trainer> {
  const device = o.device ?? (await deviceFor());
  const data = await openData(dataset, { normalize: 'meanstd', valSplit: 0.25 });
  return Trainer.create({ device, data, model, batchSize: 8, optimizer: optimizer(rules.adam!), seed: 3, ...o });
}

/** What every call of a trainer gives, one after another or all at once. */
const asked = (t: Trainer): (() => Promise<unknown>)[] => [
  () => t.evaluate('test'),
  () => t.evaluate('val'),
  () => t.step(true),
  () => t.logits('test', 20).then(logits => [...logits]),
  () => t.evaluate('test'),
  () => t.step(true),
  () => t.weights().then(w => [...w['fc.weight']!.data]),
  () => t.evaluate('test'),
  () => t.settle().then(lines => lines.map(l => l.loss)),
];

test('calls made at once give what they give one after another', async () => {
  const [one, all] = [await create(), await create()];
  const alone: unknown[] = [];
  for (const ask of asked(one)) alone.push(await ask());
  assert.equal(await Promise.all(asked(all).map(ask => ask())), alone);
  for (const t of [one, all]) t.destroy();
});

test('every call after destroy throws at once, and so do those under way; other models on the device go on', async () => {
  const [gone, other] = [await create(), await create()];
  const before = await other.evaluate('test');
  const weights = await gone.weights();
  const state = await gone.state();
  const underWay = [gone.step(true), gone.evaluate('test'), gone.weights()];
  gone.destroy();
  const late = [...asked(gone), () => gone.loadWeights(weights), () => gone.loadState(state), () => gone.gradientScale()];
  for (const ask of [...underWay.map(p => () => p), ...late]) {
    assert.is(await refusal(ask), 'the model was destroyed; create it again');
  }
  assert.is(await refusal(() => gone.arrived()), 'the model was destroyed; create it again');
  gone.destroy();
  assert.equal(await other.evaluate('test'), before);
  await other.step(true);
  assert.is((await other.settle()).length, 1);
  other.destroy();
});

test('a validation or memory error is thrown by the next call of the one whose work it was, and by nobody else', async () => {
  const device = await deviceFor();
  const [wrong, greedy, other] = [await create(), new Owner(device), await create()];
  const buffer = wrong.memory.buffer('too small', 16);
  wrong.memory.upload(buffer, 16, new Float32Array(4));
  greedy.buffer('endless', device.gpu.limits.maxBufferSize + 16);
  assert.ok((await other.evaluate('test')).loss > 0);
  assert.match(await refusal(() => wrong.evaluate('test')), /^WebGPU error on .*too small/);
  assert.match(await refusal(() => greedy.idle()), /^(out of memory on|WebGPU error on) .*[Bb]uffer/);
  assert.ok((await other.evaluate('test')).loss > 0);
  for (const owner of [wrong, greedy, other]) owner.destroy();
});

test('models made and destroyed, at work or not, leave nothing on the device', async () => {
  const device = await deviceFor();
  const alive = buffersOf(device.gpu);
  for (let i = 0; i < 20; i++) {
    const t = await create();
    const last = [t.step(true), t.evaluate('test'), t.logits('val')];
    if (i % 2) await Promise.all(last);
    else for (const p of last) p.catch(() => undefined);
    t.destroy();
  }
  await refusal(() => create({ model: sequential({ fc: dense(4) }) }));
  await device.idle();
  assert.is(alive(), 0);
});

test('what a program without types gives wrongly is said in words', async () => {
  const wrong = async (o: Record<string, unknown>) => refusal(() => create(o as Partial<TrainerOptions>));
  assert.match(await wrong({ optimizer: 'adam' }), /^optimizer: 'adam' is none; give optimizer\(rules\.adam/);
  assert.match(await wrong({ optimizer: rules.adam }), /^optimizer: an object of .* is none; /);
  assert.match(await wrong({ optimizer: undefined }), /^optimizer: undefined is none; /);
  assert.match(await wrong({ batchSize: '8' }), /^batchSize: it is '8'; give a whole number of 1 to 72$/);
  assert.match(await wrong({ batchSize: 2.5 }), /^batchSize: it is 2.5; /);
  assert.match(await wrong({ data: dataset }), /^data: it is an object of name, .*; give await openData\(dataset\)$/);
  assert.match(await wrong({ device: {} }), /^device: an object of nothing is none; give what openDevice/);
  assert.match(await wrong({ model: models.lenet5 }), /^model: it is a function that makes a layer, and was not called; /);
  assert.match(await wrong({ model: () => model }), /^model: it returned a function where a layer returns its output; /);
  assert.match(await wrong({ model: 'lenet5' }), /^model: it is 'lenet5'; give a layer/);
  assert.match(await wrong({ loss: 'mae2' }), /unknown loss 'mae2'/);
  assert.match(await wrong({ loss: 3 }), /^loss: it is 3; give a function, or one of cross-entropy/);
  assert.match(await wrong({ schedule: 'cosine' }), /^schedule: 'cosine' is none; /);
  assert.match(await wrong({ seed: 'a' }), /^seed: it is 'a'; give a whole number$/);
  assert.match(await wrong({ batch_size: 8 }), /^unknown option of Trainer\.create 'batch_size'; did you mean 'batchSize'\?/);
  assert.match(
    await wrong({ model: sequential([conv2d('4' as unknown as number, 3), dense(3)]) }),
    /^0\.weight: its shape is \['4', 1, 3, 3\]; /,
  );
  for (const none of [conv2d(0, 3), dense(0)])
    assert.match(
      await wrong({ model: sequential([none, dense(3)]) }),
      /^0\.weight: its shape is \[0, .*\]; sizes are whole numbers above 0$/,
    );
  assert.match(await wrong({ model: sequential([undefined as unknown as Layer]) }), /^sequential: '0' is undefined; give a layer/);
  assert.match(await refusal(() => optimizer('adam' as unknown as Rule)), /^optimizer: 'adam' is no rule; /);
  const t = await create();
  assert.match(await refusal(() => t.evaluate('tset' as 'test')), /^unknown part 'tset'; did you mean 'test'\?/);
  assert.match(await refusal(() => t.logits('test', 1000)), /^logits: of 1000 images; give 0 to 96$/);
  assert.match(await refusal(() => t.loadWeights(undefined as unknown as Tensors)), /^weights: got undefined; /);
  assert.match(await refusal(() => t.loadWeights({ w: [1] as unknown as Tensors[string] })), /^weights: 'w' is no tensor of float32; /);
  assert.match(await refusal(() => t.loadState({} as TrainerState)), /^state: got an object of nothing; /);
  const change = (changes: unknown) => refusal(() => t.change(changes as Change[]));
  const list = 'give a list of { after, data, optimizer, schedule }';
  assert.is(await change({ lr: 0.1 }), `changes: an object of lr is none; ${list}`);
  assert.is(await change([{ after: 3, lr: 0.1 }]), `changes: an object of after, lr is none; ${list}`);
  assert.is(await change([{ optimizer: optimizer(rules.adam!) }]), `changes: an object of optimizer is none; ${list}`);
  assert.is(await change([undefined]), `changes: undefined is none; ${list}`);
  assert.is(await wrong({ changes: [{}] }), `changes: an object of nothing is none; ${list}`);
  const scheduled = async (at: () => unknown) => {
    const made = await create({ schedule: { at: at as Schedule['at'] } });
    const said = await refusal(() => made.step());
    made.destroy();
    return said;
  };
  assert.is(await scheduled(() => 0.1), 'schedule: at(0) gave 0.1; give a rate, as { lr: 0.1 }');
  assert.is(await scheduled(() => ({ rate: 0.1 })), 'schedule: at(0) gave an object of rate; give a rate, as { lr: 0.1 }');
  assert.is(await scheduled(() => undefined), 'schedule: at(0) gave undefined; give a rate, as { lr: 0.1 }');
  t.destroy();
  const data = (changes: object, options?: object) => refusal(() => openData({ ...dataset, ...changes }, options));
  const { train } = dataset;
  assert.match(await data({ test: undefined }), /^data: test is undefined, without a number n of images; /);
  assert.match(
    await data({ train: { ...train, labels: train.labels.map(() => 7) } }),
    /^data: the label of train image 0 is 7; give class numbers of 0 to 2$/,
  );
  assert.match(await data({ train: { ...train, labels: Array(96).fill('disc') } }), /^data: the label of train image 0 is 'disc'; /);
  assert.match(
    await data({ train: { ...train, images: new Uint8Array(4 * train.images.length) } }),
    /^data: 55296 values of 96 train images of \[1, 12, 12\]/,
  );
  assert.match(await data({}, { normalise: 'mean' }), /^unknown option of openData 'normalise'; did you mean 'normalize'\?/);
  assert.match(await data({}, { valSplit: '0.1' }), /^valSplit: it is '0\.1'; /);
  assert.match(
    await refusal(() => openData(dataset, { normalize: 'mean-std' as 'mean' })),
    /unknown normalize 'mean-std'; did you mean 'meanstd'\?/,
  );
});

test.run();
