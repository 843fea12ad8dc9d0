/** `descent eval a b c --ensemble`: the mean of several networks' class probabilities. */
import { check } from '../../engine/check.ts';
import { score, softmaxRows } from '../../train/study/probabilities.ts';
import { parseChoice } from '../../engine/spec.ts';
import { combine } from '../../train/run/swag.ts';
import { evaluate, openForEvaluation, type EvalOptions } from './eval.ts';
import { asRank, joinAnyJob, once, type Job } from './job.ts';
import { percent, print, table } from '../output.ts';

/** Evaluates one checkpoint, or with --ensemble several together. */
export async function evaluateAll(paths: readonly string[], { ensemble, ...options }: EvalOptions & { ensemble?: boolean }): Promise<void> {
  if (!ensemble) {
    check(paths.length === 1, `eval: ${paths.length} checkpoints are named`, 'give one, or --ensemble for the mean of their predictions');
    return once([paths, options], () => evaluate(paths[0]!, options));
  }
  check(paths.length > 1, 'eval: --ensemble needs several checkpoints', 'name at least two');
  for (const flag of ['tta', 'report', 'predictions', 'attack'] as const) {
    check(options[flag] === undefined, `--${flag}: is for one checkpoint`, 'leave it out, or --ensemble');
  }
  const job = await joinAnyJob();
  if (!job) return tell(await predicted(paths, options), options);
  await asRank(job, async () => {
    const members = await predicted(paths, options, job);
    if (job.isFirst) tell(members, options);
  });
}

/** What a checkpoint makes of the images of a split. */
interface Member {
  readonly file: string;
  readonly data: string;
  readonly labels: readonly number[];
  readonly probabilities: Float32Array;
}

const splitOf = ({ split }: EvalOptions) => parseChoice('--split', split, ['test', 'val']);

/** The members in order; the ranks of a job take them in turn, and all get all. */
async function predicted(paths: readonly string[], options: EvalOptions, job?: Job): Promise<Member[]> {
  const { rank, size } = job?.exchange ?? { rank: 0, size: 1 };
  const own = new Map<number, Member>();
  for (const [i, path] of paths.entries()) if (i % size === rank) own.set(i, await memberOf(path, options));
  if (!job) return [...own.values()];
  const members: Member[] = [];
  for (const i of paths.keys()) {
    const mine = own.get(i);
    const told = await job.exchange.texts(mine ? JSON.stringify({ ...mine, probabilities: mine.probabilities.length }) : '');
    const facts = JSON.parse(told[i % size]!) as Omit<Member, 'probabilities'> & { probabilities: number };
    const probabilities = mine?.probabilities ?? new Float32Array(facts.probabilities);
    await job.exchange.broadcast(probabilities, i % size);
    members.push({ ...facts, probabilities });
  }
  return members;
}

async function memberOf(path: string, options: EvalOptions): Promise<Member> {
  const split = splitOf(options);
  const { file, recipe, dataset, session } = await openForEvaluation(path, options);
  try {
    check(!dataset.outputs, `--ensemble: is of classes, and ${dataset.name} has numbers to predict`, 'evaluate each by itself');
    const logits = await session.inference.logits(split);
    return {
      file,
      data: recipe.dataset,
      labels: [...session.data.parts[split].labels],
      probabilities: softmaxRows(logits, dataset.classes.length),
    };
  } finally {
    session.close();
  }
}

/** Prints what the members are worth, and their mean. */
function tell(members: readonly Member[], options: EvalOptions): void {
  const split = splitOf(options);
  const [{ data, labels, file: first }] = members as [Member];
  for (const { file, ...own } of members) {
    check(own.data === data, `${file}: was trained on ${own.data}, ${first} on ${data}`, 'an ensemble needs one data set');
    check(
      own.labels.length === labels.length && own.labels.every((l, i) => l === labels[i]),
      `${file}: its ${split} images are not those of ${first}`,
      'take --split test, or runs of one --seed and --val-split',
    );
  }
  const classes = members[0]!.probabilities.length / labels.length;
  const { mean } = combine(members.map(m => m.probabilities));
  const rows = [
    ...members.map(m => ({ name: m.file, ...score(m.probabilities, labels, classes) })),
    { name: `ensemble of ${members.length}`, ...score(mean, labels, classes) },
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
