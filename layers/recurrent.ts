/** Recurrent layers: one cell at every step of a sequence, with the same weights, whose gradients are the sums over the steps. */
import { check, onlyOptions, show, type Known } from '../engine/check.ts';
import type { Graph, Layer } from '../engine/graph.ts';
import type { Tensor } from '../engine/tensor.ts';
import { readStep, readStepBackward } from '../shaders/move/steps.ts';
import { tanh } from './activation.ts';
import { add } from './broadcast.ts';
import { linear } from './dense.ts';
import { torchDefault } from './init.ts';
import { droppedStep, zoneout } from './noise.ts';

/** What `rnn` may have beside its units. */
export interface RnnOptions {
  /** Share of units whose state is dropped at each step, in what is passed on and in the output: it is gone for all steps to come. */
  dropout?: number;
  /** Share of units that keep the state of the step before (Krueger et al. 2016). */
  zoneout?: number;
}

const OPTIONS: Known<RnnOptions> = { dropout: true, zoneout: true };

/** Step `at` of a sequence [n, steps, c] as [n, c]; of images [n, c, steps, w], whose rows are steps, as [n, c w]. */
function stepOf(g: Graph, x: Tensor, at: number): Tensor {
  const [steps, width] = x.shape.slice(-2) as [number, number];
  const n = x.shape[0]!;
  const planes = x.size / steps / width;
  const y = g.tensor([n, (planes * width) / n]);
  const p = { planes, steps, width, at };
  g.run(readStep, p, { x, y });
  return g.record([x], y, dy => [g.gradientOf(x, dx => g.run(readStepBackward, p, { dy, dx }))], {
    onnx: (o, x0) => {
      const [from, to, axis] = [[at], [at + 1], [x.shape.length - 2]].map(o.integers);
      return o.node('Flatten', [o.node('Slice', [x0, from, to, axis])], { axis: 1 });
    },
  });
}

/**
 * Elman's recurrent layer (1990) as torch.nn.RNN with batch_first: h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh) from h = 0 on. A
 * sequence [n, steps, c], or images [n, c, steps, w] whose rows are steps, -> the last state [n, hidden]; weight_ih_l0 [hidden, c],
 * weight_hh_l0 [hidden, hidden], bias_ih_l0 and bias_hh_l0 [hidden].
 */
export const rnn =
  (hidden: number, options: RnnOptions = {}): Layer =>
  (g, x) => {
    onlyOptions(g.who('rnn'), options, OPTIONS);
    const { dropout = 0, zoneout: kept = 0 } = options;
    const { length } = x.shape;
    check(
      length === 3 || length === 4,
      `${g.who('rnn')}: input is ${show(x.shape)}`,
      'give sequences [batch, steps, values], or images [batch, channels, rows, columns]',
    );
    const steps = x.shape.at(-2)!;
    const first = torchDefault(hidden);
    const inputs = { ih: x.size / x.shape[0]! / steps, hh: hidden };
    const weight = (of: 'ih' | 'hh') => g.param(`weight_${of}_l0`, [hidden, inputs[of]], g.weights ?? first);
    const bias = (of: 'ih' | 'hh') => g.param(`bias_${of}_l0`, [hidden], g.biases?.(inputs[of]) ?? first);
    const weights = { ih: weight('ih'), hh: weight('hh') }; // PyTorch has the biases behind both weights
    const fromInput = { weight: weights.ih, bias: bias('ih') };
    const fromState = { weight: weights.hh, bias: bias('hh') };
    let state: Tensor | undefined;
    for (let t = 0; t < steps; t++) {
      // a weight is told of where it first multiplies what is not 0
      const own = linear(g, stepOf(g, x, t), fromInput, { facts: t === 0 ? { weight: fromInput.weight } : {} });
      state ??= zeros(g, own);
      const passed = linear(g, state, fromState, { facts: t === 1 ? { weight: fromState.weight } : {} });
      const next = tanh()(g, add(g, own, passed));
      state = zoneout(g, state, droppedStep(g, next, dropout, `dropout ${t}`), kept, `zoneout ${t}`);
    }
    check(state, `${g.who('rnn')}: the sequence has no steps (input ${show(x.shape)})`);
    return state;
  };

/** Zeros in the shape of x. */
const zeros = (g: Graph, x: Tensor): Tensor =>
  g.record([x], g.map('zero', x), () => [undefined], { onnx: (o, x) => o.node('Mul', [x, o.floats(0)]) });
