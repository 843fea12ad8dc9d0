/** The optimizers of a run, one after another. */
import { optimizer } from '../../optim/optimizer.ts';
import type { FirstOrder } from '../config/optimizers.ts';
import type { Recipe } from '../config/recipe.ts';
import type { Phase } from '../step/phases/phase.ts';
import type { Tuning } from '../tune/tuning.ts';
import { stepsOf } from './rates.ts';

/** The phases of a run: each optimizer, and for how many steps it trains (the last one to the end). */
export function phasesOf({ optimizers, decayBias, ...recipe }: Recipe, stepsPerEpoch: number, { lr, decay }: Tuning = {}): Phase[] {
  const total = stepsOf(recipe, stepsPerEpoch);
  const epochs = Math.max(1, Math.floor(total / stepsPerEpoch));
  let start = 0;
  return optimizers.map(({ epochs: own, ...method }) => {
    const before = start;
    const steps = own === undefined ? total - before : own * stepsPerEpoch;
    start += steps;
    const groups = { decayBias, lr, decay, epochsBefore: (t: number) => (before + t - 1) / stepsPerEpoch };
    const pieces = (around: FirstOrder['around']) => around.map(piece => piece({ stepsPerEpoch, epochs, steps }));
    return {
      optimizer: 'rule' in method ? optimizer(method.rule, method.hyper, pieces(method.around), groups) : method,
      ...(own !== undefined && { steps }),
    };
  });
}
