/** What holds of a run from step to step: how it begins and what changes while it trains, with the programs that do it. */
import { hasSameKernels, type Optimizer } from '../../optim/optimizer.ts';
import type { Schedule } from '../../optim/schedule.ts';
import type { DeviceData } from '../data/device-data.ts';
import type { Order } from '../data/order.ts';
import { assemble, phasesIn, type Parts } from './assemble.ts';
import { FirstOrderPhase } from './phases/first-order.ts';
import type { Phase } from './phases/phase.ts';
import { readCurvature, writeCurvature } from './state.ts';
import { Steps } from './steps.ts';
import { checkChanges, type Change, type TrainerOptions } from './trainer-options.ts';
import type { TrainingGraph } from './training-graph.ts';

/** What may change. */
type Stage = Omit<Change, 'after'>;

export class Stages {
  /** The options as they are now, and what is made of them. */
  options: TrainerOptions;
  data!: DeviceData;
  train!: TrainingGraph;
  steps!: Steps;
  privacyAfter: Parts['privacyAfter'];
  #order: (epoch: number) => Promise<Order | undefined>;
  #first: Stage;
  #now: Stage;
  /** Parameters that move no more: what is for their gradients alone is not computed. */
  #resting: readonly string[] = [];
  #changes: readonly Change[];
  /** The losses on the validation images that schedules go by. */
  #observed: number[] = [];

  /** `order` gives the order of the training images in an epoch. */
  constructor(o: TrainerOptions, parts: Parts, order: (epoch: number) => Promise<Order | undefined>) {
    const { data, optimizer, schedule, changes = [] } = o;
    this.options = o;
    this.#order = order;
    this.#changes = changes;
    this.#now = this.#first = { data, optimizer, schedule };
    this.#use(parts);
  }

  #use({ data, train, gradients, phases, privacyAfter }: Parts): void {
    this.data = data;
    this.privacyAfter = privacyAfter;
    this.train = train;
    this.steps = new Steps(gradients, phases, this.#order, this.options.debug);
  }

  async step(log: boolean): Promise<void> {
    await this.enter(this.steps.done + 1);
    await this.steps.step(log);
  }

  /** Goes over to what holds for step number `step`. */
  async enter(step: number): Promise<void> {
    const stage = this.#changes.findLast(({ after }) => after < step) ?? this.#first;
    const resting = this.#restingAt(step, stage);
    const rest = resting.join() !== this.#resting.join();
    if (stage === this.#now && !rest) return;
    const { data, optimizer, schedule } = stage;
    const options = { ...this.options, data, optimizer, schedule };
    if (!rest && this.#does(stage)) {
      for (const [i, { optimizer }] of phasesIn(stage).entries()) {
        const phase = this.steps.phases[i];
        if (phase instanceof FirstOrderPhase) phase.become(optimizer as Optimizer, i === 0 ? schedule : undefined);
      }
    } else await this.#rebuild(options, resting);
    [this.#now, this.#resting, this.options] = [stage, resting, options];
  }

  /**
   * The parameters that move no more from step number `step` on, where each step is an update. Ranks exchange all gradients, which are the
   * same ones on each.
   */
  #restingAt(step: number, stage: Stage): readonly string[] {
    const [{ optimizer }, ...more] = phasesIn(stage) as [Phase, ...Phase[]];
    if (!('rule' in optimizer) || !optimizer.rests || more.length || stage.schedule?.grows || this.options.exchange) return [];
    return [...this.train.graph.params.keys()].filter(name => optimizer.rests!(name, step));
  }

  /** Whether the programs at hand do another stage, with other numbers. */
  #does(stage: Stage): boolean {
    const others = phasesIn(stage).map(phase => phase.optimizer);
    return (
      stage.data === this.#now.data &&
      phasesIn(this.#now).every(({ optimizer: a }, i) => {
        const b = others[i]!;
        return 'rule' in a && 'rule' in b ? hasSameKernels(a, b) : JSON.stringify(a) === JSON.stringify(b);
      })
    );
  }

  /** Other programs on the same memory, which go on from where these are. */
  async #rebuild(options: TrainerOptions, resting: readonly string[]): Promise<void> {
    const before = this.steps;
    await before.gradients.settle();
    const curvature = await readCurvature(before.phases);
    this.#use(await assemble(options, this.data, resting));
    const { graph } = this.train;
    for (const { grad } of resting.map(name => graph.params.get(name)!)) this.data.memory.write(grad, new Float32Array(grad.size));
    this.steps.follow(before);
    writeCurvature(this.steps.phases, curvature);
    before.destroy();
  }

  /** Replaces what changes; where the programs of the next step cannot be made all is as before. */
  async change(changes: readonly Change[]): Promise<void> {
    checkChanges(changes);
    const before = this.#changes;
    const known = this.#schedules;
    this.#changes = changes;
    try {
      const others = this.#schedules.filter(schedule => !known.includes(schedule));
      for (const schedule of others) for (const loss of this.#observed) schedule.observe?.(loss);
      await this.enter(this.steps.done + 1);
    } catch (error) {
      this.#changes = before;
      throw error;
    }
  }

  /** Tells schedules the loss on the validation images: those that come later too, which go by the losses before them. */
  observe(loss: number): void {
    this.#observed.push(loss);
    for (const schedule of this.#schedules) schedule.observe?.(loss);
  }

  get #schedules(): Schedule[] {
    const all = [this.#first, ...this.#changes].map(({ schedule }) => schedule);
    return [...new Set(all)].filter(schedule => schedule !== undefined);
  }
}
