/** What L-BFGS and BFGS do: full gradients, a curvature estimate from their changes, a line search along each direction. */
import { check } from '../engine/check.ts';
import type { Flat, Vector } from './flat.ts';
import { strongWolfe, type Point } from './line-search.ts';
import type { QuasiNewton } from './quasi-newton.ts';

/** Most parameters of bfgs: its matrix then takes 128 MB. */
const MOST_BFGS = 4000;

/** What one step did: the loss before it, evaluations of loss and gradient, and whether the weights moved. */
export interface QuasiNewtonStep {
  readonly loss: number;
  readonly evaluations: number;
  readonly moved: boolean;
}

/** The minimisation of one function of all parameters, step by step. */
export class Minimiser {
  #flat: Flat;
  #method: QuasiNewton;
  #curvature: Curvature;
  #d: Vector;
  #x: Vector;
  #last: Vector;
  #t = 0;
  #begun = false;

  /** `parameters` is their number, the gaps between tensors left out. */
  constructor(method: QuasiNewton, flat: Flat, parameters: number) {
    check(
      method.name !== 'bfgs' || parameters <= MOST_BFGS,
      `bfgs: the model has ${parameters} parameters, whose dense inverse Hessian has ${parameters}^2 values`,
      `take lbfgs, or a model of at most ${MOST_BFGS}`,
    );
    this.#flat = flat;
    this.#method = method;
    this.#curvature = method.name === 'lbfgs' ? new Pairs(flat, method.hyper.history!) : new Dense(flat);
    this.#d = flat.vector('direction');
    this.#x = flat.vector('start of the line');
    this.#last = flat.vector('last gradient');
  }

  /** All that later steps depend on, by name, nothing before the first; numbers of float64 as the bits of two float32. */
  async state(): Promise<Record<string, Float32Array>> {
    if (!this.#begun) return {};
    return {
      at: bits([this.#t]),
      direction: await this.#flat.read(this.#d),
      gradient: await this.#flat.read(this.#last),
      ...(await this.#curvature.state()),
    };
  }

  load(state: Readonly<Record<string, Float32Array>>): void {
    this.#begun = state.at !== undefined;
    if (!state.at) return;
    this.#t = numbers(state.at)[0]!;
    this.#flat.write(this.#d, state.direction as Float32Array<ArrayBuffer>);
    this.#flat.write(this.#last, state.gradient as Float32Array<ArrayBuffer>);
    this.#curvature.load(state);
  }

  /** One step. `evaluate` returns the loss at the present weights and leaves its gradient in flat.g; always of the same function. */
  async step(evaluate: () => Promise<number>, lr = this.#method.hyper.lr): Promise<QuasiNewtonStep> {
    const flat = this.#flat;
    const d = this.#d;
    const { tolerance_grad: still = 0, tolerance_change: shortest = 0 } = this.#method.hyper;
    const loss = await evaluate();
    const [size, length] = (await flat.reduce({ f: 'abs(a)', a: flat.g, max: true }, { f: 'abs(a)', a: flat.g })) as [number, number];
    if (!(size > still)) return { loss, evaluations: 1, moved: false };
    const fresh = this.#t === 0;
    if (!fresh) await this.#curvature.learn(d, this.#t, this.#last);
    await this.#curvature.direction(d);
    this.#begun = true;
    await flat.copy(this.#last, flat.g);
    const [slope, reach] = (await flat.reduce({ f: 'a * b', a: flat.g, b: d }, { f: 'abs(a)', a: d, max: true })) as [number, number];
    if (!(slope <= -shortest)) return { loss, evaluations: 1, moved: false };

    await flat.copy(this.#x, flat.w);
    let evaluations = 1;
    let at = 0;
    const go = async (t: number) => {
      await flat.map(flat.w, 'a + op.alpha * b', { a: this.#x, b: d, alpha: t });
      at = t;
    };
    const evaluateAt = async (t: number): Promise<Point> => {
      await go(t);
      evaluations++;
      const f = await evaluate();
      return { t, f, slope: await flat.dot(flat.g, d) };
    };
    const first = fresh ? Math.min(1, 1 / length) * lr : lr;
    const found = await strongWolfe({ t: 0, f: loss, slope }, first, evaluateAt, { shortest: shortest / reach });
    if (at !== found.t) await go(found.t);
    this.#t = found.t;
    return { loss, evaluations, moved: found.t !== 0 };
  }
}

/** What is known of the inverse Hessian. */
interface Curvature {
  /** Takes in a step t d and the change of the gradient since `last`. */
  learn(d: Vector, t: number, last: Vector): Promise<void>;
  /** d = -H g. */
  direction(d: Vector): Promise<void>;
  state(): Promise<Record<string, Float32Array>>;
  load(state: Readonly<Record<string, Float32Array>>): void;
}

/** Numbers of float64 as the bits of two float32, and back. */
export const bits = (values: ArrayLike<number>): Float32Array => new Float32Array(Float64Array.from(values).buffer);
export const numbers = (data: Float32Array): Float64Array => new Float64Array(data.slice().buffer);

/** The last pairs of steps s and gradient changes y; H by the two-loop recursion. All vectors stay on the device. */
class Pairs implements Curvature {
  #flat: Flat;
  #most: number;
  #pairs: { s: Vector; y: Vector; rho: number }[] = [];
  /** Vectors to be used again. */
  #spare: { s: Vector; y: Vector } | undefined;
  #scale = 1;

  constructor(flat: Flat, history: number) {
    this.#flat = flat;
    this.#most = history;
  }

  async learn(d: Vector, t: number, last: Vector): Promise<void> {
    const flat = this.#flat;
    const pair = this.#spare ?? { s: flat.vector('s'), y: flat.vector('y') };
    await flat.map(pair.s, 'op.alpha * a', { a: d, alpha: t });
    await flat.map(pair.y, 'a - b', { a: flat.g, b: last });
    const [ys, yy] = (await flat.reduce({ f: 'a * b', a: pair.y, b: pair.s }, { f: 'a * a', a: pair.y })) as [number, number];
    this.#spare = pair;
    if (!(ys > 1e-10)) return; // no curvature to learn from
    this.#pairs.push({ ...pair, rho: 1 / ys });
    this.#spare = this.#pairs.length > this.#most ? this.#pairs.shift() : undefined;
    this.#scale = ys / yy;
  }

  async direction(d: Vector): Promise<void> {
    const flat = this.#flat;
    const alphas: number[] = [];
    await flat.map(d, '-a', { a: flat.g });
    for (const { s, y, rho } of [...this.#pairs].reverse()) {
      const alpha = rho * (await flat.dot(s, d));
      alphas.unshift(alpha);
      await flat.map(d, 'y + op.alpha * a', { a: y, alpha: -alpha });
    }
    await flat.map(d, 'op.alpha * y', { alpha: this.#scale });
    for (const [i, { s, y, rho }] of this.#pairs.entries()) {
      const beta = rho * (await flat.dot(y, d));
      await flat.map(d, 'y + op.alpha * a', { a: s, alpha: alphas[i]! - beta });
    }
  }

  async state(): Promise<Record<string, Float32Array>> {
    const out: Record<string, Float32Array> = { scales: bits([this.#scale, ...this.#pairs.map(p => p.rho)]) };
    for (const [i, { s, y }] of this.#pairs.entries()) {
      out[`s${i}`] = await this.#flat.read(s);
      out[`y${i}`] = await this.#flat.read(y);
    }
    return out;
  }

  load(state: Readonly<Record<string, Float32Array>>): void {
    const flat = this.#flat;
    const [scale, ...rhos] = numbers(state.scales!);
    this.#scale = scale!;
    this.#pairs = rhos.map((rho, i) => {
      const pair = { s: flat.vector('s'), y: flat.vector('y'), rho };
      flat.write(pair.s, state[`s${i}`] as Float32Array<ArrayBuffer>);
      flat.write(pair.y, state[`y${i}`] as Float32Array<ArrayBuffer>);
      return pair;
    });
  }
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

/** The inverse Hessian itself, from gamma I on (Nocedal & Wright, equation 6.20). */
class Dense implements Curvature {
  #flat: Flat;
  #h: Float64Array | undefined;
  #n: number;

  constructor(flat: Flat) {
    this.#flat = flat;
    this.#n = flat.length;
  }

  async learn(d: Vector, t: number, last: Vector): Promise<void> {
    const flat = this.#flat;
    const n = this.#n;
    const g = await flat.read(flat.g);
    const g0 = await flat.read(last);
    const direction = await flat.read(d);
    const s = Float64Array.from(direction, v => v * t);
    const y = Float64Array.from(g, (v, i) => v - g0[i]!);
    const ys = dot(y, s);
    if (!(ys > 1e-10)) return; // no curvature to learn from
    let h = this.#h;
    if (!h) {
      h = this.#h = new Float64Array(n * n);
      const gamma = ys / dot(y, y);
      for (let i = 0; i < n; i++) h[i * n + i] = gamma;
    }
    // (I - s y'/ys) H (I - y s'/ys) + s s'/ys, multiplied out
    const hy = this.#times(h, y);
    const factor = (1 + dot(y, hy) / ys) / ys;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) h[i * n + j]! += factor * s[i]! * s[j]! - (hy[i]! * s[j]! + s[i]! * hy[j]!) / ys;
    }
  }

  async direction(d: Vector): Promise<void> {
    const g = Float64Array.from(await this.#flat.read(this.#flat.g));
    const product = this.#h ? this.#times(this.#h, g) : g;
    this.#flat.write(
      d,
      Float32Array.from(product, v => -v),
    );
  }

  async state(): Promise<Record<string, Float32Array>> {
    return this.#h ? { h: bits(this.#h) } : {};
  }

  load({ h }: Readonly<Record<string, Float32Array>>): void {
    this.#h = h && numbers(h);
  }

  #times(h: Float64Array, v: Float64Array): Float64Array {
    const n = this.#n;
    const out = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += h[i * n + j]! * v[j]!;
      out[i] = sum;
    }
    return out;
  }
}
