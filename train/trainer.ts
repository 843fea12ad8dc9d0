/** Trains one model on one data set on one device: the programs, the step, evaluation, and what a checkpoint needs. */
import { Device } from '../engine/device.ts';
import { Graph, type Layer, type Tensor } from '../engine/graph.ts';
import { Memory, Program } from '../engine/program.ts';
import { check, DescentError, show } from '../engine/check.ts';
import { crossEntropy } from '../layers/loss.ts';
import { stateBuffer, type Optimizer } from '../optim/optimizer.ts';
import type { DeviceData, Part } from './data.ts';
import type { StepMetrics } from './metrics.ts';
import type { Tensors } from './safetensors.ts';

export interface TrainerOptions {
  readonly device: Device;
  readonly model: Layer;
  readonly data: DeviceData;
  readonly batchSize: number;
  readonly optimizer: Optimizer;
  /** Learning rate of step number `step`, from 1; without it the optimizer's. */
  readonly schedule?: (step: number) => number;
  readonly seed?: number;
  readonly shuffle?: boolean;
  readonly smoothing?: number;
  readonly debug?: boolean;
  readonly fuse?: boolean;
}

export interface TrainerState { tensors: Tensors; counters: Record<string, number> }

/** Steps that may wait on the device: enough that it never idles, few enough that Ctrl-C and memory are bounded. */
const IN_FLIGHT = 2;

export class Trainer {
  readonly device: Device;
  readonly memory: Memory;
  readonly program: Program;
  readonly stepsPerEpoch: number;
  steps = 0;
  #o: TrainerOptions;
  #train: BuiltGraph;
  #evaluations = new Map<Part, Promise<BuiltGraph & { program: Program }>>();
  #epoch = -1;
  #pending: Promise<unknown>[] = [];
  #staging: GPUBuffer[] = [];
  #reading: Promise<void>[] = [];
  #arrived: StepMetrics[] = [];
  #logged = 0;
  #loggedAt = performance.now();

  private constructor(o: TrainerOptions, memory: Memory, train: BuiltGraph, program: Program) {
    this.#o = o;
    this.device = o.device;
    this.memory = memory;
    this.program = program;
    this.#train = train;
    this.stepsPerEpoch = Math.floor(o.data.size('train') / o.batchSize);
  }

  /** Builds and compiles the training and the evaluation program. Errors of the model's shapes name the layer. */
  static async create(o: TrainerOptions): Promise<Trainer> {
    const available = o.data.size('train');
    check(o.batchSize >= 1 && o.batchSize <= available, `--batch-size: ${o.batchSize} is more than the ${available} training images; give 1 to ${available}`);
    const memory = new Memory(o.device);
    const train = build(o, 'train', true);
    memory.reserve(train.graph);
    o.optimizer.addTo(train.graph, memory.layout);
    const program = await Program.compile(memory, train.graph, o);
    o.data.upload(memory, train.graph, 'train');
    return new Trainer(o, memory, train, program);
  }

  /** The evaluation program of a part, made at its first use; it shares parameters and slots with the training program. */
  #evaluation(part: Part): Promise<BuiltGraph & { program: Program }> {
    const make = async () => {
      const built = build(this.#o, part, false);
      const program = await Program.compile(this.memory, built.graph, { fuse: this.#o.fuse }); // --debug watches the steps
      this.#o.data.upload(this.memory, built.graph, part);
      return { ...built, program };
    };
    if (!this.#evaluations.has(part)) this.#evaluations.set(part, make());
    return this.#evaluations.get(part)!;
  }

  get epoch(): number { return this.steps / this.stepsPerEpoch; }

  lr(step: number): number { return this.#o.schedule?.(step) ?? this.#o.optimizer.hyper.lr; }

  /** Enqueues one step. With `log` its metrics, with those since the last logged step, come back some time later (see `arrived`). */
  async step(log = false): Promise<void> {
    const { data, batchSize, seed = 0, shuffle = true } = this.#o;
    if (!this.#pending.length && this.#logged === this.steps) this.#loggedAt = performance.now(); // the pause before it is no training time
    const epoch = Math.floor(this.steps / this.stepsPerEpoch), at = this.steps % this.stepsPerEpoch;
    if (epoch !== this.#epoch) {
      data.shuffle(this.memory, this.#train.graph, shuffle ? { seed, epoch } : undefined);
      this.#epoch = epoch;
    }
    const t = ++this.steps, lr = this.lr(t);
    const values = { ...this.#o.optimizer.values(t, lr), offset: at * batchSize, valid: batchSize, seed, step: t, accumulate: 0 };
    this.program.run(values, log ? encoder => this.#collect(encoder) : undefined);
    if (log) this.#readBack(t, lr);
    if (this.#o.debug) await this.#checkFinite(t, lr);
    this.#pending.push(this.device.gpu.queue.onSubmittedWorkDone());
    if (this.#pending.length >= IN_FLIGHT) await this.#pending.shift();
  }

  #collect(encoder: GPUCommandEncoder): void {
    const { buffer, offset } = this.program.locate(this.#train.totals);
    const staging = this.#staging.pop() ?? this.device.buffer('metrics', 16, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
    encoder.copyBufferToBuffer(buffer, offset, staging, 0, 8);
    encoder.clearBuffer(buffer, offset, 16);
    this.#staging.unshift(staging); // in use until #readBack hands it out again
  }

  #readBack(step: number, lr: number): void {
    const staging = this.#staging.shift()!, count = step - this.#logged;
    this.#logged = step;
    const reading = staging.mapAsync(GPUMapMode.READ).then(() => {
      const [loss, correct] = new Float32Array(staging.getMappedRange());
      const images = count * this.#o.batchSize, now = performance.now(), seconds = (now - this.#loggedAt) / 1000;
      this.#loggedAt = now;
      this.#arrived.push({ step, epoch: step / this.stepsPerEpoch, loss: loss! / images, accuracy: correct! / images, lr, images_per_s: images / seconds });
      staging.unmap();
      this.#staging.push(staging);
    }, async e => { await Promise.resolve(); this.device.check(); throw e; });
    reading.catch(() => undefined); // told by settle, or by the next step where the device is lost
    this.#reading.push(reading);
  }

  /** The metrics that have come back since the last call. Throws where the loss is no longer finite. */
  arrived(): StepMetrics[] {
    this.device.check();
    const lines = this.#arrived.splice(0);
    const bad = lines.find(l => !Number.isFinite(l.loss));
    if (bad) throw new DescentError(`the loss is ${bad.loss} at step ${bad.step} (learning rate ${bad.lr}); lower --lr, or run with --debug, which names the layer; the last checkpoint stays`);
    return lines;
  }

  /** Waits until all steps are done and their metrics are back. */
  async settle(): Promise<StepMetrics[]> {
    await Promise.all(this.#pending.splice(0));
    await Promise.all(this.#reading.splice(0));
    return this.arrived();
  }

  async #checkFinite(step: number, lr: number): Promise<void> {
    const node = await this.program.firstNonFinite();
    if (node) throw new DescentError(`NaN or infinity at step ${step}, first in ${node} (learning rate ${lr}); lower --lr, clip gradients, or look at the data; the last checkpoint stays`);
  }

  /** Mean loss and accuracy over all images of a part. */
  async evaluate(part: Part): Promise<{ loss: number; accuracy: number }> {
    const { data, batchSize } = this.#o, size = data.size(part);
    check(size > 0, `evaluate: there are no ${part} images; give --val-split a share above 0`);
    const { program, totals } = await this.#evaluation(part), { buffer, offset } = program.locate(totals);
    for (let at = 0; at < size; at += batchSize) {
      program.run({ offset: at, valid: Math.min(batchSize, size - at) });
      if (at / batchSize % 16 === 15) await this.device.gpu.queue.onSubmittedWorkDone();
    }
    const [loss, correct] = new Float32Array(await this.device.read(buffer, offset, 16));
    this.device.gpu.queue.writeBuffer(buffer, offset, new Float32Array(2));
    this.#loggedAt = performance.now();
    return { loss: loss! / size, accuracy: correct! / size };
  }

  /** Parameters and buffers under their names. */
  weights(): Promise<Tensors> { return this.#readAll(this.#lasting()); }

  /** Sets parameters and buffers. Every tensor of the model must be there with its shape, and no other. */
  loadWeights(tensors: Tensors): void {
    const own = this.#lasting(), names = new Set(own.map(t => t.name));
    const missing = own.find(t => !Object.hasOwn(tensors, t.name));
    check(!missing, `weights: tensor '${missing?.name}' ${show(missing?.shape ?? [])} is missing; the file has ${Object.keys(tensors).slice(0, 8).join(', ')}${Object.keys(tensors).length > 8 ? ', …' : ''}`);
    const extra = Object.keys(tensors).find(n => !names.has(n) && !n.endsWith('num_batches_tracked'));
    check(!extra, `weights: tensor '${extra}' is not in this model; it is a checkpoint of another one, which has ${[...names].slice(0, 8).join(', ')}${names.size > 8 ? ', …' : ''} here`);
    for (const t of own) {
      const { shape, data } = tensors[t.name]!;
      check(show(shape) === show(t.shape), `weights: tensor '${t.name}' has shape ${show(shape)}, the model has ${show(t.shape)}; it is a checkpoint of another model or head`);
      this.memory.write(t, data);
    }
  }

  /** Optimizer state by parameter (`adam.m.conv1.weight`) and the counters that with it make a resumed run equal an uninterrupted one. */
  async state(): Promise<TrainerState> {
    await this.settle();
    const tensors: Tensors = {}, { rule, state: states } = this.#o.optimizer;
    for (const [page, { buffer, bytes }] of this.memory.layout.pages('param').entries()) {
      for (const state of states) {
        const all = await this.device.read(this.memory.buffers.get(stateBuffer(rule, state, page))!, 0, bytes);
        for (const { value } of this.#train.graph.params.values()) {
          const place = this.memory.place(value);
          if (place.buffer === buffer) tensors[`${rule.name}.${state}.${value.name}`] = { shape: value.shape, data: new Float32Array(all, place.offset, value.size).slice() };
        }
      }
    }
    return { tensors, counters: { steps: this.steps } };
  }

  loadState({ tensors, counters }: TrainerState): void {
    const { rule, state: states } = this.#o.optimizer, pages = this.memory.layout.pages('param').map(p => p.buffer);
    for (const state of states) for (const { value } of this.#train.graph.params.values()) {
      const name = `${rule.name}.${state}.${value.name}`, saved = tensors[name], place = this.memory.place(value);
      check(saved && saved.data.length === value.size, `optimizer state: '${name}' ${show(value.shape)} is missing or of another size; the checkpoint is of another optimizer or model`);
      this.device.gpu.queue.writeBuffer(this.memory.buffers.get(stateBuffer(rule, state, pages.indexOf(place.buffer)))!, place.offset, saved.data as Float32Array<ArrayBuffer>);
    }
    this.steps = this.#logged = counters.steps ?? 0;
    this.#epoch = -1;
  }

  /** Logits [size, classes] of the first `count` images of a part. */
  async logits(part: Part, count = this.#o.data.size(part)): Promise<Float32Array> {
    const { batchSize } = this.#o, { program, logits } = await this.#evaluation(part), classes = logits.shape[1]!;
    const out = new Float32Array(count * classes);
    for (let at = 0; at < count; at += batchSize) {
      program.run({ offset: at, valid: 0 });
      out.set((await program.read(logits)).subarray(0, Math.min(batchSize, count - at) * classes), at * classes);
    }
    return out;
  }

  get graph(): Graph { return this.#train.graph; }

  #lasting(): Tensor[] { return [...this.#train.graph.init.keys()].filter(t => t.role !== 'state'); }

  async #readAll(tensors: readonly Tensor[]): Promise<Tensors> {
    await this.settle();
    const pages = new Map<string, ArrayBuffer>(), out: Tensors = {};
    for (const t of tensors) {
      const { buffer, offset } = this.memory.place(t), gpu = this.memory.buffers.get(buffer)!;
      if (!pages.has(buffer)) pages.set(buffer, await this.device.read(gpu, 0, gpu.size));
      out[t.name] = { shape: t.shape, data: new Float32Array(pages.get(buffer)!, offset, t.size).slice() };
    }
    return out;
  }

  /** Frees all that the run holds on the device. */
  destroy(): void {
    this.program.destroy();
    for (const e of this.#evaluations.values()) void e.then(({ program }) => program.destroy(), () => undefined);
    this.memory.destroy();
    for (const b of this.#staging) b.destroy();
  }
}

interface BuiltGraph { readonly graph: Graph; readonly totals: Tensor; readonly logits: Tensor }

/** The graph of one program: gather, model, loss, and where it trains the backward pass. */
function build(o: TrainerOptions, part: Part, training: boolean): BuiltGraph {
  const graph = new Graph({ training, profile: o.device.profile, seed: o.seed });
  const source = o.data.source(graph, part, o.batchSize);
  const logits = o.model(graph, source.x);
  const classes = o.data.dataset.classes.length;
  check(logits.shape.length === 2 && logits.shape[1] === classes, `model: its output is ${show(logits.shape)}, expected [${o.batchSize}, ${classes}] for ${classes} classes; end it with dense(${classes})`);
  const totals = graph.lasting('state', `${part} totals`, [2]);
  if (!training) graph.kept.add(logits);
  const dlogits = crossEntropy(graph, logits, source.labels, totals, { smoothing: training ? o.smoothing : 0 });
  if (dlogits) graph.backward(logits, dlogits);
  return { graph, totals, logits };
}
