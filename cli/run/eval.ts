/** `descent eval`. */
import { counted } from '../../engine/counted.ts';
import { check, DescentError, named, say } from '../../engine/check.ts';
import { OPTIONS } from '../../train/config/options.ts';
import { parseChoice } from '../../engine/spec.ts';
import { notFinite } from '../../train/step/divergence.ts';
import { scoreWords } from '../../train/evaluate/score.ts';
import { logOf, score } from '../../train/study/probabilities.ts';
import { attacksFrom, type Attack } from '../../train/study/robust/by-name.ts';
import { MEANS, predictViews, viewsOf } from '../../train/study/tta.ts';
import { evaluateUnderAttack } from './attack.ts';
import { checkTrainedOn, openCheckpoint, openFor, weightsFor, type CheckpointOptions } from './checkpoint.ts';
import { print } from '../output.ts';
import { checkReport, writePredictions, writeReport, writeValues } from './report.ts';
import { localRecipe, openInferenceSession, type Evaluated, type SessionOptions } from './session.ts';

export interface EvalOptions extends CheckpointOptions, SessionOptions {
  split: string;
  tta?: string;
  ttaMean?: string;
  report?: boolean;
  out?: string;
  predictions?: string;
  attack?: string;
  dropout?: boolean;
  batchSize?: string;
  limitTest?: string;
  dataDir?: string;
}

/** The net of a checkpoint on the data set that it was trained on, ready to be evaluated. */
export async function openForEvaluation(path: string, options: EvalOptions): Promise<Evaluated> {
  const checkpoint = await openCheckpoint(path, options);
  checkTrainedOn(checkpoint, options);
  const { file, config, moments, statistics } = checkpoint;
  const recipe = localRecipe({
    ...config,
    ...(options.batchSize !== undefined && { batchSize: OPTIONS.batchSize.type.parse('--batch-size', options.batchSize)! }),
    ...(options.limitTest !== undefined && { limitTest: OPTIONS.limitTest.type.parse('--limit-test', options.limitTest)! }),
  });
  const { dataDir, quiet } = options;
  const dataset = await openFor(checkpoint, recipe.config, { dataDir, quiet });
  const weights = weightsFor(checkpoint, dataset);
  return {
    file,
    weights,
    recipe,
    dataset,
    session: await openInferenceSession(recipe, weights, dataset, { ...options, moments, statistics }),
  };
}

/** The attacks that are asked for, by which nothing but an accuracy is told. */
function attacksOf({ attack, dropout, ...options }: EvalOptions): readonly Attack[] | undefined {
  check(!dropout || attack !== undefined, '--dropout: is of attacks', 'give --attack too, or leave it out');
  if (attack === undefined) return undefined;
  for (const flag of ['tta', 'report', 'predictions'] as const) {
    check(options[flag] === undefined, `--${flag}: is not told of attacked images`, 'leave it out, or --attack');
  }
  return attacksFrom('--attack', attack);
}

/** Throws where the loss is not finite, and names the weights that are to blame, if any are. */
export async function evaluate(path: string, options: EvalOptions): Promise<void> {
  const split = parseChoice('--split', options.split, ['test', 'val']);
  const views = options.tta === undefined ? undefined : viewsOf(options.tta);
  check(views || options.ttaMean === undefined, '--tta-mean: is of several views', 'give --tta too, or leave it out');
  const averaged = options.ttaMean === undefined ? undefined : parseChoice('--tta-mean', options.ttaMean, MEANS);
  checkReport(options);
  const attacks = attacksOf(options);
  const opened = await openForEvaluation(path, options);
  const { file, weights, recipe, dataset, session } = opened;
  try {
    const { inference, data } = session;
    const { labels, n } = data.parts[split];
    const k = dataset.classes.length;
    if (dataset.outputs) {
      check(
        !options.report && !views,
        `${options.report ? '--report' : '--tta'}: is of classes, and ${dataset.name} has numbers to predict`,
        'leave it out',
      );
    }
    check(n > 0, `eval: there are no ${split} images`, say`give a larger ${named('valSplit')}`);
    if (attacks) return await evaluateUnderAttack(opened, split, attacks, options);
    const seen = views ? await predictViews(inference, split, k, views, averaged) : undefined;
    const result = seen ? score(seen, labels, k) : await inference.evaluate(split);
    if (!Number.isFinite(result.loss)) {
      const broken = notFinite(weights);
      const why = broken ? `: ${broken} holds values that are NaN or infinite` : '';
      throw new DescentError(`${file}: the ${split} loss is ${result.loss}${why}`, 'evaluate weights of before');
    }
    const facts = { file, dataset: recipe.dataset, split, ...(views && { views: views.length }), ...result };
    if (options.json) print(JSON.stringify(facts));
    else {
      const of = `${file} on ${recipe.dataset}${views ? `, ${counted(views.length, 'view')}` : ''}: `;
      const found = `${split} ${scoreWords(result)}`;
      print(options.quiet ? found : of + found);
    }
    if (!options.report && options.predictions === undefined) return;
    const logits = seen?.map(logOf) ?? (await inference.logits(split));
    if (dataset.outputs) return writeValues(options.predictions!, { part: data.parts[split], dataset, logits }, options);
    if (options.predictions !== undefined) writePredictions(options.predictions, { part: data.parts[split], dataset, logits }, options);
    if (options.report) await writeReport(path, facts, { part: data.parts[split], dataset, logits }, options);
  } finally {
    session.close();
  }
}
