/** What moves the weights of a run: its optimizers and the schedule of their rate, made from a recipe once it is known how long an epoch is. */
import { optimizer } from '../../optim/optimizer.ts';
import { clipNorm, clipValue, ema, gradNoise, l1, lookahead, maxNorm, swa, weightDecay, type Piece } from '../../optim/pieces.ts';
import type { Schedule } from '../../optim/schedule.ts';
import { schedule } from '../../optim/schedules.ts';
import type { Recipe } from '../config/recipe.ts';
import type { Phase } from '../step/phases.ts';

/** The phases of a run: each optimizer, and for how many steps it trains (the last one to the end). */
export const phasesOf = (recipe: Recipe, stepsPerEpoch: number): Phase[] =>
  recipe.optimizers.map(({ epochs, ...method }) => {
    const ofFirstOrder = 'rule' in method;
    const around = ofFirstOrder ? piecesOf(recipe, stepsPerEpoch, 'weight_decay' in method.hyper) : [];
    return {
      optimizer: ofFirstOrder ? optimizer(method.rule, method.hyper, around, { decayBias: recipe.decayBias }) : method,
      ...(epochs !== undefined && { steps: epochs * stepsPerEpoch }),
    };
  });

/** What is done around a first-order rule, in this order; `decays` is whether the rule has a weight decay of its own in place of L2. */
function piecesOf(r: Recipe, stepsPerEpoch: number, decays: boolean): Piece[] {
  const epochs = Math.max(1, Math.floor(r.steps === undefined ? r.epochs : r.steps / stepsPerEpoch));
  const all = [
    r.clipNorm !== undefined && clipNorm(r.clipNorm),
    r.clipValue !== undefined && clipValue(r.clipValue),
    r.gradNoise > 0 && gradNoise(r.gradNoise),
    r.weightDecay > 0 && !decays && weightDecay(r.weightDecay),
    r.l1 > 0 && l1(r.l1),
    r.lookahead !== undefined && lookahead(r.lookahead),
    r.maxNorm !== undefined && maxNorm(r.maxNorm),
    r.ema !== undefined && ema(r.ema),
    r.swa !== undefined && swa(stepsPerEpoch * Math.min(epochs, Math.floor(r.swa * epochs) + 1), stepsPerEpoch),
  ];
  return all.filter(piece => piece !== false);
}

/** The schedule of a run of `total` updates; none where the rate is constant. Snapshots (Huang 2017) come from cosine cycles. */
export function scheduleOf({ optimizers, schedule: given, snapshots }: Recipe, total: number): Schedule | undefined {
  const course = { lr: optimizers[0]!.hyper.lr, total };
  if (snapshots !== undefined) return schedule('sgdr', { T_0: total / snapshots }, course);
  return given && schedule(given.name, given.options, course);
}
