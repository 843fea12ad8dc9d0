/** The static graph of a net: its layers, their ops in order, and the gradients. */
import { elementwise, type Elementwise } from '../shaders/kernel/elementwise.ts';
import type { Gradient } from '../shaders/kernel/gradient.ts';
import type { Bindings, Kernel, Profile } from '../shaders/kernel/kernel.ts';
import { streamOf } from '../shaders/kernel/random.ts';
import type { BuiltLayer, LayerFacts } from './built-layer.ts';
import { check, kindOf, show } from './check.ts';
import type { Op, Pass, Tensors } from './op.ts';
import { COUNT, isWithin } from './range.ts';
import type { Init, Traits, Param, Role, Tensor } from './tensor.ts';
import { product, type Shape } from '../shaders/kernel/shape.ts';

/** Turns the gradient of an output into those of the inputs, undefined where nobody wants one. */
export type Vjp = (dy: Tensor) => (Tensor | undefined)[];

/** What `backward` needs of one recorded function. */
interface Recorded {
  inputs: readonly Tensor[];
  output: Tensor;
  vjp: Vjp;
  path: string[];
}

/** A layer adds its ops to the graph and returns its output. */
export interface Layer {
  (g: Graph, x: Tensor): Tensor;
  /** Of layers one after another each by the name of its scope: a net can be cut between two of them (see cutBefore). */
  readonly stages?: Readonly<Record<string, Layer>> | undefined;
}

/** Whether the parameter or buffer of a name is frozen: it keeps its values while a graph trains. */
export type Frozen = (name: string) => boolean;

/** Tensors, each view as the one whose values it is. */
class Owners extends Set<Tensor> {
  override add(t: Tensor): this {
    return super.add(t.base ?? t);
  }
}

/** The static graph: a list of ops in order, and the tape that `backward` turns into more ops. */
export class Graph {
  readonly ops: Op[] = [];
  readonly tensors: Tensor[] = [];
  /** Parameters and buffers in order of creation, with their first values. */
  readonly init = new Map<Tensor, Init>();
  /** Those that are trained. */
  readonly params = new Map<string, Param>();
  /** Those that are not. */
  readonly frozenParams = new Map<string, Param>();
  /** In the order in which they were built. */
  readonly layers: BuiltLayer[] = [];
  /** Layers that take another's output by a bare view, which passes no gradient on (see passes/reached.ts). */
  readonly cuts: string[] = [];
  /** Outputs that are trained on the labels beside the model's own, and how much the loss of each counts. */
  readonly auxiliary: { readonly logits: Tensor; readonly share: number }[] = [];
  /** Tensors whose content is wanted after a step: they keep a place of their own. */
  readonly kept: Set<Tensor> = new Owners();
  /** Gradients of parameters that move no more: they keep their values, and what is for them alone is not computed. */
  readonly unwanted: Set<Tensor> = new Owners();
  readonly training: boolean;
  /**
   * Whether gradients are asked for: always where it trains. A net that does not train has them by its inputs alone, and what it draws in
   * evaluation is drawn anew at each step then.
   */
  readonly differentiates: boolean;
  readonly profile: Profile;
  /** Seeds the first values of parameters. */
  readonly seed: number;
  /** The share of the way that running statistics move towards those of a batch, in place of each layer's own. */
  readonly momentum: number | undefined;
  /** First values of the weights of convolutions and dense layers, in place of each layer's own. */
  readonly weights: Init | undefined;
  /** Those of their biases, by the inputs of each unit. */
  readonly biases: ((fanIn: number) => Init) | undefined;
  #frozen: Frozen;
  #path: string[] = [];
  #pass: Pass = 'forward';
  #scaled = false;
  #tape: Recorded[] = [];
  #differentiable = new Set<Tensor>();
  /** The values of those, under whatever shape. */
  #reached = new Owners();
  /** Views that are to pass no gradient on. */
  #detached = new Set<Tensor>();
  #written = new Set<Tensor>();
  #named = new Map<string, Tensor>();
  /** The streams of random words that were asked for. */
  #streams = new Set<string>();
  /** The names of the parameters that what is being built takes, where someone asks. */
  #taken: Set<string> | undefined;

  constructor({
    training,
    differentiates = training,
    profile,
    seed = 0,
    momentum,
    weights,
    biases,
    frozen = () => false,
  }: {
    training: boolean;
    differentiates?: boolean;
    profile: Profile;
    seed?: number;
    momentum?: number;
    weights?: Init;
    biases?: (fanIn: number) => Init;
    frozen?: Frozen;
  }) {
    this.training = training;
    this.differentiates = differentiates;
    this.profile = profile;
    this.seed = seed;
    this.momentum = momentum;
    this.weights = weights;
    this.biases = biases;
    this.#frozen = frozen;
  }

  /** The layer being built, as its parameters are named: `layer1.0.conv1`. */
  get path(): string {
    return this.#path.join('.');
  }

  /** The layer being built, as messages name it: `conv2d layer1.0.conv1`. */
  who(layer: string): string {
    return this.path ? `${layer} ${this.path}` : layer;
  }

  /**
   * The stream of random words of the layer being built, `what` being that for which it draws them where it draws several. Who asks again
   * under the same name, as a layer that is applied twice, has another one: two masks of a dropout are independent.
   */
  stream(what?: string): number {
    let name = what === undefined ? this.path : `${this.path} ${what}`;
    while (this.#streams.has(name)) name += ' 1';
    this.#streams.add(name);
    return streamOf(name);
  }

  /** A new tensor of float32 values, which some kernel is to write. */
  tensor(shape: Shape, role: Role = 'activation', name = `t${this.tensors.length}`, traits?: Traits): Tensor {
    const full = [...this.#path, name].join('.');
    check(
      shape.every(size => isWithin(size, COUNT)),
      `${full}: its shape is [${shape.map(kindOf).join(', ')}]`,
      'sizes are whole numbers above 0',
    );
    return this.#add({ name: full, shape, size: product(shape), role, ...traits });
  }

  #add(t: Tensor): Tensor {
    this.tensors.push(t);
    return t;
  }

  /** The persistent tensor called `name` in this scope; a second call with the same name is the same tensor, and asks for the same shape. */
  persistent(role: Exclude<Role, 'activation'>, name: string, shape: Shape, init?: Init, traits?: Traits): Tensor {
    const key = `${role} ${[...this.#path, name].join('.')}`;
    let t = this.#named.get(key);
    if (!t) {
      this.#named.set(key, (t = this.tensor(shape, role, name, traits)));
      if (init) this.init.set(t, init);
    }
    check(
      show(t.shape) === show(shape),
      `${t.name}: its shape is ${show(t.shape)} in one layer and ${show(shape)} in another`,
      'give each a name of its own, by sequential or named',
    );
    return t;
  }

  /** A trained tensor, with a place of the same shape for its gradient, which lasts unless it is frozen. */
  param(name: string, shape: Shape, init: Init, traits?: Traits): Param {
    const value = this.persistent('param', name, shape, init, { isMatrix: shape.length > 1, ...traits });
    this.#taken?.add(value.name);
    const isFrozen = this.isFrozen(value);
    const all = isFrozen ? this.frozenParams : this.params;
    const known = all.get(value.name);
    if (known) return known;
    const grad = isFrozen ? this.tensor(shape, 'activation', `${name} gradient`) : this.persistent('grad', name, shape, undefined, traits);
    const made = { value, grad, path: this.path };
    all.set(value.name, made);
    return made;
  }

  /** A trained tensor in parts of at most `most` of its rows, each as `param` makes them; its first values are those that it has as one. */
  paramRows(name: string, shape: Shape, init: Init, most: number): Param[] {
    const [count, ...row] = shape as [number, ...number[]];
    const whole = [...this.#path, name].join('.');
    const parts = Math.ceil(count / most);
    let values: Float32Array | undefined;
    return Array.from({ length: parts }, (_, i) => {
      const first = i * most;
      const own = [Math.min(most, count - first), ...row];
      const ofWhole: Init = (_shape, _name, seed) => {
        values ??= init(shape, whole, seed);
        const at = first * product(row);
        const drawn = values.subarray(at, at + product(own));
        if (i === parts - 1) values = undefined;
        return drawn;
      };
      return this.param(`${name}.rows${first}`, own, ofWhole, { rows: { name: whole, shape, first } });
    });
  }

  /** Whether a parameter or buffer is to keep its values. */
  isFrozen({ name }: Tensor): boolean {
    return this.#frozen(name);
  }

  /** All that lies in one page of parameters, gradients or states as one flat tensor, so that an optimizer is one dispatch. */
  whole(role: Role, buffer: string, bytes: number): Tensor {
    return this.#add({ name: buffer, shape: [bytes / 4], size: bytes / 4, role, whole: buffer });
  }

  /** What `build` makes is named under `name`. */
  scope<T>(name: string, build: () => T): T {
    this.#path.push(name);
    try {
      return build();
    } finally {
      this.#path.pop();
    }
  }

  /** What `build` makes, and the names of the parameters that it takes, new ones and others. */
  taking<T>(build: () => T): readonly [made: T, names: ReadonlySet<string>] {
    const outer = this.#taken;
    const names = (this.#taken = new Set<string>());
    const made = build();
    this.#taken = outer;
    for (const name of names) outer?.add(name);
    return [made, names];
  }

  /** Makes the parameters and buffers of what `build` makes, and nothing else of it. */
  declare(build: () => void): void {
    const lists: unknown[][] = [this.ops, this.layers, this.#tape];
    const lengths = lists.map(list => list.length);
    build();
    lists.forEach((list, i) => list.splice(lengths[i]!));
  }

  /** Adds a kernel call. */
  run<P, B extends Bindings>(kernel: Kernel<P, B>, params: P, tensors: Tensors<B>): void {
    const given = tensors as Record<string, Tensor | undefined>;
    const bound = Object.keys(kernel.bindings)
      .filter(n => given[n])
      .map(n => [n, given[n]!.base ?? given[n]!] as const);
    this.ops.push({
      kernel,
      params,
      tensors: Object.fromEntries(bound),
      path: this.path,
      pass: this.#pass,
      ...(this.#scaled && { scaled: true }),
    });
  }

  /** y = f(v) or f(v, a), elementwise. `f` is WGSL over `v`, `a`, `zero`, `one`. */
  map(f: string, v: Tensor, a?: Tensor): Tensor {
    return this.#elementwise({ n: v.size, f }, v, a);
  }

  /** a + b, elementwise. */
  sum(a: Tensor, b: Tensor): Tensor {
    return this.#elementwise({ n: a.size, f: 'v + a', symmetric: true }, a, b);
  }

  #elementwise(params: Elementwise, v: Tensor, a: Tensor | undefined): Tensor {
    if (a) this.#sameSize(params.f, v, a.shape);
    const y = this.tensor(v.shape);
    this.run(elementwise, params, { v, a, y });
    return y;
  }

  /** The same values under another shape, at no cost. What is done to them passes no gradient on to `t`, as `reshape` does. */
  view(t: Tensor, shape: Shape): Tensor {
    this.#sameSize('view', t, shape);
    const view = { ...t, shape, base: t.base ?? t };
    if (this.#detached.has(t)) this.#detached.add(view);
    return view;
  }

  /** The same values as a constant: no gradient passes on to `t` from here. */
  detach(t: Tensor): Tensor {
    const view = this.view(t, t.shape);
    this.#detached.add(view);
    return view;
  }

  #sameSize(who: string, t: Tensor, shape: Shape): void {
    check(product(shape) === t.size, `${this.who(who)}: ${show(t.shape)} and ${show(shape)} hold different numbers of values`);
  }

  /**
   * A layer from `inputs` to `output`. `vjp` says how the gradient of its output becomes those of its inputs; `backward` calls it while it
   * builds, in reverse. A layer that leaves its values as they are gives a view of its input.
   */
  record(inputs: readonly Tensor[], output: Tensor, vjp: Vjp, facts: LayerFacts = {}): Tensor {
    check(
      !inputs.includes(output),
      `${this.who('record')}: the output is an input`,
      'give g.view(x, x.shape) where values stay as they are',
    );
    const isCut = (x: Tensor) => x.base && !this.#differentiable.has(x) && !this.#detached.has(x) && this.#reached.has(x.base);
    if (inputs.some(isCut)) this.cuts.push(this.path);
    this.#tape.push({ inputs, output, vjp, path: [...this.#path] });
    this.#differentiable.add(output);
    this.#reached.add(output);
    if (!output.base) this.layers.push({ path: this.path, inputs, output, ...facts }); // a view computes nothing
    return output;
  }

  /** The gradient of `x`, which `write` stores, or undefined where nobody wants it: before the first layer nothing is trained. */
  gradientOf(x: Tensor, write: (dx: Tensor) => void): Tensor | undefined {
    if (!this.#differentiable.has(x)) return undefined;
    const dx = this.tensor(x.shape);
    write(dx);
    return dx;
  }

  /** How the next kernel call writes `grad`. */
  gradient(grad: Tensor): Gradient {
    const first = !this.#written.has(grad);
    this.#written.add(grad);
    return first ? 'first' : 'more';
  }

  /**
   * Builds the backward pass from the gradient of `output`, adding up where a tensor was used more than once. Returns the gradients of all
   * tensors that have one. `scale` multiplies that first gradient where the loss is scaled, and those of `others`, outputs beside it.
   */
  backward(
    output: Tensor,
    dy: Tensor,
    scale?: (dy: Tensor) => Tensor,
    others: readonly (readonly [output: Tensor, dy: Tensor])[] = [],
  ): ReadonlyMap<Tensor, Tensor> {
    this.#pass = 'backward';
    this.#scaled = scale !== undefined;
    const grads = new Map([[output, dy] as const, ...others].map(([output, dy]) => [output, scale ? scale(dy) : dy]));
    for (const { inputs, output, vjp, path } of this.#tape.reverse()) {
      const dy = grads.get(output);
      if (!dy) continue; // nothing downstream used it
      const before = this.#path;
      this.#path = path;
      const gradients = vjp(dy);
      check(
        Array.isArray(gradients) && gradients.length <= inputs.length,
        `${this.who('record')}: its vjp returned ${kindOf(gradients)}`,
        `give an array of ${inputs.length} gradients, one for each input`,
      );
      gradients.forEach((dx, i) => {
        if (!dx) return;
        this.#sameSize('gradient', inputs[i]!, dx.shape);
        const earlier = grads.get(inputs[i]!);
        grads.set(inputs[i]!, earlier ? this.sum(earlier, dx) : dx);
      });
      this.#path = before;
    }
    this.#pass = 'update';
    this.#scaled = false;
    return grads;
  }
}
