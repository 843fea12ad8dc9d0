/** `descent compare`: what a course compares, each as one picture and a table. */
import { openDataset } from '../datasets/node/open.ts';
import { check, lookUp } from '../engine/check.ts';
import { Device } from '../engine/device.ts';
import { openAdapter } from '../engine/node/adapters.ts';
import { draw, type Panel, type Series } from '../plots/chart.ts';
import { checkPicture, writePicture } from '../plots/node.ts';
import { countDead, type Collapse } from '../train/collapse.ts';
import { COMPARISONS } from '../train/compare.ts';
import { parseConfig } from '../train/config.ts';
import type { StepMetrics } from '../train/metrics.ts';
import { trial, type Trial } from '../train/trial.ts';
import { openDevice } from './device.ts';
import { count, note, percent, print, table } from './output.ts';
import { resolved } from './session.ts';
import { compareTrajectories } from './trajectories.ts';

export interface CompareOptions {
  adapter?: string;
  tune?: boolean;
  model?: string;
  dataset?: string;
  optimizer?: string;
  lr?: string;
  epochs?: string;
  limitTrain?: string;
  limitTest?: string;
  seed?: string;
  out?: string;
  dataDir?: string;
  json?: boolean;
  quiet?: boolean;
}

/** Comparisons in which no net is trained on images. */
const OTHERS: Readonly<Record<string, (options: CompareOptions) => Promise<void>>> = {
  trajectories: compareTrajectories,
  'relu-collapse': compareCollapse,
};

/** Enough to see most differences in a minute or two on a processor; a comparison may have numbers of its own. */
export const COMPARED = { dataset: 'fashion-mnist', epochs: '2', limitTrain: '12000', limitTest: '2000' } as const;

export async function compare(what: string, options: CompareOptions): Promise<void> {
  const chosen = lookUp('comparison', what, { ...COMPARISONS, ...OTHERS });
  const out = options.out ?? `compare-${what}`;
  checkPicture('--out', out);
  if (typeof chosen === 'function') return chosen({ ...options, out });
  const given = Object.fromEntries(
    (['dataset', 'epochs', 'limitTrain', 'limitTest', 'lr'] as const).flatMap(key =>
      options[key] === undefined ? [] : [[key, options[key]]],
    ),
  );
  const {
    dataset: name,
    epochs,
    limitTrain,
    limitTest,
    lr,
  } = { ...COMPARED, lr: undefined, ...chosen.defaults, ...given } as Required<CompareOptions>;
  const { model = chosen.model, seed, optimizer = what === 'optimizers' ? undefined : 'momentum' } = options;
  const base = {
    dataset: name,
    epochs,
    limitTrain,
    limitTest,
    seed,
    optimizer,
    ...(what !== 'optimizers' && { lr }),
    valSplit: '0.1',
  };
  const common = resolved(parseConfig(model, base));
  const dataset = await openDataset(name, {
    dataDir: options.dataDir,
    quiet: options.quiet,
    limitTrain: common.limitTrain,
    limitTest: common.limitTest,
  });
  const images = Math.floor(dataset.train.n * (1 - common.valSplit));
  const steps = common.epochs * Math.floor(images / common.batchSize);
  const variants = Object.entries(chosen.variants({ steps, lr: common.lr!, images })).filter(
    ([, v]) => options.model === undefined || v.model === undefined,
  );
  check(variants.length, `--model: ${what} is compared on nets of its own; leave it out`);
  const configs = variants
    .map(([variant, { scheme, model: own = model, ...changes }]) => ({
      variant,
      scheme,
      config: resolved(parseConfig(own, { ...base, ...changes })),
    }))
    .map(v => ({
      ...v,
      config: {
        ...v.config,
        logEvery: Math.max(1, Math.floor((v.config.steps ?? (steps * common.batchSize) / v.config.batchSize) / POINTS)),
      },
    }));
  const device = await openDevice(options);
  const results: Result[] = [];
  try {
    for (const { variant, scheme, config } of configs) {
      const result = await trial(config, dataset, device, { scheme, test: true });
      results.push({ variant, result });
      if (options.json) {
        print(
          JSON.stringify({
            variant,
            scheme,
            config,
            test: result.test ?? null,
            best: result.best ?? null,
            seconds: result.seconds,
            diverged: result.diverged ?? null,
          }),
        );
      } else if (!options.quiet) {
        note(
          `${variant}: ${result.test ? `test ${percent(result.test.accuracy)}` : result.diverged} in ${result.seconds.toFixed(1)} s`,
        );
      }
    }
  } finally {
    device.close();
  }
  if (!chosen.ordered) results.sort((a, b) => (b.result.test?.accuracy ?? -1) - (a.result.test?.accuracy ?? -1));
  const net = variants.every(([, v]) => v.model === undefined || v.model.startsWith(`${model}:`))
    ? `${model.replace(/:hidden=(\d+)((?:-\1)+)$/, (_, n: string, more: string) => ` of ${more.split('-').length} layers of ${n}`)} on `
    : '';
  const written = await writePicture(
    out,
    picture(
      what,
      `${net}${name}, ${epochs} ${epochs === '1' ? 'epoch' : 'epochs'} of ${count(images)} images`,
      results,
      { epochs: common.epochs, ...chosen },
    ),
  );
  if (options.json) return;
  const rows = results.map(({ variant, result: { test, best, seconds, lines } }) => [
    variant,
    test ? percent(test.accuracy) : 'diverged',
    test ? test.loss.toFixed(4) : '-',
    best ? percent(best.accuracy) : '-',
    percent(trained(lines)),
    seconds.toFixed(1),
  ]);
  print(table([[what, 'test accuracy', 'test loss', 'best validation', 'training', 'seconds'], ...rows]));
  if (!options.quiet) print(`picture in ${written}`);
}

/** Points of a curve. */
const POINTS = 80;

interface Result {
  readonly variant: string;
  readonly result: Trial;
}

const stepsOf = (lines: Trial['lines']): StepMetrics[] => lines.filter((l): l is StepMetrics => !('split' in l));
/** Accuracy on the training images over the last quarter of the steps. */
function trained(lines: Trial['lines']): number {
  const late = stepsOf(lines);
  const some = late.slice(Math.floor(late.length * 0.75));
  return some.reduce((sum, l) => sum + l.accuracy, 0) / some.length;
}

/**
 * Accuracies on test and training images as bars, then the courses of the training loss, six to a panel; those that diverged are named in
 * the bars, at 0.
 */
function picture(
  what: string,
  title: string,
  results: readonly Result[],
  {
    epochs,
    rates,
    title: head = `${what[0]!.toUpperCase()}${what.slice(1)}`,
  }: { epochs: number; rates?: boolean | undefined; title?: string | undefined },
): string {
  const course = ({ variant, result }: Result): Series => {
    let mean: number | undefined;
    return {
      name: variant,
      points: stepsOf(result.lines).map(
        l => [l.epoch, (mean = mean === undefined ? l.loss : 0.8 * mean + 0.2 * l.loss)] as const,
      ),
    };
  };
  const firsts = results.flatMap(r => course(r).points[0]?.[1] ?? []).sort((a, b) => a - b);
  const top = Math.ceil(Math.max(0.5, firsts[Math.floor(firsts.length / 2)] ?? 0) * 2.4) / 2;
  const groups = Array.from({ length: Math.ceil(results.length / 6) }, (_, i) => results.slice(6 * i, 6 * i + 6));
  const panels: Panel[] = [
    {
      kind: 'bar',
      title: 'Accuracy',
      y: { label: 'correct', percent: true, min: 0, max: 1 },
      categories: results.map(r => `${r.variant}${r.result.test ? '' : ' (diverged)'}`),
      series: [
        { name: 'test', values: results.map(r => r.result.test?.accuracy ?? 0) },
        { name: 'training', values: results.map(r => (r.result.test ? trained(r.result.lines) : NaN)) },
      ],
    },
    ...groups.map((group): Panel => ({
      kind: 'line',
      title: 'Training loss',
      x: { label: 'epoch', min: 0, max: epochs },
      y: { label: 'cross-entropy', min: 0, max: top },
      series: group.map(course),
    })),
    ...(rates
      ? [
          {
            kind: 'line' as const,
            title: 'Learning rate',
            x: { label: 'epoch', min: 0, max: epochs },
            y: { label: 'rate', min: 0 },
            series: results.map(({ variant, result }) => ({
              name: variant,
              points: stepsOf(result.lines).map(l => [l.epoch, l.lr] as const),
            })),
          },
        ]
      : []),
  ];
  return draw(panels, {
    title: `${head}: ${title}`,
    height: Math.max(260, results.length * 30),
    columns: panels.length > 4 ? 3 : 2,
  });
}

const WIDTHS = [2, 3, 4, 8];
const DEPTHS = [1, 2, 4, 8, 16, 32];
const NETS = 30;

/** The share of nets that are dead from birth, by depth, a line for each width. */
async function compareCollapse({
  adapter,
  dataset: name = COMPARED.dataset,
  dataDir,
  seed = '0',
  out = '',
  json,
  quiet,
}: CompareOptions): Promise<void> {
  const dataset = await openDataset(name, { dataDir, quiet, limitTrain: 64, limitTest: 32 });
  const device = await Device.open(await openAdapter(adapter));
  const counts: Collapse[] = [];
  try {
    for (const width of WIDTHS) {
      for (const depth of DEPTHS) {
        const counted = await countDead(device, dataset, { width, depth, nets: NETS, seed: Number(seed) });
        counts.push(counted);
        if (json) print(JSON.stringify(counted));
      }
    }
  } finally {
    device.close();
  }
  const share = ({ dead, nets }: Collapse) => dead / nets;
  const of = (width: number) => counts.filter(c => c.width === width);
  const written = await writePicture(
    out,
    draw(
      [
        {
          kind: 'line',
          x: { label: 'hidden layers', log: 2, min: 1, max: 32 },
          y: { label: 'nets with a constant output', percent: true, min: 0, max: 1 },
          series: WIDTHS.map(width => ({
            name: `${width} units`,
            points: of(width).map(c => [c.depth, share(c)] as const),
            dots: true,
          })),
        },
      ],
      { title: `ReLU nets dead from birth, ${NETS} of each shape`, width: 640, height: 340 },
    ),
  );
  if (json) return;
  print(
    table([
      ['units', ...DEPTHS.map(d => `${d} ${d === 1 ? 'layer' : 'layers'}`)],
      ...WIDTHS.map(w => [String(w), ...of(w).map(c => percent(share(c)))]),
    ]),
  );
  if (!quiet) print(`picture in ${written}`);
}
