/** Attacks that move each value of an input by at most epsilon (L-infinity), as functions of what tells the gradient. */
import type { Draw } from '../../../shaders/kernel/random.ts';

/** What an attack asks of a net, for inputs [n, …] and their labels [n]. */
export interface Oracle {
  /** The gradient by the inputs of the loss that is to grow, in their shape. Its scale does not count. */
  gradient(x: Float32Array, labels: Uint32Array): Promise<ArrayLike<number>>;
  /** Logits [n, classes]. */
  logits(x: Float32Array): Promise<ArrayLike<number>>;
}

/** The inputs that are allowed: at most `epsilon` from the given ones in each value, and from `low` to `high` (0 and 1 without them). */
export interface Ball {
  readonly epsilon: number;
  readonly low?: number;
  readonly high?: number;
}

export interface Iterations extends Ball {
  /** Gradients taken. */
  readonly steps: number;
  /** How far each moves every value; 2.5 epsilon / steps without it (Madry et al. 2018), so that any point of the ball can be reached. */
  readonly size?: number;
}

/** Inputs [n, …] in the ball around `x` that are nearest to `moved`. */
export function projected(moved: Float32Array, x: Float32Array, { epsilon, low = 0, high = 1 }: Ball): Float32Array {
  return moved.map((v, i) => Math.min(high, x[i]! + epsilon, Math.max(low, x[i]! - epsilon, v)));
}

/** Points drawn in the ball around `x`. */
export const drawnIn = (x: Float32Array, ball: Ball, draw: Draw): Float32Array =>
  projected(
    x.map(v => v + ball.epsilon * (2 * draw() - 1)),
    x,
    ball,
  );

/** Where a step of `size` along the signs of the gradient leads, within the ball around `x`. */
export function signStep(at: Float32Array, gradient: ArrayLike<number>, size: number, x: Float32Array, ball: Ball): Float32Array {
  const moved = at.map((v, i) => v + size * Math.sign(gradient[i]!));
  return projected(moved, x, ball);
}

/**
 * Expectation over transformation (Athalye et al. 2018) for nets that draw noise: gradients and logits are means over `draws` calls. Without
 * it noise hides the gradient, and an attack reports more robustness than there is.
 */
export function expected(oracle: Oracle, draws: number): Oracle {
  if (draws === 1) return oracle;
  const mean = async (call: () => Promise<ArrayLike<number>>) => {
    const sum = Float64Array.from(await call());
    for (let k = 1; k < draws; k++) {
      const next = await call();
      for (let i = 0; i < sum.length; i++) sum[i]! += next[i]!;
    }
    return sum.map(v => v / draws);
  };
  return {
    gradient: (x, labels) => mean(() => oracle.gradient(x, labels)),
    logits: x => mean(() => oracle.logits(x)),
  };
}

/** The fast gradient sign method (Goodfellow et al. 2015): exact where the loss is monotone in a linear function of the inputs. */
export const fgsm = async (oracle: Oracle, x: Float32Array, labels: Uint32Array, ball: Ball): Promise<Float32Array> =>
  signStep(x, await oracle.gradient(x, labels), ball.epsilon, x, ball);

/** Many small steps of it from `start`, the inputs themselves without one (Kurakin et al. 2017). */
export async function iterated(oracle: Oracle, x: Float32Array, labels: Uint32Array, ball: Iterations, start = x): Promise<Float32Array> {
  const { steps, size = (2.5 * ball.epsilon) / steps } = ball;
  let at = start;
  for (let k = 0; k < steps; k++) at = signStep(at, await oracle.gradient(at, labels), size, x, ball);
  return at;
}

/**
 * Projected gradient descent (Madry et al. 2018): iterated steps from points drawn in the ball, `restarts` times; of each input what the
 * net mistakes most is kept. With the gradient of the margin this is the attack of Carlini & Wagner 2017 under L-infinity, as Madry et al.
 * do it.
 */
export async function pgd(
  oracle: Oracle,
  x: Float32Array,
  labels: Uint32Array,
  { restarts = 1, draw, ...ball }: Iterations & { readonly restarts?: number; readonly draw: Draw },
): Promise<Float32Array> {
  const width = x.length / labels.length;
  const kept = x.slice();
  const most = new Float64Array(labels.length).fill(-Infinity);
  for (let k = 0; k < restarts; k++) {
    const found = await iterated(oracle, x, labels, ball, drawnIn(x, ball, draw));
    for (const [i, margin] of margins(await oracle.logits(found), labels).entries()) {
      if (margin <= most[i]!) continue;
      most[i] = margin;
      kept.set(found.subarray(i * width, (i + 1) * width), i * width);
    }
  }
  return kept;
}

/** By how much the largest logit of another class exceeds that of the label, for each row of logits [n, classes]: above 0 it is mistaken. */
export function margins(logits: ArrayLike<number>, labels: ArrayLike<number>): Float64Array {
  const classes = logits.length / labels.length;
  return Float64Array.from(labels, (label, i) => {
    let other = -Infinity;
    for (let c = 0; c < classes; c++) if (c !== label) other = Math.max(other, logits[i * classes + c]!);
    return other - logits[i * classes + label]!;
  });
}

/** The share of inputs whose label has the largest logit. */
export const accuracyOf = (logits: ArrayLike<number>, labels: ArrayLike<number>): number =>
  margins(logits, labels).filter(margin => margin < 0).length / labels.length;
