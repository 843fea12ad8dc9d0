/** What moves the weights of a run: its optimizers and the schedule of their rate, made from a recipe once it is known how long an epoch is. */
import { optimizer } from '../../optim/optimizer.ts';
import type { Schedule } from '../../optim/schedule.ts';
import { schedule } from '../../optim/schedules.ts';
import type { FirstOrder, Recipe } from '../config/recipe.ts';
import type { Phase } from '../step/phases.ts';

/** The phases of a run: each optimizer, and for how many steps it trains (the last one to the end). */
export function phasesOf({ optimizers, decayBias, ...recipe }: Recipe, stepsPerEpoch: number): Phase[] {
  const epochs = Math.max(1, Math.floor(recipe.steps === undefined ? recipe.epochs : recipe.steps / stepsPerEpoch));
  const pieces = (around: FirstOrder['around']) => around.map(piece => piece({ stepsPerEpoch, epochs }));
  return optimizers.map(({ epochs, ...method }) => ({
    optimizer: 'rule' in method ? optimizer(method.rule, method.hyper, pieces(method.around), { decayBias }) : method,
    ...(epochs !== undefined && { steps: epochs * stepsPerEpoch }),
  }));
}

/** The schedule of a run of `total` updates; none where the rate is constant. Snapshots (Huang 2017) come from cosine cycles. */
export function scheduleOf({ optimizers, schedule: given, snapshots }: Recipe, total: number): Schedule | undefined {
  const span = { lr: optimizers[0]!.hyper.lr, total };
  if (snapshots !== undefined) return schedule('sgdr', { T_0: total / snapshots }, span);
  return given && schedule(given.name, given.options, span);
}
