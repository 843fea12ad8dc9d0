/** Trains one model on one data set on one device: the programs, the step, and what a checkpoint needs. */
import type { Device } from '../../engine/device.ts';
import type { Graph } from '../../engine/graph.ts';
import type { Memory } from '../../engine/memory.ts';
import type { Program } from '../../engine/program.ts';
import type { Optimizer } from '../../optim/optimizer.ts';
import type { Rates } from '../../optim/schedule.ts';
import type { Transform } from '../../shaders/images/augment.ts';
import { assemble, type Parts } from './assemble.ts';
import type { BatchProgram } from '../data/batch-program.ts';
import type { DeviceData } from '../data/device-data.ts';
import { lossOf, rankWithin } from '../data/order.ts';
import type { Part } from '../data/split.ts';
import { NonFinite } from './divergence.ts';
import { Evaluator } from './evaluation.ts';
import type { BuiltGraph } from './graphs.ts';
import type { StepMetrics } from './metrics.ts';
import type { TrainerOptions } from './options.ts';
import { loadPhases, optimizersOf, phaseTensors, type ActivePhase } from './phases.ts';
import { Readings, takeTotals } from './readings.ts';
import type { Tensors } from '../run/safetensors.ts';
import { SCORES } from '../run/state-keys.ts';
import { lastingOf, readGradients, readState, readTensors, scalingOf, type TrainerState } from '../run/state.ts';
import { writeGradients, writeState, writeWeights } from '../run/state.ts';

/** Steps that may wait on the device: enough that it never idles, few enough that Ctrl-C and memory are bounded. */
const IN_FLIGHT = 2;

/** Of the program of the gradients: step values of the update that it may have, and whether its loss and accuracy are logged, or count. */
interface Run {
  readonly values?: Readonly<Record<string, number>>;
  readonly log?: boolean;
  readonly counts?: boolean;
}

export class Trainer {
  readonly device: Device;
  readonly memory: Memory;
  readonly data: DeviceData;
  readonly program: Program;
  readonly stepsPerEpoch: number;
  steps = 0;
  #o: TrainerOptions;
  #phases: readonly ActivePhase[];
  #fused: boolean;
  #train: BuiltGraph;
  #program: BatchProgram;
  #evaluator: Evaluator;
  #readings: Readings;
  /** The difficulty of each training image, where the order goes by it. */
  #scores: Float32Array | undefined;
  #pending: Promise<unknown>[] = [];
  /** Steps whose gradients wait for an update, and steps so far that made none, where a batch grows. */
  #held = 0;
  #without = 0;
  /** What the gradients of the last update must be multiplied by to be its batch's mean. */
  #scale = 1;
  /** The step after which weights were given from outside: there is no average of them yet. */
  #loadedAt = -1;

  private constructor(o: TrainerOptions, { data, train, program, phases, fused }: Parts) {
    this.device = o.device;
    this.memory = data.memory;
    this.data = data;
    this.program = program.program;
    this.#program = program;
    this.#o = o;
    this.#phases = phases;
    this.#fused = fused;
    this.#train = train;
    this.stepsPerEpoch = Math.floor(o.data.parts.train.n / o.batchSize);
    this.#evaluator = new Evaluator(o, data, () => this.#average());
    this.#readings = new Readings(this.program, train.totals, o.batchSize, this.stepsPerEpoch);
  }

  /** Builds and compiles the training program. Errors of the model's shapes name the layer; a batch that does not fit throws TooLarge. */
  static async create(o: TrainerOptions): Promise<Trainer> {
    return new Trainer(o, await assemble(o));
  }

  get epoch(): number {
    return this.steps / this.stepsPerEpoch;
  }

  /** The rates of step number `step`, from 1. */
  rates(step: number): Rates {
    const phase = this.#phase(step);
    return phase === this.#phases[0] && this.#o.schedule ? this.#o.schedule.at(step - 1) : { lr: phase.lr };
  }

  #phase(step: number): ActivePhase {
    return this.#phases.find(p => step <= p.end) ?? this.#phases.at(-1)!;
  }

  /** Enqueues one step. With `log` its metrics, with those since the last logged step, come back some time later (see `arrived`). */
  async step(log = false): Promise<void> {
    const { seed = 0, accumulate = 1 } = this.#o;
    if (!this.#pending.length && this.#readings.logged === this.steps) this.#readings.restart();
    const phase = this.#phase(this.steps + 1);
    const at = this.steps % this.stepsPerEpoch;
    if (phase.start > 0 && phase.start === this.steps) phase.begin();
    // a quasi-Newton method stays with its images
    const epoch = Math.floor((phase.optimizer ? this.steps : phase.start) / this.stepsPerEpoch);
    await this.#arrange(epoch);
    const t = ++this.steps;
    const { lr, momentum, batches = 1 } = this.rates(t);
    const { optimizer } = phase;
    if (!optimizer) return this.#minimise(phase, t, lr, epoch, log);
    const update = t - phase.start - (phase === this.#phases[0] ? this.#without : 0);
    const values = optimizer.values(update, lr, momentum, (this.#held + 1) * accumulate);
    if (optimizer.rule.probes) await phase.probe(t, seed, () => this.#gradients(t, at, epoch, { counts: false }));
    await this.#gradients(t, at, epoch, { ...(this.#fused && { values }), log });
    this.#scale = values.g_scale!;
    if (++this.#held >= batches || t === phase.end) {
      phase.program?.run({ ...values, seed, step: t });
      this.#held = 0;
    } else this.#without++;
    if (log) this.#readings.readBack(t, lr);
    if (this.#o.debug) await this.#checkFinite(t, lr);
    this.#pending.push(this.device.done());
    if (this.#pending.length >= IN_FLIGHT) await this.#pending.shift();
  }

  /** Puts the images in the order of an epoch. */
  async #arrange(epoch: number): Promise<void> {
    const { curriculum, seed = 0, shuffle = true } = this.#o;
    if (curriculum) this.#scores ??= await this.#difficulty();
    this.#program.arrange(shuffle || curriculum ? { seed, epoch, scores: this.#scores } : undefined);
  }

  /** Runs the program on the batch number `at` of the epoch, micro-batch by micro-batch. */
  async #gradients(t: number, at: number, epoch: number, { values = {}, log = false, counts = true }: Run = {}): Promise<void> {
    const { batchSize, accumulate = 1, seed = 0 } = this.#o;
    const { n } = this.data;
    for (let k = 0; k < accumulate; k++) {
      const micro = {
        offset: at * batchSize + k * n,
        valid: counts ? n : 0,
        seed,
        step: (t - 1) * accumulate + k + 1,
        accumulate: k || this.#held ? 1 : 0,
        epoch,
      };
      const isLast = k === accumulate - 1;
      const collect = (encoder: GPUCommandEncoder) => this.#readings.collect(encoder);
      await this.#program.run({ ...values, ...micro }, log && isLast ? collect : undefined);
    }
  }

  /** One step of a quasi-Newton method on the first batch. */
  async #minimise(phase: ActivePhase, t: number, lr: number, epoch: number, log: boolean): Promise<void> {
    const { batchSize, accumulate = 1 } = this.#o;
    const start = performance.now();
    const totals = () => takeTotals(this.program, this.#train.totals);
    await totals(); // of steps that were not logged
    const { first, evaluations } = await phase.minimise(lr, { batchSize, accumulate }, async () => {
      await this.#gradients(t, 0, epoch);
      return totals();
    });
    this.#readings.logged = t;
    if (this.#o.debug) await this.#checkFinite(t, lr);
    if (!log) return;
    this.#readings.add({
      step: t,
      epoch: t / this.stepsPerEpoch,
      loss: first.loss / batchSize,
      accuracy: first.correct / batchSize,
      lr,
      images_per_s: (evaluations * batchSize * 1000) / (performance.now() - start),
    });
  }

  /** The metrics that have come back since the last call. Throws where the loss is no longer finite. */
  arrived(): StepMetrics[] {
    return this.#readings.arrived();
  }

  /** Waits until all steps are done and their metrics are back. */
  async settle(): Promise<StepMetrics[]> {
    await Promise.all(this.#pending.splice(0));
    await this.#readings.settle();
    return this.arrived();
  }

  async #checkFinite(step: number, lr: number): Promise<void> {
    const node = await this.program.firstNonFinite();
    if (node) throw new NonFinite(node, step, lr);
  }

  /** Mean loss and accuracy over all images of a part, of the averaged weights where the optimizer keeps an average. */
  async evaluate(part: Part): Promise<{ loss: number; accuracy: number }> {
    const judged = await this.#evaluator.evaluate(part);
    this.#readings.restart();
    return judged;
  }

  /** The weights that `evaluate` judges: the averaged ones where the optimizer keeps an average. */
  judged(): Promise<Tensors> {
    return this.#evaluator.withAverage(() => this.weights());
  }

  /** Whether an average of the weights is kept at some time of the run, to be evaluated in their place. */
  get averages(): boolean {
    return this.#phases.some(({ optimizer }) => optimizer?.average !== undefined);
  }

  /** The optimizer whose average of the weights is to be judged in place of the weights themselves. */
  #average(): Optimizer | undefined {
    if (this.#loadedAt === this.steps) return undefined;
    const { optimizer, start } = this.#phase(this.steps);
    return optimizer?.average && this.steps - start >= optimizer.average.from ? optimizer : undefined;
  }

  /** Replaces running statistics by those of all training images under the present weights, or of the first `most` batches. */
  refresh(most?: number): Promise<void> {
    return this.#evaluator.refresh(most);
  }

  /** Parameters and buffers under their names. */
  async weights(): Promise<Tensors> {
    await this.settle();
    return readTensors(this.memory, lastingOf(this.graph));
  }

  /** Sets parameters and buffers. Every tensor of the model must be there with its shape, and no other. */
  loadWeights(tensors: Tensors): void {
    writeWeights(this.memory, lastingOf(this.graph), tensors);
    this.#loadedAt = this.steps;
  }

  /** Tells the schedule the loss on the validation images. */
  observe(loss: number): void {
    this.#o.schedule?.observe?.(loss);
  }

  /**
   * Optimizer state by parameter (`adam.m.conv1.weight`) and the counters that with it make a resumed run equal an uninterrupted one; of
   * lbfgs and bfgs what they know of the curvature (`phase 2.s0`).
   */
  async state(): Promise<TrainerState> {
    await this.settle();
    const { graph } = this.#train;
    const scores = this.#scores;
    const tensors = {
      ...(await readState(this.memory, graph, optimizersOf(this.#phases))),
      ...(await phaseTensors(this.#phases)),
      ...(this.#held && (await readGradients(this.memory, graph))),
      ...(scores && { [SCORES]: { shape: [scores.length], data: scores } }),
    };
    const counters = { steps: this.steps, ...(this.#without && { held: this.#held, without: this.#without }) };
    return { tensors, counters };
  }

  loadState({ tensors, counters }: TrainerState): void {
    const { graph } = this.#train;
    this.#held = counters.held ?? 0;
    this.#without = counters.without ?? 0;
    writeState(this.memory, graph, optimizersOf(this.#phases), tensors);
    loadPhases(this.#phases, tensors);
    if (this.#held) writeGradients(this.memory, graph, tensors);
    const scores = tensors[SCORES];
    if (scores) this.#scores = Float32Array.from(scores.data);
    this.steps = counters.steps ?? 0;
    this.#readings.logged = this.steps;
    this.#loadedAt = -1;
  }

  /** How hard each training image is among those of its class: the rank of its loss, as it is, under the present weights. */
  async #difficulty(): Promise<Float32Array> {
    const { labels } = this.#o.data.parts.train;
    const logits = await this.#program.inFileOrder(() => this.logits('train'));
    return rankWithin(lossOf(logits, labels, this.classes), labels);
  }

  /** Logits [count, classes] of the first `count` images of a part, or of all, each as `view` shows it. */
  logits(part: Part, count?: number, view?: readonly Transform[]): Promise<Float32Array> {
    return this.#evaluator.logits(part, count, view);
  }

  /** What the gradients in memory must be multiplied by to be those of a batch's mean loss. */
  async gradientScale(): Promise<number> {
    const scaling = scalingOf(this.#train.graph);
    const lossScale = scaling ? (await this.memory.read(scaling))[2]! : 1;
    return this.#phase(this.steps).optimizer ? this.#scale * lossScale : lossScale;
  }

  get classes(): number {
    return this.#o.data.dataset.classes.length;
  }

  get graph(): Graph {
    return this.#train.graph;
  }

  /** Frees all that the run holds on the device. */
  destroy(): void {
    this.program.destroy();
    for (const p of this.#phases) p.destroy();
    this.#evaluator.destroy();
    this.#readings.destroy();
    this.memory.destroy();
  }
}
