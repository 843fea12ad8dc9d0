/** Muon: steps along directions whose matrices are made orthogonal; what makes them so is in orthogonal.ts, loaded by runs that take it. */
import { number } from '../engine/parameter.ts';
import { COUNT, POSITIVE, SHARE } from '../engine/range.ts';
import { decoupledDecay } from './pieces.ts';
import { learningRate, rule, toggle } from './rule.ts';

/**
 * Jordan et al. 2024, as torch.optim.Muon (nesterov=True, adjust_lr_fn 'original'): the direction of Nesterov's momentum, of each matrix the
 * nearest orthogonal one U Vᵀ of its U S Vᵀ, about: `ns_steps` Newton-Schulz iterations leave singular values between 0.7 and 1.2. Its step
 * is longer by √(rows / columns) where that is above 1. A matrix is a parameter of two dimensions or more, an output a row, but for the net's
 * last, which with all others (biases, of normalisation) moves along the direction itself, as by nesterov. `normalize` brings each matrix to
 * the norm √rows before each step, as Jordan's CIFAR-10 runs do: for nets whose normalisation takes the scale out again.
 */
export const muon = rule({
  name: 'muon',
  about:
    'Steps by orthogonal matrices: all directions of a layer move alike (Muon); biases and the last layer by Nesterov at the same rate.',
  formula: 'v ← μ v + g;  U S Vᵀ = g + μ v;  W ← (1 − ηλ) W − η U Vᵀ',
  state: ['v'],
  cycled: 'momentum',
  hyper: {
    lr: learningRate(0.02),
    momentum: number(0.95, 'share of the last step that is kept', SHARE),
    momentum_beside: number(0.9, 'momentum of what is not made orthogonal', SHARE),
    weight_decay: number(0.01, 'decoupled pull to 0'),
    ns_steps: number(5, 'Newton-Schulz iterations', COUNT),
    eps: number(1e-7, 'least norm of a direction that is divided by', POSITIVE),
    normalize: toggle('each matrix has the norm √rows before each step'),
  },
  beside: ({ momentum_beside }) => ({ momentum: momentum_beside }),
  pieces: ({ weight_decay }) => [decoupledDecay(weight_decay)],
  // what is at rest finds in the next step as its gradient what is left here, and so none
  direction: `
    v = op.momentum * v + g;
    g = select(g + op.momentum * v, vec4f(0.0), op.lr == 0.0);`,
  update: 'w -= op.lr * g;',
});
