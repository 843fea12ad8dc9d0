/** What a recipe asks for, and a run of its length and its held-out images could not do: said before it trains. */
import { counted } from '../../engine/counted.ts';
import { check, named, say } from '../../engine/check.ts';
import type { Recipe } from './recipe.ts';

export interface Feasibility {
  /** Without it what depends on the steps of an epoch is not checked. */
  readonly stepsPerEpoch?: number;
  /** Whether images are held out for validation; by the recipe's share where it is not said. */
  readonly heldOut?: boolean;
}

/** Throws where a part of the recipe would never come to act. */
export function checkFeasible(recipe: Recipe, { stepsPerEpoch, heldOut = recipe.valSplit > 0 }: Feasibility = {}): void {
  const { schedule, earlyStop, steps } = recipe;
  const share = say`give a larger ${named('valSplit')}`;
  check(
    heldOut || schedule?.name !== 'plateau',
    say`${named('schedule')} plateau: no images are held out whose loss it could follow`,
    share,
    'another schedule',
  );
  check(heldOut || !earlyStop, say`${named('earlyStop')}: no images are held out for validation`, share);
  const length = steps === undefined ? recipe.epochs : steps / (stepsPerEpoch ?? NaN);
  if (!Number.isNaN(length)) checkLength(recipe, length);
}

/** `length` is that of the run in epochs. */
function checkLength({ optimizers, swag, steps }: Recipe, length: number): void {
  const span = `the run of ${counted(Number(length.toPrecision(3)), 'epoch')}`;
  const longer = say`more ${named(steps === undefined ? 'epochs' : 'steps')}`; // epochs say nothing where steps do
  const before = optimizers.slice(0, -1).reduce((n, o) => n + o.epochs!, 0);
  const { name } = optimizers.at(-1)!;
  check(
    before < length,
    say`${named('optimizer')}: ${name} begins after ${counted(before, 'epoch')}, and ${span} is over by then`,
    say`give ${longer}`,
    'fewer to the optimizers before it',
  );
  const collected = swag === undefined ? Infinity : Math.floor(length) - Math.floor(swag * length);
  check(
    collected >= 2,
    say`${named('swag')}: ${swag} of ${span} leaves ${counted(collected, 'epoch')} to collect weights after, and it takes two`,
    'give a smaller share',
    longer,
  );
}
