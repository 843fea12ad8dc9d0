/** Comparisons as experiments: configurations that are trained one after another from the same seed. */
import type { Dataset } from '../../../datasets/dataset.ts';
import { counted } from '../../../engine/counted.ts';
import { check, DescentError, named, say, words } from '../../../engine/check.ts';
import type { Defaulted } from '../../../engine/parameter.ts';
import { parseConfig, type RunConfig } from '../../config/config.ts';
import { checkFeasible } from '../../config/feasible.ts';
import type { Recipe } from '../../config/recipe.ts';
import { recipeOf } from '../../config/recipe-of.ts';
import { checkImages } from '../../data/augmentation.ts';
import { COMPARED, type Comparison } from './comparisons.ts';
import { picture, type Result } from './picture.ts';
import { experiment, inTurn, Stopped, type Cell, type Experiment, type Lab, type Outcome } from '../experiment.ts';
import { trial } from '../trial.ts';

/** Points of a curve. */
const POINTS = 80;

/** A text as a run of the command line takes it; none where nothing is asked for. */
const text = (example: string, about: string): Defaulted<string> => ({
  default: '',
  example,
  about,
  accepts: 'a text',
  read: v => String(v),
});

/** What a user may ask of a comparison, in place of what it takes by itself. */
export interface Asked {
  readonly model?: string;
  readonly dataset?: string;
  readonly target?: string;
  readonly optimizer?: string;
  readonly lr?: string;
  readonly epochs?: string;
  readonly limitTrain?: string;
  readonly limitTest?: string;
}

const optionsOf = ({ model, defaults }: Comparison) => {
  const usual = { ...COMPARED, ...defaults };
  return {
    model: text(model, 'to train'),
    dataset: text(usual.dataset, 'to train on'),
    target: text('label', 'of a table the column to predict'),
    optimizer: text('momentum', 'where optimizers are not compared'),
    lr: text(usual.lr ?? '', 'learning rate, else that of the optimizer'),
    epochs: text(usual.epochs, 'passes'),
    limit_train: text(usual.limitTrain, 'training images'),
    limit_test: text(usual.limitTest, 'test images'),
  };
};

/** The comparison of a name as an experiment. */
export const comparison = (name: string, chosen: Comparison): Experiment =>
  experiment({
    about: chosen.about,
    source: chosen.source,
    options: optionsOf(chosen),
    run(lab, { limit_train: limitTrain, limit_test: limitTest, ...options }) {
      const given = { ...options, limitTrain, limitTest };
      const asked: Asked = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''));
      return compared(lab, name, chosen, asked);
    },
  });

/** One run to do. */
interface Run {
  readonly variant: string;
  readonly recipe: Recipe;
}

async function compared(lab: Lab, name: string, chosen: Comparison, asked: Asked): Promise<Outcome> {
  const { model = chosen.model } = asked;
  const base = baseOf(name, chosen, asked, lab.seed);
  const common = recipeOf(parseConfig(model, base));
  const { limitTrain, limitTest, epochs, config } = common;
  const dataset = await lab.dataset(common.dataset, { limitTrain, limitTest, target: config.target });
  const problem = `compare: ${name} are compared by accuracy, and ${dataset.name} has numbers to predict`;
  check(!dataset.outputs, problem, 'take a data set of classes');
  const { n } = dataset.train;
  const images = dataset.validation ? n - dataset.validation : Math.floor(n * (1 - common.valSplit));
  checkBatch(common.batchSize, n, images);
  const steps = epochs * Math.floor(images / common.batchSize);
  const variants = variantsOf(name, chosen, asked, { steps, lr: common.optimizers[0]!.hyper.lr, images });
  const runs = variants.flatMap(([variant, { model: own = model, ...changes }]): Run[] => {
    const recipe = recipeFor(parseConfig(own, { ...base, ...changes }), steps * common.batchSize);
    checkBatch(recipe.batchSize, n, images);
    return fits(lab, variant, recipe, dataset) ? [{ variant, recipe }] : []; // all are checked before the first one trains
  });

  const results = await inTurn(
    lab,
    runs,
    ({ variant }) => variant,
    run => resultOf(lab, run, dataset),
  );
  if (!chosen.ordered) results.sort((a, b) => (b.result.test?.accuracy ?? -1) - (a.result.test?.accuracy ?? -1));

  const oneNet = variants.every(([, v]) => v.model === undefined || v.model.startsWith(`${model}:`));
  const net = oneNet ? `${netInWords(model)} on ` : '';
  const head = chosen.title ?? `${name[0]!.toUpperCase()}${name.slice(1)}`;
  const part = results.length < runs.length ? ` (${results.length} of ${runs.length})` : '';
  return {
    title: `${head}${part}: ${net}${common.dataset}, ${counted(epochs, 'epoch')} of ${count(images)} images`,
    rows: results.map(result => rowOf(name, result)),
    shares: ['test accuracy', 'training accuracy', 'best validation'],
    ...picture(results, { epochs, rates: chosen.rates }),
    values: results,
  };
}

/** Throws where the images that are left to train on are fewer than a batch. */
const checkBatch = (batch: number, given: number, images: number): void =>
  check(
    batch <= images,
    say`${named('limitTrain')}: ${count(given)} images leave ${count(images)} to train on, and a batch is ${batch}`,
    'give more',
  );

/** What is compared; where the user names a model, of nets of their own nothing is. */
function variantsOf(name: string, chosen: Comparison, asked: Asked, seen: Parameters<Comparison['variants']>[0]) {
  const variants = Object.entries(chosen.variants(seen)).filter(([, v]) => asked.model === undefined || v.model === undefined);
  check(variants.length, say`${named('model')}: ${name} is compared on nets of its own`, 'leave it out');
  return variants;
}

/** A recipe that logs as often as a curve has points; `images` are those of the whole run. Throws where it cannot be done. */
function recipeFor(config: RunConfig, images: number): Recipe {
  const length = config.steps ?? images / config.batchSize;
  const recipe = recipeOf({ ...config, logEvery: Math.max(1, Math.floor(length / POINTS)) });
  checkFeasible(recipe);
  return recipe;
}

async function resultOf(lab: Lab, run: Run, dataset: Dataset): Promise<Result> {
  const result = await trial(run.recipe, dataset, await lab.device(), { test: true, stopped: () => lab.stopped });
  if (!result) throw new Stopped();
  tell(lab, run, result);
  return { variant: run.variant, result };
}

/** Whether the data set takes the augmentation of a variant; one that it does not take is named, and the others are compared. */
function fits(lab: Lab, variant: string, { augment, config }: Recipe, dataset: Dataset): boolean {
  try {
    if (augment) checkImages(augment, dataset);
    return true;
  } catch (error) {
    if (!(error instanceof DescentError)) throw error;
    const why = words(error.problem);
    lab.tell?.(`${variant} is left out: ${why}`, { variant, config, leftOut: why });
    return false;
  }
}

/** What all runs have in common, as parseConfig takes it: what the user says, else the comparison, else COMPARED. */
function baseOf(name: string, chosen: Comparison, { model: _, optimizer, ...asked }: Asked, seed: number) {
  const { lr, ...texts } = { ...COMPARED, ...chosen.defaults, ...asked };
  const base = { ...texts, seed: String(seed), valSplit: '0.1' };
  return name === 'optimizers' ? { ...base, optimizer } : { ...base, optimizer: optimizer ?? 'momentum', lr };
}

/** What came of one run, as soon as it is known. */
function tell(lab: Lab, { variant, recipe: { config } }: Run, { test, best, train, seconds, diverged }: Result['result']): void {
  const facts = { variant, config, test: test ?? null, train: train ?? null, best: best ?? null, seconds, diverged: diverged ?? null };
  const came = test ? `test ${(100 * test.accuracy!).toFixed(1)}%` : diverged;
  lab.tell?.(`${variant}: ${came} in ${seconds.toFixed(1)} s`, facts);
}

const rowOf = (name: string, { variant, result: { test, best, train, seconds } }: Result): Record<string, Cell> => ({
  [name]: variant,
  'test accuracy': test?.accuracy ?? 'diverged',
  'training accuracy': train?.accuracy,
  'test loss': test?.loss,
  'best validation': best?.accuracy,
  seconds,
});

const count = (n: number): string => n.toLocaleString('en-US');

/** `mlp:hidden=64-64-64` is `mlp of 3 layers of 64`. */
const netInWords = (model: string): string =>
  model.replace(/:hidden=(\d+)((?:-\1)+)$/, (_, n: string, more: string) => ` of ${more.split('-').length} layers of ${n}`);
