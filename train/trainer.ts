/** Trains one model on one data set on one device: the programs, the step, and what a checkpoint needs. */
import { Device } from '../engine/device.ts';
import { Graph, type Tensor } from '../engine/graph.ts';
import { Memory, Program } from '../engine/program.ts';
import { check, DescentError } from '../engine/check.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import type { Transform } from '../shaders/augment.ts';
import type { QuasiNewton } from '../optim/quasi-newton.ts';
import type { Rates } from '../optim/schedules.ts';
import type { Part } from './data.ts';
import { withAverage } from './averaging.ts';
import { Evaluator } from './evaluation.ts';
import type { StepMetrics } from './metrics.ts';
import { Readings, takeTotals } from './readings.ts';
import { lossOf, rankWithin } from './splits.ts';
import { ActivePhase, type Phase } from './phases.ts';
import { build, type BuiltGraph, type TrainerOptions } from './graphs.ts';
import type { Tensors } from './safetensors.ts';
import { populationStatistics } from './population.ts';
import { readState, readTensors, scalingOf, writeState, writeWeights } from './state.ts';

export type { TrainerOptions };

export interface TrainerState {
  tensors: Tensors;
  counters: Record<string, number>;
}

/**
 * Batches by which the mean of SWA gets running statistics, as torch.optim.swa_utils.update_bn goes over the data once: all of most data
 * sets, at each evaluation.
 */
const SWA_BATCHES = 1000;
/** Steps that may wait on the device: enough that it never idles, few enough that Ctrl-C and memory are bounded. */
const IN_FLIGHT = 2;

export class Trainer {
  readonly device: Device;
  readonly memory: Memory;
  readonly program: Program;
  readonly stepsPerEpoch: number;
  steps = 0;
  #o: TrainerOptions;
  #phases: readonly ActivePhase[];
  #fused: boolean;
  /** Images of one run of the programs. */
  #micro: number;
  #train: BuiltGraph;
  #evaluator: Evaluator;
  #readings: Readings;
  #epoch = -1;
  #pending: Promise<unknown>[] = [];
  /** Steps whose gradients wait for an update, and steps so far that made none, where a batch grows. */
  #held = 0;
  #without = 0;
  /** What the gradients of the last update must be multiplied by to be its batch's mean. */
  #scale = 1;
  /** The step after which weights were given from outside: there is no average of them yet. */
  #loadedAt = -1;

  private constructor(
    o: TrainerOptions,
    memory: Memory,
    train: BuiltGraph,
    program: Program,
    phases: readonly ActivePhase[],
    fused: boolean,
  ) {
    this.#o = o;
    this.#phases = phases;
    this.#fused = fused;
    this.#micro = o.batchSize / (o.accumulate ?? 1);
    this.device = o.device;
    this.memory = memory;
    this.program = program;
    this.#train = train;
    this.stepsPerEpoch = Math.floor(o.data.size('train') / o.batchSize);
    this.#evaluator = new Evaluator(o, memory);
    this.#readings = new Readings(program, train.totals, o.batchSize, this.stepsPerEpoch);
  }

  /**
   * Builds and compiles the training program. Errors of the model's shapes name the layer; a batch that does not fit on the device throws
   * TooLarge.
   */
  static async create(o: TrainerOptions): Promise<Trainer> {
    const available = o.data.size('train');
    check(
      o.batchSize >= 1 && o.batchSize <= available,
      `--batch-size: ${o.batchSize} is more than the ${available} training images; give 1 to ${available}`,
    );
    const { accumulate = 1 } = o;
    const phases = Array.isArray(o.optimizer)
      ? (o.optimizer as readonly Phase[])
      : [{ optimizer: o.optimizer as Optimizer | QuasiNewton }];
    check(
      o.batchSize % accumulate === 0,
      `--accumulate: a batch of ${o.batchSize} is not ${accumulate} equal parts; give a divisor of the batch size`,
    );
    for (const { optimizer } of phases) {
      if ('rule' in optimizer && optimizer.accumulate !== accumulate) {
        throw new Error(
          `${optimizer.rule.name} was made for ${optimizer.accumulate} micro-batches, the trainer takes ${accumulate}`,
        );
      }
    }
    check(
      !o.half || o.device.profile.f16,
      `--precision f16: ${o.device.report.description} has no shader-f16; use --precision f32, or another --adapter`,
    );
    for (const { optimizer } of phases) {
      const scaling = 'rule' in optimizer ? optimizer.scaling : false;
      const name = 'rule' in optimizer ? optimizer.rule.name : 'a quasi-Newton method';
      check(
        !o.half || ('rule' in optimizer && !optimizer.rule.probes),
        `--precision f16: ${name} needs exact gradients; use --precision f32, or an optimizer of the first order`,
      );
      if (scaling !== Boolean(o.half)) {
        throw new Error(
          `${name} was made ${scaling ? 'for' : 'without'} loss scaling, the trainer works ${o.half ? 'with' : 'without'} it`,
        );
      }
    }
    const memory = new Memory(o.device);
    try {
      const train = build(o, 'train', !o.judges);
      memory.reserve(train.graph);
      if (o.judges) {
        memory.allocate(train.graph);
        return new Trainer(
          o,
          memory,
          train,
          await Program.compile(memory, new Graph({ training: false, profile: o.device.profile })),
          [],
          false,
        );
      }
      const fused = ActivePhase.fits(phases, accumulate, o.schedule?.grows);
      fused?.addTo(train.graph, memory.layout);
      const program = await Program.compile(memory, train.graph, {
        ...o,
        meanwhile: () => {
          o.data.normalisation();
        },
      });
      const active = await ActivePhase.create(phases, memory, train.graph, fused !== undefined);
      // last, when this memory is sure to be kept: a batch that does not fit is tried again with another
      o.data.upload(memory, train.graph, 'train');
      return new Trainer(o, memory, train, program, active, fused !== undefined);
    } catch (error) {
      memory.destroy();
      throw error;
    }
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
    const { seed = 0 } = this.#o;
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
    if (!optimizer) return this.#minimise(phase, t, lr, log);
    const values = optimizer.values(
      t - phase.start - (phase === this.#phases[0] ? this.#without : 0),
      lr,
      momentum,
      this.#held + 1,
    );
    if (optimizer.rule.probes) await phase.probe(t, seed, () => this.#gradients(t, at, {}, false, false));
    await this.#gradients(t, at, this.#fused ? values : {}, log);
    this.#scale = values.g_scale ?? 1;
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
    const { data, curriculum, seed = 0, shuffle = true } = this.#o;
    if (epoch === this.#epoch) return;
    if (curriculum) data.scores ??= await this.#scores();
    data.shuffle(this.memory, this.#train.graph, shuffle || curriculum ? { seed, epoch } : undefined);
    this.#epoch = epoch;
  }

  /** Runs the program on the batch number `at` of the epoch, micro-batch by micro-batch; with `counts` its loss and accuracy count. */
  async #gradients(
    t: number,
    at: number,
    values: Readonly<Record<string, number>>,
    log: boolean,
    counts = true,
  ): Promise<void> {
    const { batchSize, accumulate = 1, seed = 0, data } = this.#o;
    const n = this.#micro;
    for (let k = 0; k < accumulate; k++) {
      const micro = {
        offset: at * batchSize + k * n,
        valid: counts ? n : 0,
        seed,
        step: (t - 1) * accumulate + k + 1,
        accumulate: k || this.#held ? 1 : 0,
        epoch: this.#epoch,
      };
      await data.feed(this.memory, 'train', micro.offset);
      this.program.run(
        { ...values, ...micro, ...this.#train.source.values?.(micro) },
        log && k === accumulate - 1 ? encoder => this.#readings.collect(encoder) : undefined,
      );
    }
  }

  /** One step of a quasi-Newton method on the first batch. */
  async #minimise(phase: ActivePhase, t: number, lr: number, log: boolean): Promise<void> {
    const { batchSize, accumulate = 1 } = this.#o;
    const { minimiser, flat } = phase;
    const start = performance.now();
    let first: { loss: number; correct: number } | undefined;
    await takeTotals(this.program, this.#train.totals); // of steps that were not logged
    const { evaluations } = await minimiser!.step(async () => {
      await this.#gradients(t, 0, {}, false);
      const totals = await takeTotals(this.program, this.#train.totals);
      if (accumulate > 1) await flat!.map(flat!.g, 'op.alpha * y', { alpha: 1 / accumulate });
      first ??= totals;
      return phase.penalise(totals.loss / batchSize);
    }, lr);
    this.#readings.logged = t;
    if (this.#o.debug) await this.#checkFinite(t, lr);
    if (log) {
      this.#readings.add({
        step: t,
        epoch: t / this.stepsPerEpoch,
        loss: first!.loss / batchSize,
        accuracy: first!.correct / batchSize,
        lr,
        images_per_s: (evaluations * batchSize * 1000) / (performance.now() - start),
      });
    }
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
    if (node) {
      throw new DescentError(
        `NaN or infinity at step ${step}, first in ${node} (learning rate ${lr}); lower --lr, clip gradients, or look at the data; the last checkpoint stays`,
      );
    }
  }

  /** Mean loss and accuracy over all images of a part, of the averaged weights where the optimizer keeps an average. */
  async evaluate(part: Part): Promise<{ loss: number; accuracy: number }> {
    check(this.#o.data.size(part) > 0, `evaluate: there are no ${part} images; give --val-split a share above 0`);
    const judged = await this.#judging(async () => {
      if (this.#o.population) await this.refresh();
      return this.#evaluator.evaluate(part);
    });
    this.#readings.restart();
    return judged;
  }

  /** The weights that `evaluate` judges: the averaged ones where the optimizer keeps an average. */
  judged(): Promise<Tensors> {
    return this.#judging(() => this.weights());
  }

  /** Does `f` with the weights to be judged. */
  #judging<T>(f: () => Promise<T>): Promise<T> {
    if (this.#o.judges) return f();
    const { optimizer, start } = this.#phase(this.steps);
    if (
      optimizer?.average === undefined
      || this.steps - start < optimizer.averageFrom
      || this.#loadedAt === this.steps
    ) {
      return f();
    }
    return withAverage(
      this.memory,
      optimizer,
      async () => {
        if (optimizer.refreshes) await this.refresh(SWA_BATCHES);
      },
      f,
    );
  }

  /** Replaces running statistics by those of all training images under the present weights, or of the first `most` batches. */
  async refresh(most?: number): Promise<void> {
    if (this.memory.layout.pages('buffer').length) {
      await populationStatistics({ ...this.#o, batchSize: this.#micro }, this.memory, most);
    }
  }

  /** Parameters and buffers under their names. */
  async weights(): Promise<Tensors> {
    await this.settle();
    return readTensors(this.memory, this.#lasting());
  }

  /** Sets parameters and buffers. Every tensor of the model must be there with its shape, and no other. */
  loadWeights(tensors: Tensors): void {
    writeWeights(this.memory, this.#lasting(), tensors);
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
    const { scores } = this.#o.data;
    const tensors = await readState(this.memory, this.#train.graph, this.#optimizers());
    for (const [i, { minimiser }] of this.#phases.entries()) {
      for (const [name, data] of Object.entries((await minimiser?.state()) ?? {})) {
        tensors[`phase ${i + 1}.${name}`] = { shape: [data.length], data };
      }
    }
    if (this.#held) {
      for (const [name, { grad }] of this.#train.graph.params) {
        tensors[`gradient.${name}`] = { shape: grad.shape, data: (await this.memory.read(grad)).slice() };
      }
    }
    if (scores) tensors['curriculum.scores'] = { shape: [scores.length], data: scores };
    return {
      tensors,
      counters: { steps: this.steps, ...(this.#without && { held: this.#held, without: this.#without }) },
    };
  }

  loadState({ tensors, counters }: TrainerState): void {
    writeState(this.memory, this.#train.graph, this.#optimizers(), tensors);
    for (const [i, { minimiser }] of this.#phases.entries()) {
      const own = `phase ${i + 1}.`;
      minimiser?.load(
        Object.fromEntries(
          Object.entries(tensors).flatMap(([name, { data }]) =>
            name.startsWith(own) ? [[name.slice(own.length), data]] : [],
          ),
        ),
      );
    }
    this.#held = counters.held ?? 0;
    this.#without = counters.without ?? 0;
    if (this.#held) {
      for (const [name, { grad }] of this.#train.graph.params) {
        this.memory.write(grad, tensors[`gradient.${name}`]!.data);
      }
    }
    if (tensors['curriculum.scores']) this.#o.data.scores = Float32Array.from(tensors['curriculum.scores'].data);
    this.steps = this.#readings.logged = counters.steps ?? 0;
    this.#epoch = this.#loadedAt = -1;
  }

  /** How hard each training image is among those of its class: the rank of its loss, as it is, under the present weights. */
  async #scores(): Promise<Float32Array> {
    const { data } = this.#o;
    data.shuffle(this.memory, this.#train.graph);
    const labels = data.labels('train');
    return rankWithin(lossOf(await this.logits('train'), labels, data.dataset.classes.length), labels);
  }

  #optimizers(): Optimizer[] {
    return this.#phases.flatMap(p => p.optimizer ?? []);
  }

  /** Logits [size, classes] of the first `count` images of a part, each as `view` shows it. */
  logits(part: Part, count = this.#o.data.size(part), view?: readonly Transform[]): Promise<Float32Array> {
    return this.#judging(() => this.#evaluator.logits(part, count, view));
  }

  /** What the gradients in memory must be multiplied by to be those of a batch's mean loss. */
  async gradientScale(): Promise<number> {
    const scaling = scalingOf(this.#train.graph);
    return (
      (this.#phase(this.steps).optimizer ? this.#scale : 1) * (scaling ? (await this.memory.read(scaling))[2]! : 1)
    );
  }

  get classes(): number {
    return this.#o.data.dataset.classes.length;
  }

  get graph(): Graph {
    return this.#train.graph;
  }

  #lasting(): Tensor[] {
    return [...this.#train.graph.init.keys()].filter(t => t.role !== 'state');
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
