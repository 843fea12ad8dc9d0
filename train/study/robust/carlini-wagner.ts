/** The attack of Carlini & Wagner 2017 under the L2 norm: of each input the nearest one found that the net mistakes. */
import { margins, type Oracle } from './attacks.ts';

export interface L2Search {
  /** Updates by Adam for each weighing of the loss. */
  readonly steps: number;
  /** Weighings tried for each input, by bisection once one has led to a mistake. */
  readonly search: number;
  /** Adam's rate. */
  readonly lr: number;
  /** The first weighing. */
  readonly c: number;
  /** By how much the logit of another class is to exceed the label's. */
  readonly confidence: number;
  /** The range of inputs. */
  readonly low?: number;
  readonly high?: number;
}

/** Keeps atanh finite at the ends of the range, as the authors' code does. */
const WITHIN = 0.999999;
const [BETA1, BETA2, EPS] = [0.9, 0.999, 1e-8];

/**
 * The nearest inputs found that minimise |x' - x|^2 + c max(0, confidence - margin(x')), where c is searched for each input: ten times as much
 * after a failure, halfway back after a success. `oracle` gives the gradient of the mean margin (see margins). Inputs of which no mistake is
 * found are as they were.
 */
export async function carliniWagner(oracle: Oracle, x: Float32Array, labels: Uint32Array, o: L2Search): Promise<Float32Array> {
  const [n, width] = [labels.length, x.length / labels.length];
  const found = x.slice();
  const least = new Float64Array(n).fill(Infinity);
  const c = new Float64Array(n).fill(o.c);
  const [below, above] = [new Float64Array(n), new Float64Array(n).fill(Infinity)];
  for (let k = 0; k < o.search; k++) {
    const succeeded = new Uint8Array(n);
    for await (const { moved, margin } of descent(oracle, x, labels, c, o)) {
      for (const [i, by] of margin.entries()) {
        if (by <= 0 || by < o.confidence) continue;
        succeeded[i] = 1;
        const d = distance(moved, x, i, width);
        if (d >= least[i]!) continue;
        least[i] = d;
        found.set(moved.subarray(i * width, (i + 1) * width), i * width);
      }
    }
    for (let i = 0; i < n; i++) {
      if (succeeded[i]) above[i] = Math.min(above[i]!, c[i]!);
      else below[i] = Math.max(below[i]!, c[i]!);
      c[i] = above[i] === Infinity ? c[i]! * 10 : (below[i]! + above[i]!) / 2;
    }
  }
  return found;
}

/**
 * The way of Adam over w, x' = low + (high - low) (tanh w + 1) / 2, for one weighing `c` [n]: x' before each update and after the last, and
 * its margins.
 */
async function* descent(oracle: Oracle, x: Float32Array, labels: Uint32Array, c: Float64Array, o: L2Search) {
  const { low = 0, high = 1 } = o;
  const [n, width] = [labels.length, x.length / labels.length];
  const half = (high - low) / 2;
  const w = Float64Array.from(x, v => Math.atanh(((v - low) / half - 1) * WITHIN));
  const [m, v] = [new Float64Array(w.length), new Float64Array(w.length)];
  for (let t = 0; ; t++) {
    const moved = Float32Array.from(w, value => low + half * (Math.tanh(value) + 1));
    const margin = margins(await oracle.logits(moved), labels);
    yield { moved, margin };
    if (t === o.steps) return;
    const gradient = await oracle.gradient(moved, labels);
    const [first, second] = [1 - BETA1 ** (t + 1), 1 - BETA2 ** (t + 1)];
    for (let at = 0; at < w.length; at++) {
      const i = Math.floor(at / width);
      const pull = margin[i]! < o.confidence ? c[i]! * n * gradient[at]! : 0; // the gradient is that of the mean over inputs
      const d = (2 * (moved[at]! - x[at]!) - pull) * half * (1 - Math.tanh(w[at]!) ** 2);
      m[at] = BETA1 * m[at]! + (1 - BETA1) * d;
      v[at] = BETA2 * v[at]! + (1 - BETA2) * d * d;
      w[at]! -= (o.lr * (m[at]! / first)) / (Math.sqrt(v[at]! / second) + EPS);
    }
  }
}

/** The distance under L2 of input number `i` from where it was. */
export function distance(moved: Float32Array, x: Float32Array, i: number, width: number): number {
  let sum = 0;
  for (let at = i * width; at < (i + 1) * width; at++) sum += (moved[at]! - x[at]!) ** 2;
  return Math.sqrt(sum);
}
