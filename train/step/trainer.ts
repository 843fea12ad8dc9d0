/** Trains one model on one data set on one device: what a front end may ask of it. */
import { check, kindOf } from '../../engine/check.ts';
import { outputsOf } from '../../datasets/dataset.ts';
import type { Device } from '../../engine/device.ts';
import type { Graph, Layer } from '../../engine/graph.ts';
import type { Memory } from '../../engine/memory.ts';
import type { Program } from '../../engine/program.ts';
import { stateBuffer } from '../../optim/optimizer.ts';
import type { Spent } from '../../optim/accountant.ts';
import type { Transform } from '../../shaders/images/transform.ts';
import { FACTOR } from '../../shaders/update/loss-scale.ts';
import type { DeviceData } from '../data/device-data.ts';
import { lossOf, rankWithin, type BatchPart, type Order } from '../data/order.ts';
import { rangeOf } from '../data/share.ts';
import type { Part } from '../data/split.ts';
import type { WeightAverage } from '../evaluate/averaging.ts';
import { Evaluator } from '../evaluate/evaluator.ts';
import type { Score, Totals } from '../evaluate/score.ts';
import type { GradientMean } from '../distribute/gradient-mean.ts';
import type { Loaded, LoadOptions } from '../evaluate/match.ts';
import { readTensors, savedOf } from '../evaluate/weights.ts';
import type { Tensors } from '../run/safetensors.ts';
import { assemble, type Parts } from './assemble.ts';
import { FirstOrderPhase } from './phases/first-order.ts';
import type { StepMetrics } from './metrics.ts';
import { Stages } from './stages.ts';
import { readState, writeState, type TrainerState } from './state.ts';
import type { Steps } from './steps.ts';
import { shareOf, type Change, type TrainerOptions } from './trainer-options.ts';
import type { TrainingGraph } from './training-graph.ts';

/**
 * Calls wait for one another, in the order in which they are made. After `destroy` each throws a DescentError, and so does one whose work
 * the device refuses; other models on the device go on.
 */
export class Trainer {
  #stages: Stages;
  #evaluator: Evaluator;
  /** The difficulty of each training image, where the order goes by it. */
  #scores: Float32Array | undefined;
  /** The step after which weights were given from outside: there is no average of them yet. */
  #loadedAt = -1;
  /** What this rank takes of each batch, where ranks share it. */
  #part: BatchPart | undefined;
  /** How often weights were given from outside. */
  #loads = 0;

  private constructor(o: TrainerOptions, parts: Parts) {
    this.#stages = new Stages(o, parts, epoch => this.#order(epoch));
    const share = shareOf(o);
    if (share.size > 1) this.#part = { batch: o.batchSize, ...rangeOf(o.batchSize, share) };
    const version = () => `${this.steps} ${this.#loads}`;
    this.#evaluator = new Evaluator(o, parts.data, () => this.#average(), version);
  }

  /** Builds and compiles the training program. Errors of the model's shapes name the layer; a batch that does not fit throws TooLarge. */
  static async create(o: TrainerOptions): Promise<Trainer> {
    return new Trainer(o, await assemble(o));
  }

  get #o(): TrainerOptions {
    return this.#stages.options;
  }

  get #train(): TrainingGraph {
    return this.#stages.train;
  }

  get #steps(): Steps {
    return this.#stages.steps;
  }

  get data(): DeviceData {
    return this.#stages.data;
  }

  /** What is trained. */
  get model(): Layer {
    return this.#o.model;
  }

  get device(): Device {
    return this.memory.device;
  }

  get memory(): Memory {
    return this.data.memory;
  }

  /** The graph that computes gradients, and its program. */
  get graph(): Graph {
    return this.#train.graph;
  }

  get program(): Program {
    return this.#steps.gradients.program.program;
  }

  /** As many as the model has outputs. */
  get classes(): number {
    return outputsOf(this.data.run.dataset).length;
  }

  /** Steps done so far, those before a resume included. */
  get steps(): number {
    return this.#steps.done;
  }

  /** How private the steps done so far are, where the optimizer is: batches count as drawn by chance from the training images. */
  get privacy(): Spent | undefined {
    return this.privacyAfter(this.steps);
  }

  /** As `privacy`, after so many steps. */
  privacyAfter(steps: number): Spent | undefined {
    return this.#stages.privacyAfter?.(steps);
  }

  get stepsPerEpoch(): number {
    return this.#steps.gradients.stepsPerEpoch;
  }

  get epoch(): number {
    return this.steps / this.stepsPerEpoch;
  }

  /** Enqueues one step. With `log` its metrics, with those since the last logged step, come back some time later (see `arrived`). */
  step(log = false): Promise<void> {
    return this.memory.inTurn(() => this.#stages.step(log));
  }

  /**
   * Replaces what changes from which step on; weights, states of the optimizer and all counters stay. Where the programs of the next step
   * cannot be made all is as before.
   */
  change(changes: readonly Change[]): Promise<void> {
    return this.memory.inTurn(() => this.#stages.change(changes));
  }

  /** The metrics that have come back since the last call. Throws where the loss is no longer finite. */
  arrived(): StepMetrics[] {
    return this.#steps.gradients.readings.arrived();
  }

  /** Waits until all steps are done and their metrics are back. */
  async settle(): Promise<StepMetrics[]> {
    await this.memory.inTurn(() => this.#steps.gradients.settle());
    return this.arrived();
  }

  /** Passes over steps that other ranks do: the next is number `steps` + 1. */
  skipTo(steps: number): void {
    check(Number.isInteger(steps) && steps >= 0, `skipTo: it is ${kindOf(steps)}`, 'give a whole number from 0 on');
    this.#steps.skipTo(steps);
  }

  /** The learning rate of the last step. */
  get rate(): number {
    return this.#steps.rate;
  }

  /** How gradients become their mean over ranks, where these share them. */
  get mean(): GradientMean | undefined {
    return this.#steps.gradients.mean;
  }

  /** The sums over all images since the last line of metrics, and how many these are; the next line begins anew. */
  unlogged(): Promise<Totals & { readonly images: number }> {
    return this.memory.inTurn(() => this.#steps.gradients.unlogged(this.steps));
  }

  /** Tells the schedule the loss on the validation images. */
  observe(loss: number): void {
    this.#stages.observe(loss);
  }

  /** Whether there are gradients in memory: none before the first step, nor before the next one after `loadState`. */
  get hasGradients(): boolean {
    return this.steps > this.#steps.before;
  }

  /** What the gradients in memory must be multiplied by to be those of a batch's mean loss. */
  gradientScale(): Promise<number> {
    return this.memory.inTurn(async () => {
      const { scaling } = this.#train;
      const unscale = scaling ? (await this.memory.read(scaling))[FACTOR]! : 1;
      const { phase, gradients } = this.#steps;
      return phase instanceof FirstOrderPhase ? unscale / (phase.accumulation.summed * gradients.microBatches) : unscale;
    });
  }

  /** The score over all images of a part or the first `count` of them, of the averaged weights where the optimizer keeps an average. */
  evaluate(part: Part, count?: number): Promise<Score> {
    return this.memory.inTurn(async () => {
      const evaluated = await this.#evaluator.evaluate(part, count);
      this.#steps.gradients.readings.restart(this.steps);
      return evaluated;
    });
  }

  /** As `evaluate`, of the weights themselves; undefined where no average stands in their place. */
  evaluateUnaveraged(part: Part): Promise<Score | undefined> {
    return this.memory.inTurn(() => this.#evaluator.evaluateUnaveraged(part));
  }

  /**
   * The scores of several weights over a part, none of them averaged: `move` enqueues what changes the parameters for a place (see
   * optim/flat.ts). Those of the last place stay.
   */
  evaluateMoved(part: Part, places: number, move: (place: number) => Promise<void>): Promise<Score[]> {
    return this.memory.inTurn(() => this.#evaluator.evaluateMoved(part, places, move));
  }

  /** Logits, or the numbers that are predicted, [count, outputs] of the first `count` images of a part, or of all, each as `view` shows it. */
  logits(part: Part, count?: number, view?: readonly Transform[]): Promise<Float32Array> {
    return this.memory.inTurn(() => this.#evaluator.logits(part, count, view));
  }

  /** Replaces running statistics by those of all training images under the present weights, or of the first `most` batches. */
  refresh(most?: number): Promise<void> {
    return this.memory.inTurn(() => this.#evaluator.refresh(most));
  }

  /** Parameters and buffers under their names. */
  weights(): Promise<Tensors> {
    return this.memory.inTurn(() => this.#weights());
  }

  async #weights(): Promise<Tensors> {
    await this.#steps.gradients.settle();
    return { ...this.#o.beside, ...(await readTensors(this.memory, savedOf(this.graph))) };
  }

  /** The weights that `evaluate` takes: the averaged ones where the optimizer keeps an average. */
  evaluatedWeights(): Promise<Tensors> {
    return this.memory.inTurn(() => this.#evaluator.withAverage(() => this.#keptWeights()));
  }

  /** Weights to be kept: where evaluations take population statistics, those stand in place of the running ones. */
  keptWeights(): Promise<Tensors> {
    return this.memory.inTurn(() => this.#keptWeights());
  }

  async #keptWeights(): Promise<Tensors> {
    await this.#steps.gradients.settle();
    await this.#evaluator.settleStatistics();
    return this.#weights();
  }

  /** Whether an average of the weights is kept at some time of the run, to be evaluated in their place. */
  get averages(): boolean {
    return this.#steps.phases.some(p => p instanceof FirstOrderPhase && p.optimizer.average !== undefined);
  }

  /** The average of the weights that is to be evaluated in their place at present. */
  #average(): WeightAverage | undefined {
    const { phase } = this.#steps;
    if (this.#loadedAt === this.steps || !(phase instanceof FirstOrderPhase)) return undefined;
    const { rule, average } = phase.optimizer;
    if (!average || this.steps - phase.start < average.from) return undefined;
    return { buffer: page => stateBuffer(rule, average.state, page), refreshes: average.refreshes ?? false };
  }

  /** Sets parameters and buffers. Every tensor of the model must be there with its shape, and no other, unless `options` say otherwise. */
  loadWeights(tensors: Tensors, options?: LoadOptions): Promise<Loaded> {
    return this.memory.inTurn(async () => {
      const { writeWeights } = await import('../evaluate/match.ts');
      const { beside } = this.#o;
      const own = beside ? Object.fromEntries(Object.entries(tensors).filter(([name]) => !Object.hasOwn(beside, name))) : tensors;
      const loaded = writeWeights(this.memory, savedOf(this.graph), own, options);
      this.#loadedAt = this.steps;
      this.#loads++;
      return loaded;
    });
  }

  /** All that with the weights makes a resumed run equal an uninterrupted one. */
  state(): Promise<TrainerState> {
    return this.memory.inTurn(async () => {
      await this.#steps.gradients.settle();
      return readState(this.#run);
    });
  }

  /** Goes on from what `state` gave, of a trainer with the same options. Throws where it is of another model or optimizer. */
  loadState(state: TrainerState): Promise<void> {
    return this.memory.inTurn(async () => {
      this.#scores = writeState(this.#run, state) ?? this.#scores;
      this.#loadedAt = -1;
      await this.#stages.enter(Math.max(1, this.steps));
    });
  }

  get #run() {
    return { memory: this.memory, train: this.#train, steps: this.#steps, scores: this.#scores };
  }

  /** The order of the training images in an epoch. */
  async #order(epoch: number): Promise<Order | undefined> {
    const { curriculum = false, balanced = false, shuffle = true, seed = 0 } = this.#o;
    if (curriculum) this.#scores ??= await this.#difficulty();
    const isMixed = shuffle || curriculum;
    const labels = balanced ? this.data.run.parts.train.labels : undefined;
    return isMixed || this.#part ? { seed, epoch, scores: this.#scores, balanced: labels, inFile: !isMixed, part: this.#part } : undefined;
  }

  /** How hard each training image is among those of its class: the rank of its loss, as it is, under the present weights. */
  async #difficulty(): Promise<Float32Array> {
    const { labels } = this.data.run.parts.train;
    const logits = await this.#steps.gradients.program.inFileOrder(() => this.#evaluator.logits('train'));
    return rankWithin(lossOf(logits, labels, this.classes), labels);
  }

  /** Frees all that the run holds on the device. */
  destroy(): void {
    this.#steps.destroy();
    this.#evaluator.destroy();
    this.memory.destroy();
  }
}
