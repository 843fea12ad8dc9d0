/** What a run makes of weights that are given, and of its parameters by name: what it starts from, what stays, what moves at other rates. */
import { check, named, say } from '../../engine/check.ts';
import type { Frozen, Layer } from '../../engine/graph.ts';
import type { GroupOptions } from '../../optim/groups.ts';
import type { ModelInput } from '../../models/model.ts';
import type { Method } from '../config/optimizers.ts';
import type { Recipe } from '../config/recipe.ts';
import { built } from '../evaluate/built.ts';
import type { WeightsFacts } from '../run/metadata.ts';
import type { Tensors } from '../run/safetensors.ts';
import { classifierOf } from './classifier.ts';
import { checkPatterns, matches } from './patterns.ts';
import { startOf, type Start } from './start.ts';

/** Weights of a file: by the names that it has, or of a net whose weights have none by what they compute in a model. */
export interface GivenWeights {
  readonly of: (model: Layer, shape: ModelInput['shape']) => Tensors;
  /** Classes of the net in the file, where its weights must be matched with a model of as many. */
  readonly classes?: number | undefined;
  /** What the file says of itself. */
  readonly facts?: WeightsFacts;
  /** Whether they are those of a checkpoint of the run itself, which goes on. */
  readonly isOwn?: boolean;
}

export interface Tuning extends Pick<GroupOptions, 'lr' | 'decay'> {
  readonly start?: Start | undefined;
  readonly frozen?: Frozen | undefined;
}

/** Whether an optimizer decays weights, by an L2 penalty or in another way. */
const decays = (method: Method): boolean =>
  'rule' in method &&
  (Number(method.hyper.weight_decay ?? 0) > 0 || method.around.some(piece => piece({ stepsPerEpoch: 1, epochs: 1, steps: 1 }).decays));

/** Throws where there are factors of weight decay, and none; that of 0 which is asked for is one of several in a search. */
function checkDecays({ optimizers, changes = [], weightDecayOf, config }: Recipe): void {
  const methods = [...optimizers, ...changes.flatMap(change => change.optimizers)];
  check(
    !weightDecayOf || config.weightDecay !== undefined || methods.some(decays),
    say`${named('weightDecayOf')}: are factors of weight decay, and there is none`,
    say`give ${named('weightDecay')} too`,
    'leave it out',
  );
}

/** Throws, before anything is compiled, where weights or patterns are not of the model. */
export function tuningOf(recipe: Recipe, input: ModelInput, given: GivenWeights | undefined): Tuning {
  const { freeze, lrOf, weightDecayOf } = recipe;
  const { shape } = input;
  if (!given?.isOwn) checkDecays(recipe);
  const { weights: own } = built(recipe.model.layer(input), shape);
  const names = own.map(t => t.name);
  if (freeze) checkPatterns(named('freeze'), freeze, names);
  const factored = (key: 'lrOf' | 'weightDecayOf') => {
    const factors = { lrOf, weightDecayOf }[key];
    if (!factors) return undefined;
    checkPatterns(
      named(key),
      factors.map(f => f.pattern),
      names,
    );
    const endings = factors.map(({ pattern, factor, epochs }) => ({ pattern, is: epochs === undefined ? factor : { factor, epochs } }));
    const factorOf = (name: string) => endings.findLast(({ pattern }) => matches(pattern, name))?.is ?? 1;
    const known = new Map(names.map(name => [name, factorOf(name)])); // asked for at each step where one ends
    const of = (name: string) => known.get(name) ?? factorOf(name);
    return { factors: endings.map(({ is }) => is), of };
  };
  return {
    ...(given && { start: startFrom(recipe, input, given) }),
    ...(freeze && { frozen: name => freeze.some(pattern => matches(pattern, name)) }),
    lr: factored('lrOf'),
    decay: factored('weightDecayOf'),
  };
}

/** What a run starts from. Throws where the weights are not of its model. */
function startFrom(
  { model, head, initScheme }: Pick<Recipe, 'model' | 'head' | 'initScheme'>,
  input: ModelInput,
  given: GivenWeights,
): Start {
  const { shape } = input;
  const layer = model.layer(input);
  check(
    given.isOwn || head || !initScheme,
    say`${named('initScheme', initScheme)}: ${named('init')} gives all first weights`,
    say`leave it out, or make the classifier anew by ${named('head', 'new')}`,
  );
  if (given.isOwn) return { weights: given.of(layer, shape), told: undefined };
  const { weights: own } = built(layer, shape);
  const classifier = classifierOf(model.layer, input);
  check(!head || classifier.length, say`${named('head', head)}: nothing of the model depends on the number of classes`, 'leave it out');
  const alike = head && given.classes ? model.layer({ ...input, classes: given.classes }) : layer;
  const computed = model.whitened && `${model.whitened}.weight`;
  return startOf({ own, classifier, computed }, given.of(alike, shape), head !== undefined);
}
