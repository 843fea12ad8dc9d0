/** What a trainer is made of on the device: its data, its programs and its phases, from options that go together. */
import { UNLABELLED } from '../../datasets/dataset.ts';
import { check, kindOf, named, onlyOptions, say } from '../../engine/check.ts';
import { Device } from '../../engine/device.ts';
import { Memory } from '../../engine/memory.ts';
import type { Spent } from '../../optim/accountant.ts';
import type { Optimizer } from '../../optim/optimizer.ts';
import { weightedMeans } from '../../layers/loss.ts';
import { BatchProgram } from '../data/batch-program.ts';
import { DeviceData } from '../data/device-data.ts';
import { lengthOf } from '../data/share.ts';
import { GradientProgram } from './gradients.ts';
import type { Phase } from './phases/phase.ts';
import { privacyOf } from './privacy.ts';
import { activate, fusable, type ActivePhase, type Beside } from './phases/phases.ts';
import { checkChanges, shareOf, TRAINER_OPTIONS, type TrainerOptions } from './trainer-options.ts';
import { trainingGraph, type TrainingGraph } from './training-graph.ts';

export interface Parts {
  readonly data: DeviceData;
  readonly train: TrainingGraph;
  readonly gradients: GradientProgram;
  readonly phases: readonly ActivePhase[];
  /** How private a private run is after so many steps. */
  readonly privacyAfter: ((steps: number) => Spent) | undefined;
}

/**
 * Throws where the options do not go together, or the model does not take the images; TooLarge where the batch does not fit. With what a
 * trainer `before` has on the device its weights and all else that it keeps there are those of this one. `resting` names parameters that move
 * no more.
 */
export async function assemble(o: TrainerOptions, before?: DeviceData, resting?: readonly string[]): Promise<Parts> {
  onlyOptions('Trainer.create', o, TRAINER_OPTIONS);
  const { batchSize, accumulate = 1, schedule, sharesGradients = false, withoutUpdate = false } = o;
  const phases = phasesIn(o);
  const privacy = privacyOf(phases);
  checkOptions(o, phases);
  checkChanges(o.changes ?? []);
  checkLabels(o);
  const memory = before?.memory ?? new Memory(o.device, o.frozen);
  try {
    const own = lengthOf(batchSize, shareOf(o));
    const data = before?.augmentedAs(o.data) ?? new DeviceData(o.data, memory, own / accumulate, o.exchange && o.exchange.size > 1);
    const train = trainingGraph(o, data, resting);
    const { graph } = train;
    check(graph.params.size, say`${named('freeze')}: leaves nothing to train`, 'leave out the last layers');
    const attacks = o.adversarial && (await import('./adversary.ts')); // as all that few runs take, it is loaded by those that do
    attacks?.checkAdversarial(o, phases);
    if (phases.some(({ optimizer }) => 'rule' in optimizer && optimizer.rule.factors))
      (await import('../linear/kfac.ts')).checkKfac(o, graph);
    const ofPrivate = privacy && (await import('./private.ts'));
    ofPrivate?.checkPrivate(o, graph, privacy!);
    memory.reserve(graph);
    const clipping = privacy && (await import('../../optim/private.ts'));
    clipping?.clipSample(graph, memory.layout, (phases[0]!.optimizer as Optimizer).rule);
    const kind = { summed: accumulate > 1 || Boolean(schedule?.grows) || privacy !== undefined, scaled: o.half ?? false };
    const fused = sharesGradients || withoutUpdate ? undefined : fusable(phases, kind); // the mean comes before the update
    fused?.addTo(graph, memory.layout, kind);
    if (o.syncBatchNorm) (await import('../distribute/sync-batch-norm.ts')).keepApart(graph);
    const program = await BatchProgram.compile(train.batch, o);
    if (train.classWeights) memory.write(train.classWeights, Float32Array.from(o.classWeights!));
    const adversary = await attacks?.Adversary.compile(o, data, graph, o.adversarial!);
    const beside: Beside = {
      lastLayer: async hyper => (await import('../linear/last-layer.ts')).LastLayer.create(o, data, hyper),
      kfac: async hyper => (await import('../linear/kfac.ts')).Kfac.create(o, data, graph, hyper),
    };
    const active = await activate(phases, { memory, graph, schedule, gradients: fused || withoutUpdate ? undefined : kind, beside });
    const shares = sharesGradients && o.exchange && (await import('../distribute/gradient-mean.ts'));
    const gradients = new GradientProgram(program, train, o, {
      ofSample: privacy && (sample => clipping!.sampleValues(privacy, sample)),
      adversary,
      shared: shares ? shares.shareGradients(o, o.exchange!, graph, program.program) : undefined,
    });
    return { data, train, gradients, phases: active, privacyAfter: ofPrivate?.spending(o, privacy!) };
  } catch (error) {
    if (!before) memory.destroy();
    throw error;
  }
}

/** The phases among a trainer's options. Throws where what was given is no optimizer, as a program without types may. */
export function phasesIn({ optimizer }: Pick<TrainerOptions, 'optimizer'>): readonly Phase[] {
  const phases: readonly Phase[] = Array.isArray(optimizer) ? optimizer : [{ optimizer: optimizer as Phase['optimizer'] }];
  const wrong = phases.find(phase => typeof phase?.optimizer?.hyper?.lr !== 'number');
  check(
    phases.length && !wrong,
    `optimizer: ${kindOf(wrong?.optimizer)} is none`,
    'give optimizer(rules.adam, { lr: 0.001 }) or another rule',
  );
  return phases;
}

/** Throws where the classes cannot have weights, or images cannot be without a label. */
function checkLabels({ data, loss = 'cross-entropy', classWeights }: TrainerOptions): void {
  const { dataset, parts, augment } = data;
  const who = named('classWeights');
  const byName = Object.keys(weightedMeans).join(', ');
  if (classWeights) {
    check(
      typeof loss === 'string',
      say`${who}: the ${named('loss')} is one of your own, which has weights of its own`,
      say`leave them out`,
      say`take ${named('loss')} ${byName}`,
    );
    check(Object.hasOwn(weightedMeans, loss), say`${who}: the loss ${loss} has none`, say`take ${named('loss')} ${byName}`);
    const n = dataset.classes.length;
    check(
      Array.isArray(classWeights) && classWeights.length === n && classWeights.every(w => Number.isFinite(w) && w >= 0),
      say`${who}: they are ${Array.isArray(classWeights) ? `[${classWeights.join(', ')}]` : kindOf(classWeights)}`,
      `give ${n} numbers of at least 0, one for each class`,
    );
  }
  if (!parts.train.labels.includes(UNLABELLED)) return;
  const [mix] = augment?.mix ?? [];
  check(!mix, say`${named('augment')}: ${mix?.name} mixes labels, and some images have none`, 'leave it out', 'leave those images out');
  check(
    typeof loss === 'string',
    say`${named('loss')}: it is one of your own, and some images have no label`,
    'leave those images out',
    'take one by its name',
  );
}

/** Throws where the batch, its parts or the precision do not go with the data, the device or the optimizers. */
function checkOptions(o: TrainerOptions, phases: readonly Phase[]): void {
  const { batchSize, accumulate = 1, half = false, device, schedule, seed = 0 } = o;
  check(device instanceof Device, `device: ${kindOf(device)} is none`, 'give what openDevice() returned');
  check(o.data?.parts && o.data.normalisation, `data: it is ${kindOf(o.data)}`, 'give await openData(dataset)');
  const available = o.data.parts.train.n;
  check(
    Number.isInteger(batchSize) && batchSize >= 1,
    say`${named('batchSize')}: it is ${kindOf(batchSize)}`,
    `give a whole number of 1 to ${available}`,
  );
  check(
    schedule === undefined || (typeof schedule === 'object' && typeof schedule?.at === 'function'),
    `schedule: ${kindOf(schedule)} is none`,
    'give { at: t => ({ lr }) }, or schedule() of descent-gpu/engine',
  );
  check(Number.isInteger(seed), `seed: it is ${kindOf(seed)}`, 'give a whole number');
  check(
    batchSize <= available,
    say`${named('batchSize')}: ${batchSize} is more than the ${available} training images`,
    `give 1 to ${available}`,
  );
  const share = shareOf(o);
  check(
    batchSize >= share.size,
    say`${named('batchSize')}: ${batchSize} images for ${share.size} ranks, which share each batch out`,
    `give ${share.size} or more`,
  );
  const own = lengthOf(batchSize, share);
  check(
    own % accumulate === 0,
    say`${named('accumulate')}: a batch of ${own}${own === batchSize ? '' : ` (one rank's of ${batchSize})`} is not ${accumulate} equal parts`,
    'give a divisor of the batch size',
  );
  check(
    !half || device.profile.f16,
    say`${named('precision', 'f16')}: ${device.report.description} has no shader-f16`,
    say`use ${named('precision', 'f32')}`,
    say`another ${named('adapter')}`,
  );
  for (const { optimizer } of phases) {
    const firstOrder = 'rule' in optimizer ? optimizer : undefined;
    const name = firstOrder?.rule.name ?? 'a quasi-Newton method';
    check(
      !half || (firstOrder && !firstOrder.rule.probes),
      say`${named('precision', 'f16')}: ${name} needs exact gradients`,
      say`use ${named('precision', 'f32')}`,
      'an optimizer of the first order',
    );
  }
}
