/** Adversarial training (Madry et al. 2018): each batch is moved to where its loss is large before the net learns on it. */
import { check, named, say, type Message } from '../../engine/check.ts';
import { Graph } from '../../engine/graph.ts';
import { UNLABELLED } from '../../datasets/dataset.ts';
import { lossesOf } from '../../layers/loss.ts';
import { needsGradientAlone } from '../../optim/rule.ts';
import { drawPerturbation, movePerturbation, type Perturb } from '../../shaders/images/perturb.ts';
import { BatchProgram } from '../data/batch-program.ts';
import { gatherBatch } from '../data/batch.ts';
import type { DeviceData } from '../data/device-data.ts';
import { lossFor, modelOn } from '../evaluate/evaluation-graph.ts';
import type { Phase } from './phases/phase.ts';
import type { Adversarial, TrainerOptions } from './trainer-options.ts';
import { perturbation } from './training-graph.ts';

/** Throws where a run does not learn on images of its own whose values are pixels, by their gradient alone. */
export function checkAdversarial(o: TrainerOptions, phases: readonly Phase[]): void {
  const { data, classWeights, half, exchange, loss = 'cross-entropy' } = o;
  const { how } = data.normalisation;
  const { augment, dataset, parts } = data;
  const other = phases.find(({ optimizer }) => !('rule' in optimizer) || !needsGradientAlone(optimizer.rule))?.optimizer;
  const refused: readonly [boolean | undefined, Message][] = [
    [dataset.outputs !== undefined, say`${named('dataset')} ${dataset.name}, which has numbers to predict,`],
    [how === 'pca' || how === 'zca', named('normalize', how)],
    [Boolean(augment?.mix.length) || (augment?.views ?? 1) > 1, say`mixing or several views of ${named('augment')}`],
    [Boolean(classWeights), named('classWeights')],
    [parts.train.labels.includes(UNLABELLED), named('ignoreLabel')],
    [half, named('precision', 'f16')],
    [exchange !== undefined, named('distribute')],
    [typeof loss !== 'string', say`a ${named('loss')} of your own`],
    [other !== undefined, say`${named('optimizer')} ${other && 'rule' in other ? other.rule.name : 'of second order'}`],
  ];
  const wrong = refused.find(([is]) => is);
  check(
    !wrong,
    say`${named('adversarial')}: ${wrong?.[1] ?? ''} does not go with attacks on the images of a batch`,
    'leave one of the two out',
  );
}

/** Attacks that come of other random numbers than the steps of training. */
const APART = 2 ** 31;

/**
 * What attacks the batches of a run. Batch norms take the statistics of a batch as it is attacked, and their running ones move at each
 * gradient of an attack too, as where PyTorch attacks a net in training mode (Wang et al. 2019 do).
 */
export class Adversary {
  #program: BatchProgram;
  #steps: number;

  private constructor(program: BatchProgram, steps: number) {
    this.#program = program;
    this.#steps = steps;
  }

  /** The program that moves the perturbation of a batch by one gradient; `trained` is the graph whose parameters it is by. */
  static async compile(
    o: TrainerOptions,
    data: DeviceData,
    trained: Graph,
    { epsilon, steps, size: length }: Adversarial,
  ): Promise<Adversary> {
    const { profile } = o.device;
    const frozen = (name: string) => trained.params.has(name) || (o.frozen?.(name) ?? false);
    const graph = new Graph({ training: true, profile, seed: o.seed, frozen });
    const batch = gatherBatch(graph, data, 'train', undefined, o.balanced);
    const { x, inputs } = batch;
    const unit = data.run.dataset.dtype === 'float32' ? 1 : 255;
    const of: Perturb = { n: x.size, size: x.size / x.shape[0]!, unit, epsilon, bounded: unit !== 1 };
    const delta = perturbation(graph, x);
    graph.run(drawPerturbation, of, { x, norm: inputs.norm, delta });
    const moved = graph.record([x], graph.sum(x, delta), () => []);
    const { logits, totals } = modelOn(graph, { ...batch, x: moved }, o);
    const [own] = lossesOf(graph, lossFor(o.loss, true, 1), logits, batch.labels, totals, { smoothing: o.smoothing });
    const dx = graph.backward(...own!).get(moved);
    check(dx, say`${named('adversarial')}: nothing of the loss depends on the images`, 'leave it out');
    graph.run(movePerturbation, { ...of, length }, { x, dx, norm: inputs.norm, delta });
    data.memory.reserve(graph);
    return new Adversary(await BatchProgram.compile(batch, o), steps);
  }

  /** Enqueues the attack on the batch of `values`, which are those of its training step. */
  async run(values: Readonly<Record<string, number>> & { readonly offset: number; readonly step: number }): Promise<void> {
    for (let attack = 0; attack < this.#steps; attack++) {
      const step = APART + ((values.step * this.#steps + attack) % APART);
      await this.#program.run({ ...values, step, attack, valid: 0 });
    }
  }

  destroy(): void {
    this.#program.destroy();
  }
}
