/** LSGD: the last layer of a net solved for, the others by Adam. */
import { number } from '../engine/parameter.ts';
import { AT_LEAST_0, COUNT } from '../engine/range.ts';
import { adam } from './adaptive.ts';
import { rule } from './rule.ts';

/**
 * Cyr, Gulian, Patel, Perego, Trask 2020: the last dense layer holds the coefficients of a basis that the layers before it compute. Before the
 * first step and after every `every`-th it is solved for on all training samples, of a regression by least squares, of classes by Newton
 * steps on the cross-entropy (Patel et al. 2020); what Adam makes of it in between is overwritten.
 */
export const lsgd = rule({
  ...adam,
  name: 'lsgd',
  about: 'The last layer by least squares, of classes by Newton’s method; the others by Adam.',
  formula: 'c ← argmin ‖A(w) c − y‖² + λn‖c‖²;  w as Adam',
  solves: true,
  hyper: {
    ...adam.hyper,
    every: number(1, 'steps between two solutions', COUNT),
    ridge: number(0, 'L2 penalty of the solution, of the mean loss', AT_LEAST_0),
    newton: number(2, 'Newton steps of a solution for classes', COUNT),
  },
});
