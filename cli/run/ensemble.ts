/** `descent eval a b c --ensemble`: the mean of several networks' class probabilities. */
import { check } from '../../engine/check.ts';
import { score, softmaxRows } from '../../train/study/probabilities.ts';
import { parseChoice } from '../../train/config/spec.ts';
import { combine } from '../../train/run/swag.ts';
import { evaluate, openForEvaluation, type EvalOptions } from './eval.ts';
import { percent, print, table } from '../output.ts';

/** Evaluates one checkpoint, or with --ensemble several together. */
export async function evaluateAll(paths: readonly string[], { ensemble, ...options }: EvalOptions & { ensemble?: boolean }): Promise<void> {
  if (!ensemble) {
    check(paths.length === 1, `eval: ${paths.length} checkpoints are named`, 'give one, or --ensemble for the mean of their predictions');
    return evaluate(paths[0]!, options);
  }
  check(paths.length > 1, 'eval: --ensemble needs several checkpoints', 'name at least two');
  for (const flag of ['tta', 'report', 'predictions'] as const) {
    check(options[flag] === undefined, `--${flag}: is for one checkpoint`, 'leave it out, or --ensemble');
  }
  const split = parseChoice('--split', options.split, ['test', 'val']);
  const members: { file: string; probabilities: Float32Array }[] = [];
  let labels: ArrayLike<number> | undefined;
  let data: string | undefined;
  for (const path of paths) {
    const { file, recipe, dataset, session } = await openForEvaluation(path, options);
    try {
      check(
        data === undefined || data === recipe.dataset,
        `${file}: was trained on ${recipe.dataset}, ${paths[0]} on ${data}`,
        'an ensemble needs one data set',
      );
      data = recipe.dataset;
      const own = session.data.parts[split].labels;
      check(
        !labels || (own.length === labels.length && own.every((l, i) => l === labels![i])),
        `${file}: its ${split} images are not those of ${paths[0]}`,
        'take --split test, or runs of one --seed and --val-split',
      );
      labels = own;
      members.push({ file, probabilities: softmaxRows(await session.inference.logits(split), dataset.classes.length) });
    } finally {
      session.close();
    }
  }
  const classes = members[0]!.probabilities.length / labels!.length;
  const { mean } = combine(members.map(m => m.probabilities));
  const rows = [
    ...members.map(m => ({ name: m.file, ...score(m.probabilities, labels!, classes) })),
    { name: `ensemble of ${members.length}`, ...score(mean, labels!, classes) },
  ];
  if (options.json) {
    rows.forEach(({ name, ...result }) => print(JSON.stringify({ name, dataset: data, split, ...result })));
  } else if (options.quiet) {
    print(`${split} loss ${rows.at(-1)!.loss.toFixed(4)}  accuracy ${percent(rows.at(-1)!.accuracy)}`);
  } else {
    const cells = rows.map(r => [r.name, r.loss.toFixed(4), percent(r.accuracy)]);
    print(table([['checkpoint', `${split} loss`, 'accuracy'], ...cells]));
  }
}
