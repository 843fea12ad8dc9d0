/** The rates of a run: its schedule, and before it begins how they go by its steps. */
import { schedule } from '../../optim/schedules.ts';
import type { Schedule } from '../../optim/schedule.ts';
import type { Recipe } from '../config/recipe.ts';
import { scaledRates } from '../distribute/lr-scaling.ts';
import type { OptionsOf } from '../distribute/methods.ts';

/**
 * The schedule of a run of `total` updates; none where the rate is constant. Snapshots (Huang 2017) come from cosine cycles. Rates are
 * scaled where a distribution says for which batch they are.
 */
export function scheduleOf(recipe: Recipe, total: number, stepsPerEpoch = Infinity): Schedule | undefined {
  const { optimizers, schedule: given, snapshots, distribute, batchSize } = recipe;
  const { lr } = optimizers[0]!.hyper;
  const span = { lr, total };
  const own = (): Schedule | undefined => {
    if (snapshots !== undefined) return schedule('sgdr', { T_0: total / snapshots }, span);
    return given && schedule(given.name, given.options, span);
  };
  if (distribute?.name !== 'sync' || !distribute.options.reference) return own();
  const { reference, warmup } = distribute.options as OptionsOf<'sync'>;
  return scaledRates(own(), lr, batchSize / reference, warmup * stepsPerEpoch);
}

/** Updates of a whole run. */
export const stepsOf = ({ steps, epochs }: Pick<Recipe, 'steps' | 'epochs'>, stepsPerEpoch: number): number =>
  steps ?? epochs * stepsPerEpoch;

/** An optimizer of a run, and the steps that are its own: from the one after `from` to `to`. */
export interface Stretch {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** The learning rate of a run by its steps, from 1 to `total`. */
export interface RateCurve {
  readonly total: number;
  readonly stretches: readonly Stretch[];
  rateAt(step: number): number;
}

/** Of a recipe on so many training images, before it begins: a schedule that follows the loss stays where it starts. */
export function rateCurve(recipe: Recipe, images: number): RateCurve {
  const { batchSize, optimizers } = recipe;
  const stepsPerEpoch = Math.floor(images / batchSize);
  const total = stepsOf(recipe, stepsPerEpoch);
  const from = (after: number, of: Recipe) => ({ after, rates: scheduleOf(of, total, stepsPerEpoch), lr: of.optimizers[0]!.hyper.lr });
  const stages = [from(0, recipe), ...(recipe.changes ?? []).map(change => from(change.after, { ...recipe, ...change }))];
  let begun = 0;
  const stretches = optimizers.map(({ name, hyper, epochs }) => {
    const stretch = { name, hyper, from: begun, to: epochs === undefined ? total : Math.min(total, begun + epochs * stepsPerEpoch) };
    begun = stretch.to;
    return stretch;
  });
  return {
    total,
    stretches: stretches.filter(stretch => stretch.to > stretch.from),
    rateAt(step) {
      const at = stretches.findIndex(({ to }) => step <= to);
      const { rates, lr } = stages.findLast(({ after }) => after < step)!;
      return at > 0 ? stretches[at]!.hyper.lr! : rates ? rates.at(step - 1).lr : lr;
    },
  };
}
