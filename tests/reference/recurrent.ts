/** A recurrent layer in float64. */
import type { Numbers } from './linear.ts';

export interface Sequence {
  n: number;
  steps: number;
  c: number;
  hidden: number;
  /** What becomes of a state: unit `i` of all n * hidden at step t, whose value was `before`. */
  change?: (next: number, before: number, i: number, t: number) => number;
}

/** x [n, steps, c] -> the last state [n, hidden] of h = tanh(W_ih x + b_ih + W_hh h + b_hh), which begins at 0. */
export function rnn(x: Numbers, params: Readonly<Record<string, Numbers>>, s: Sequence): Float64Array {
  const { n, steps, c, hidden, change = next => next } = s;
  const { weight_ih_l0: ih, weight_hh_l0: hh, bias_ih_l0: bi, bias_hh_l0: bh } = params as Record<string, Numbers>;
  let state = new Float64Array(n * hidden);
  for (let t = 0; t < steps; t++) {
    state = state.map((before, i) => {
      const [row, unit] = [Math.floor(i / hidden), i % hidden];
      let sum = bi![unit]! + bh![unit]!;
      for (let j = 0; j < c; j++) sum += ih![unit * c + j]! * x[(row * steps + t) * c + j]!;
      for (let j = 0; j < hidden; j++) sum += hh![unit * hidden + j]! * state[row * hidden + j]!;
      return change(Math.tanh(sum), before, i, t);
    });
  }
  return state;
}
