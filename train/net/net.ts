/** A model for a training loop by hand: outputs, gradients, updates, one call each. */
import { check, kindOf, named, onlyOptions, show, type Known } from '../../engine/check.ts';
import { Device } from '../../engine/device.ts';
import type { Graph, Layer } from '../../engine/graph.ts';
import { COUNT, describeRange, isWithin, SHARE } from '../../engine/range.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { product, type Shape } from '../../shaders/kernel/shape.ts';
import { Memory } from '../../engine/memory.ts';
import type { Program } from '../../engine/program.ts';
import { stateBuffer, type Optimizer } from '../../optim/optimizer.ts';
import { needsGradientAlone } from '../../optim/rule.ts';
import type { Rates } from '../../optim/schedule.ts';
import { withAverage } from '../evaluate/averaging.ts';
import { takeTotals } from '../evaluate/totals.ts';
import { writeWeights, type Loaded, type LoadOptions } from '../evaluate/match.ts';
import { inFiles, readTensors, savedOf } from '../evaluate/weights.ts';
import type { Tensors } from '../run/safetensors.ts';
import { updateProgram } from '../step/phases/phases.ts';
import { readRules, writeRules } from '../step/rule-state.ts';
import { checkPatterns } from '../tune/patterns.ts';
import {
  evaluating,
  evaluated,
  checkFreeze,
  frozenIn,
  patternsOf,
  training,
  type Built,
  type NetOptions,
  type Trained,
} from './programs.ts';
import { lengthOf, targetsFor, type Targets } from './targets.ts';

const NET_OPTIONS: Known<NetOptions> = {
  shape: true,
  batch: true,
  loss: true,
  inputGradient: 'boolean',
  seed: true,
  mode: true,
  freeze: true,
};

const BACKWARD_OPTIONS = { accumulate: 'boolean' } as const;
const UPDATE_OPTIONS = { mean: 'boolean' } as const;

const MODES: readonly NetOptions['mode'][] = ['training', 'evaluated', 'drawn'];

/** What a call of `backward` has found. */
export interface Backward {
  /** The mean over the batch. */
  readonly loss: number;
  /** Inputs whose largest output is that of their class. */
  readonly correct: number;
  /** The gradient of the mean loss by the inputs, in their shape, where it was asked for. */
  readonly inputGradient: Float32Array | undefined;
}

/** What a loop has beside the weights: tensors for `encodeSafetensors`, as `adam.m.fc1.weight`, and counts. */
export interface NetState {
  readonly tensors: Tensors;
  /** Calls so far that drew something, of `backward` or `forward`: dropout and the like draw by this number. */
  readonly steps: number;
  /** Of each rule that has moved the net its updates. */
  readonly updates: Readonly<Record<string, number>>;
}

/** An optimizer at work: its program, and the updates that it has made. */
interface Updating {
  readonly program: Program;
  updates: number;
}

/**
 * All calls wait for one another. After `destroy`, which frees all memory on the device, each throws; other models on the device go on.
 *
 *     const net = await Net.build(device, sequential([dense(32), relu(), dense(3)]), { shape: [4], batch: 16 });
 *     const adam = optimizer(rules.adam, { lr: 0.01 });
 *     for (const { x, y } of batches) {
 *       const { loss } = await net.backward(x, y);
 *       await net.update(adam);
 *     }
 */
export class Net {
  /** The shape of the output for one input. */
  readonly outputShape: Shape;
  #o: NetOptions;
  #model: Layer;
  #memory: Memory;
  #own: readonly Tensor[];
  #forward: Promise<Built> | undefined;
  #backward = new Map<string, Promise<Trained>>();
  #updating = new Map<Optimizer, Promise<Updating>>();
  /** The graph whose gradients are in memory. */
  #trained: Graph | undefined;
  /** Calls of `backward` whose gradients these are the sum of. */
  #summed = 1;
  /** The rule that has made its directions of the gradients in memory. */
  #spentBy: string | undefined;
  #steps = 0;
  /** What rules that have not moved the net yet go on from. */
  #before: NetState = { tensors: {}, steps: 0, updates: {} };

  private constructor(memory: Memory, model: Layer, o: NetOptions, own: readonly Tensor[], outputShape: Shape) {
    this.#memory = memory;
    this.#model = model;
    this.#o = o;
    this.#own = own;
    this.outputShape = outputShape;
  }

  /**
   * Draws first weights and puts them on the device. Throws where the layers do not take the shape; programs are compiled when first used.
   */
  static async build(device: Device, model: Layer, o: NetOptions): Promise<Net> {
    onlyOptions('Net.build', o, NET_OPTIONS);
    const { shape, batch, seed = 0, mode = 'training' } = o;
    check(device instanceof Device, `device: ${kindOf(device)} is none`, 'give what openDevice() returned');
    check(
      Array.isArray(shape) && shape.every(size => isWithin(size, COUNT)),
      `shape: it is ${Array.isArray(shape) ? show(shape) : kindOf(shape)}`,
      'give that of one input, as [1, 28, 28]',
    );
    check(isWithin(batch, COUNT), `batch: it is ${kindOf(batch)}`, 'give a whole number from 1 on');
    check(seed === 0 || isWithin(seed, COUNT), `seed: it is ${kindOf(seed)}`, 'give a whole number from 0 on');
    check(MODES.includes(mode), `mode: it is ${kindOf(mode)}`, `give one of ${MODES.join(', ')}`);
    checkFreeze(o);
    const memory = new Memory(device, frozenIn(o));
    try {
      const { graph, output } = evaluated(memory, model, o);
      checkPatterns(
        named('freeze'),
        patternsOf(o.freeze),
        savedOf(graph).map(t => inFiles(t).name),
      );
      memory.reserve(graph);
      memory.allocate(graph);
      return new Net(memory, model, o, savedOf(graph), output.shape.slice(1));
    } catch (error) {
      memory.destroy();
      throw error;
    }
  }

  get device(): Device {
    return this.#memory.device;
  }

  /** Bytes on the device. */
  get bytes(): number {
    return this.#memory.bytes;
  }

  /** The outputs [n, …] for any number of inputs [n, …], evaluated: dropout does nothing unless the mode is `drawn`, norms go by their running statistics. */
  forward(x: Float32Array): Promise<Float32Array> {
    const { batch, shape, mode = 'training' } = this.#o;
    const size = product(shape);
    const draws = mode !== 'training';
    check(
      x instanceof Float32Array && x.length % size === 0,
      `forward: got ${lengthOf(x)}`,
      `give a Float32Array of n times ${size} values`,
    );
    const inputs = x.slice(); // it may be written to while the call waits
    return this.#memory.inTurn(async () => {
      const { program, input, output } = await (this.#forward ??= evaluating(this.#memory, this.#model, this.#o));
      const wide = product(this.outputShape);
      const out = new Float32Array((inputs.length / size) * wide);
      const chunk = new Float32Array(batch * size);
      for (let at = 0; at * size < inputs.length; at += batch) {
        chunk.fill(0).set(inputs.subarray(at * size, (at + batch) * size));
        this.#memory.write(input, chunk);
        program.run(this.#values(draws ? ++this.#steps : 0));
        out.set((await program.read(output)).subarray(0, out.length - at * wide), at * wide);
      }
      return out;
    });
  }

  /**
   * Leaves the gradients of the mean loss of a batch in memory, or adds them to those there with `accumulate`; norms take the statistics of
   * the batch, and their running ones move. No weight changes.
   */
  backward(x: Float32Array, y: Targets, o: { readonly accumulate?: boolean } = {}): Promise<Backward> {
    onlyOptions('backward', o, BACKWARD_OPTIONS);
    const { accumulate = false } = o;
    const { batch, shape } = this.#o;
    const size = batch * product(shape);
    check(
      x instanceof Float32Array && x.length === size,
      `backward: got ${lengthOf(x)}`,
      `give a Float32Array of ${show([batch, ...shape])}`,
    );
    const targets = targetsFor(y, batch, this.outputShape);
    const inputs = x.slice();
    return this.#memory.inTurn(async () => {
      check(!accumulate || this.#trained, 'backward: there are no gradients to add to', 'call it without accumulate first');
      if (accumulate) this.#unspent('backward with accumulate');
      this.#spentBy = undefined;
      const { program, graph, input, ...tensors } = await this.#trainingOn(targets);
      this.#memory.write(input, inputs);
      this.#memory.write(tensors.targets, targets);
      program.run({ ...this.#values(++this.#steps), accumulate: accumulate ? 1 : 0 });
      this.#trained = graph;
      this.#summed = accumulate ? this.#summed + 1 : 1;
      const { loss, correct = 0 } = await takeTotals(program, tensors.totals);
      const inputGradient = tensors.inputGradient && (await program.read(tensors.inputGradient)).slice();
      return { loss: loss / batch, correct, inputGradient };
    });
  }

  /** The gradients in memory, under the names of the weights. */
  gradients(): Promise<Tensors> {
    return this.#memory.inTurn(() => readTensors(this.#memory, gradientsOf(this.#unspent('gradients'))));
  }

  /** Replaces gradients in memory, those that are given. Throws where one is of no weight, or of another shape. */
  setGradients(gradients: Tensors): Promise<void> {
    return this.#memory.inTurn(() => {
      const all = gradientsOf(this.#differentiated('setGradients'));
      check(typeof gradients === 'object' && gradients !== null, `setGradients: got ${kindOf(gradients)}`, 'give them as gradients() does');
      const unknown = Object.keys(gradients).find(name => !all.some(t => inFiles(t).name === name));
      const isFrozen = unknown !== undefined && this.#own.some(t => inFiles(t).name === unknown);
      check(!isFrozen, `setGradients: '${unknown}' is frozen, and has no gradient`, 'leave it out');
      check(unknown === undefined, `setGradients: no weight of the net is called '${unknown}'`, 'give some of what gradients() gives');
      const given = all.filter(t => Object.hasOwn(gradients, inFiles(t).name));
      writeWeights(this.#memory, given, gradients);
      if (given.length === all.length) this.#spentBy = undefined;
    });
  }

  /**
   * Moves the weights on the gradients in memory, by the optimizer's own learning rate, or by `lr`, a rate or what a schedule gives: on the sum
   * of those that were accumulated, or with `mean` on their mean, as where PyTorch's loss is divided by the number of batches. An optimizer's
   * state belongs to the net; it lasts as long as that. Gradients stay as they are, but for a rule that makes directions of them (muon): after
   * it there are none.
   */
  update(optimizer: Optimizer, lr: number | Rates = optimizer.hyper?.lr, o: { readonly mean?: boolean } = {}): Promise<void> {
    onlyOptions('update', o, UPDATE_OPTIONS);
    const rule = optimizer?.rule;
    check(
      rule && needsGradientAlone(rule),
      `optimizer: ${rule?.name ?? kindOf(optimizer)} is none for a loop by hand`,
      'give optimizer(rules.adam, { lr: 0.001 }) or another rule of the first order',
    );
    const rates = ratesIn(lr);
    return this.#memory.inTurn(async () => {
      const trained = this.#unspent('update');
      check(
        trained.params.size,
        'update: no weight of the net has a gradient',
        "build it in mode 'training', of layers with weights that are not frozen",
      );
      const others = [...this.#updating.keys()].filter(o => o !== optimizer && o.rule.name === optimizer.rule.name);
      check(
        !others.length,
        `update: another ${optimizer.rule.name} moves this net`,
        'make the optimizer once, and give lr to change its rate',
      );
      if (!this.#updating.has(optimizer)) this.#updating.set(optimizer, this.#compileUpdate(optimizer, trained));
      const updating = await this.#updating.get(optimizer)!;
      const t = ++updating.updates;
      updating.program.run({
        ...optimizer.values(t, rates.lr, rates.momentum, o.mean ? this.#summed : 1),
        seed: this.#o.seed ?? 0,
        step: t,
      });
      if (optimizer.rule.direction !== undefined) this.#spentBy = optimizer.rule.name;
    });
  }

  /**
   * Parameters and running statistics under their names, in PyTorch's layouts. Of an optimizer that keeps an average of the weights (`ema`,
   * `swa`, `asgd`) the parameters are that average, once there is one. Throws where `optimizer` keeps none, or has not moved the net.
   */
  weights(optimizer?: Optimizer): Promise<Tensors> {
    const read = () => readTensors(this.#memory, this.#own);
    return this.#memory.inTurn(async () => {
      if (optimizer === undefined) return read();
      const { rule, average } = optimizer;
      check(
        rule && average,
        `weights: ${rule?.name ?? kindOf(optimizer)} keeps no average`,
        'give optimizer(rule, options, [ema(0.999)])',
        'leave it out',
      );
      const updating = await this.#updating.get(optimizer);
      check(updating, `weights: this ${rule.name} has not moved the net`, 'give the optimizer that update() takes');
      if (updating.updates < average.from) return read();
      const kept = { buffer: (page: number) => stateBuffer(rule, average.state, page), refreshes: false };
      return withAverage(this.#memory, kept, async () => undefined, read);
    });
  }

  /** The states of all optimizers that have moved the net, and counts: with the weights all that a loop needs to go on to the bit. */
  state(): Promise<NetState> {
    return this.#memory.inTurn(async () => {
      const updates = { ...this.#before.updates };
      for (const [{ rule }, updating] of this.#updating) updates[rule.name] = (await updating).updates;
      const own = this.#trained ? await readRules(this.#memory, this.#trained, [...this.#updating.keys()]) : {};
      return { tensors: { ...this.#before.tensors, ...own }, steps: this.#steps, updates };
    });
  }

  /**
   * Goes on from what `state` gave, of a net of the same layers; the weights are for `load`. An optimizer of the same rule and pieces finds
   * its state when it moves the net, and throws then where that is another's.
   */
  loadState(state: NetState): Promise<void> {
    const { tensors, steps, updates }: Partial<NetState> = Object(state);
    const isState = typeof tensors === 'object' && typeof updates === 'object' && (steps === 0 || isWithin(steps, COUNT));
    check(isState, `loadState: got ${kindOf(state)}`, 'give what state() returned');
    return this.#memory.inTurn(async () => {
      for (const [optimizer, made] of this.#updating) {
        const own = updates[optimizer.rule.name];
        check(own, `loadState: ${optimizer.rule.name} has moved this net, and not the one of the state`, 'build the net again');
        writeRules(this.#memory, this.#trained!, [optimizer], tensors);
        (await made).updates = own;
      }
      this.#before = { tensors, steps, updates };
      this.#steps = steps;
    });
  }

  /** Sets them; `options` say what may be missing or called otherwise. States of optimizers stay. */
  load(tensors: Tensors, options?: LoadOptions): Promise<Loaded> {
    return this.#memory.inTurn(() => writeWeights(this.#memory, this.#own, tensors, options));
  }

  /** Frees all that it holds on the device. */
  destroy(): void {
    this.#memory.destroy();
  }

  /** The graph of which `backward` has left gradients in memory. */
  #differentiated(who: string): Graph {
    check(this.#trained, `${who}: there are no gradients`, 'call backward first');
    return this.#trained;
  }

  /** The same, where they are still gradients. */
  #unspent(who: string): Graph {
    const graph = this.#differentiated(who);
    check(!this.#spentBy, `${who}: ${this.#spentBy} has made its directions of the gradients`, 'call backward', 'give all to setGradients');
    return graph;
  }

  /** Step values of a program. */
  #values(step: number): Record<string, number> {
    return { seed: this.#o.seed ?? 0, step, epoch: 0, valid: this.#o.batch };
  }

  /** The program that computes gradients for targets of this kind, compiled once. */
  #trainingOn(targets: Float32Array | Uint32Array): Promise<Trained> {
    const { batch } = this.#o;
    const shape = targets instanceof Uint32Array ? [batch] : [batch, targets.length / batch];
    const key = show(shape);
    let made = this.#backward.get(key);
    if (!made) this.#backward.set(key, (made = training(this.#memory, this.#model, this.#o, shape)));
    return made;
  }

  async #compileUpdate(optimizer: Optimizer, graph: Graph): Promise<Updating> {
    const { tensors, updates } = this.#before;
    const program = await updateProgram(optimizer, this.#memory, graph, { summed: true });
    const made = updates[optimizer.rule.name] ?? 0;
    if (made) writeRules(this.#memory, graph, [optimizer], tensors);
    return { updates: made, program };
  }
}

/** The rates of an update. Throws where these are none, or are of several batches. */
function ratesIn(given: number | Rates): Rates {
  const { lr, momentum, batches = 1 }: Partial<Rates> = typeof given === 'number' ? { lr: given } : Object(given);
  check(Number.isFinite(lr), `lr: it is ${kindOf(given)}`, 'give a number, or what at() of a schedule gives');
  check(momentum === undefined || isWithin(momentum, SHARE), `momentum: it is ${kindOf(momentum)}`, `give ${describeRange(SHARE)}`);
  check(batches === 1, `batches: an update is to be of ${batches}`, 'accumulate so many, and give their rate alone with { mean: true }');
  return { lr: lr!, ...(momentum !== undefined && { momentum }) };
}

const gradientsOf = (graph: Graph): Tensor[] => Array.from(graph.params.values(), p => p.grad);
