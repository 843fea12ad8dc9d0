/** `descent compare` with an experiment of the courses: its table, pictures and values. */
import { extname } from 'node:path';
import { openDataset } from '../../datasets/node/open.ts';
import { counted } from '../../engine/counted.ts';
import { check, DescentError, say } from '../../engine/check.ts';
import { parseScalar } from '../../engine/spec.ts';
import type { Device } from '../../engine/device.ts';
import { draw } from '../../plots/chart.ts';
import { checkPicture, writePicture } from '../pictures.ts';
import { OPTIONS } from '../../train/config/options.ts';
import { Diverged } from '../../train/step/divergence.ts';
import { Stopped, type Cell, type Lab, type Outcome } from '../../train/study/experiment.ts';
import { experimentIn, planned, type Planned } from '../../train/study/experiments.ts';
import { figure, note, percent, print, table } from '../output.ts';
import { openDevice } from '../run/device.ts';
import { onInterrupt, type Interrupt } from '../run/interrupt.ts';
import { commit, version } from '../version.ts';
import type { CompareOptions } from './compare-options.ts';
import { keptParts } from './kept-parts.ts';
import { tellStopped } from './stopped.ts';

/** Options of comparisons and of some experiments that are flags too; all others follow the name alone. */
const FLAGS = {
  model: 'model',
  dataset: 'dataset',
  target: 'target',
  optimizer: 'optimizer',
  lr: 'lr',
  epochs: 'epochs',
  limitTrain: 'limit-train',
  limitTest: 'limit-test',
  delay: 'delay',
} as const;

/** What follows the name is written as all options of that kind are. */
const IN_TEXT: Readonly<Record<string, string>> = { limitTrain: 'limit_train', limitTest: 'limit_test' };

/** The experiment that a text and the flags ask for. */
function asked(text: string, options: CompareOptions): Planned {
  const { name, found, given: inText } = experimentIn(text);
  const takes = Object.keys(found.options);
  const given: Record<string, unknown> = {};
  for (const [key, flag] of Object.entries(FLAGS)) {
    const value = options[key as keyof typeof FLAGS];
    if (value === undefined) continue;
    const own = IN_TEXT[key] ?? key;
    check(
      takes.includes(own),
      `--${flag}: ${name} does not take it`,
      takes.length ? `its own options follow its name: ${takes.map(option => `${name}:${option}=…`).join(', ')}` : 'leave it out',
    );
    check(!Object.hasOwn(inText, own), `--${flag}: ${name}:${own}=… says it too`, 'give one of both');
    given[own] = typeof found.options[own]!.default === 'number' ? parseScalar(String(value)) : value;
  }
  return planned(text, given);
}

/** Milliseconds between lines that say how far it is. */
const TELL = 3000;

export async function runExperiment(text: string, options: CompareOptions): Promise<void> {
  const { name, options: values, run } = asked(text, options);
  const { out = `compare-${name}`, adapter, quiet, json } = options;
  const seed = OPTIONS.seed.type.parse('--seed', options.seed ?? '0')!;
  checkPicture('--out', out);
  const stem = out.slice(0, out.length - extname(out).length);
  const kept = keptParts(stem, { name, values, seed, adapter, version: version(), commit: commit() });
  if (kept.count && !quiet && !json) note(`going on with the ${counted(kept.count, 'part')} in ${kept.folder}`);
  const interrupt = onInterrupt();
  const started = performance.now();
  const { lab, reached, close } = openLab({ seed, kept, interrupt }, options);
  let outcome: Outcome | undefined;
  try {
    interrupt.trains = true;
    outcome = await run(lab);
  } catch (error) {
    // what diverging runs advise are options of `descent train`
    if (error instanceof Diverged)
      throw new DescentError(say`${name}: ${error.problem}`, ...('lr' in values ? [`give a smaller rate, as ${name}:lr=…`] : []));
    if (!(error instanceof Stopped)) throw error;
    [reached.done, reached.of] = [0, Math.max(1, reached.of)]; // what there is of it says nothing by itself
  } finally {
    interrupt.end();
    await close();
  }
  const { done, of } = reached;
  const shows = !interrupt.asked || tellStopped(interrupt, done, of, outcome?.rows.length ?? 0, options);
  if (done === of) kept.clear();
  else if (kept.count) note(`the same command goes on with the parts in ${kept.folder}`);
  if (!shows || !outcome) return;

  const seconds = (performance.now() - started) / 1000;
  const pictures = await writePictures(out, outcome);
  if (json && reached.lines) return print(JSON.stringify({ pictures })); // all else was told when it was there
  const { title, rows, expected, values: measured } = outcome;
  const facts = { experiment: name, options: values, seed, seconds, title, rows, expected, values: measured };
  if (json) return print(JSON.stringify({ ...facts, pictures }));
  print(rowsTable(outcome));
  if (expected?.length) print(`\n${expectedTable(expected)}`);
  const drawn = 1 + Object.keys(outcome.pictures ?? {}).length;
  if (!quiet) print(`${seconds.toFixed(0)} s; picture${drawn > 1 ? 's' : ''} in ${pictures.join(' and ')}`);
}

/** What an experiment works with here, and how far it is. */
function openLab({ seed, kept, interrupt }: Pick<Lab, 'seed' | 'kept'> & { interrupt: Interrupt }, options: CompareOptions) {
  const { dataDir, quiet, json } = options;
  const reached = { done: 0, of: 0, lines: 0 };
  let told = performance.now();
  let device: Promise<Device> | undefined;
  const lab: Lab = {
    seed,
    kept,
    device: () => (device ??= openDevice(options)),
    dataset: (set, limits) => openDataset(set, { dataDir, quiet, ...limits }),
    progress(done, of, what) {
      Object.assign(reached, { done, of });
      if (quiet || json || !what || performance.now() - told < TELL) return;
      told = performance.now();
      note(`${done + 1} of ${of}: ${what}`);
    },
    tell(words, facts) {
      reached.lines++;
      if (json) print(JSON.stringify(facts));
      else if (!quiet) note(words);
    },
    get stopped() {
      return interrupt.asked;
    },
  };
  return { lab, reached, close: async () => (await device?.catch(() => undefined))?.close() };
}

/** Writes the picture of an experiment as `out`, and others that it has beside it; returns their files. */
async function writePictures(out: string, { title, panels, layout, pictures = {} }: Outcome): Promise<string[]> {
  const ending = extname(out);
  const stem = out.slice(0, out.length - ending.length);
  const all = [...(await writePicture(out, draw(panels, { title, ...layout })))];
  for (const [name, svg] of Object.entries(pictures)) all.push(...(await writePicture(`${stem}-${name}${ending}`, svg)));
  return all;
}

/** What came of it, a line for each thing compared. */
function rowsTable({ rows, shares = [] }: Outcome): string {
  const heads = [...new Set(rows.flatMap(row => Object.keys(row)))];
  const cell = (head: string, value: Cell): string => {
    if (value === undefined) return '-';
    if (typeof value === 'string') return value;
    return shares.includes(head) ? percent(value) : figure(value);
  };
  return table([heads, ...rows.map(row => heads.map(head => cell(head, row[head])))]);
}

/** What is published, or what theory says, beside what came out. */
const expectedTable = (expected: NonNullable<Outcome['expected']>): string =>
  table([
    ['', 'expected', 'here', 'source'],
    ...expected.map(({ what, expected: said, found, source }) => [what, figure(said), figure(found), source]),
  ]);
