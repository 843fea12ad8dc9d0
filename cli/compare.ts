/** `descent compare`: what a course compares, each as one picture and a table. */
import { openDataset } from '../datasets/node/open.ts';
import { check, lookUp } from '../engine/check.ts';
import { Device } from '../engine/device.ts';
import { openAdapter } from '../engine/node/adapters.ts';
import { rules } from '../optim/index.ts';
import { draw, type Panel, type Series } from '../plots/chart.ts';
import { writePicture } from '../plots/node.ts';
import { parseConfig } from '../train/config.ts';
import { note, percent, print, table } from './output.ts';
import { resolved } from './session.ts';
import { trial, type Trial } from './trials.ts';

type Given = Parameters<typeof parseConfig>[1];
/** Rates at which rules that have no default of their own for a network do well on LeNet-5. */
const RATES: Readonly<Record<string, string>> = { 'nag-c': '0.05', 'nag-sc': '0.05', 'newton-diagonal': '0.01', 'natural-gradient': '0.001', asgd: '0.1' };

/** What can be compared: the variants by name, and what each changes of the configuration. */
export const COMPARISONS: Readonly<Record<string, Readonly<Record<string, Given>>>> = {
  optimizers: Object.fromEntries(Object.keys(rules).map(name => [name, { optimizer: name, ...RATES[name] !== undefined && { lr: RATES[name]! } }])),
  schedules: {
    constant: {}, step: { schedule: 'step:step_size=150,gamma=0.3' }, exponential: { schedule: 'exponential:k=0.005' }, 'inverse-time': { schedule: 'inverse-time:k=0.01' },
    linear: { schedule: 'linear' }, cosine: { schedule: 'cosine' }, 'cosine, warm-up': { schedule: 'cosine:warmup=50' }, sgdr: { schedule: 'sgdr:T_0=100' },
    triangular: { schedule: 'triangular:max_lr=0.1,step_size_up=75' }, onecycle: { schedule: 'onecycle:max_lr=0.1' },
  },
  regularisers: {
    none: {}, L2: { weightDecay: '0.001' }, L1: { l1: '0.0001' }, 'elastic net': { weightDecay: '0.001', l1: '0.0001' }, 'max-norm': { maxNorm: '1.5' },
    'clip by norm': { clipNorm: '0.5' }, 'gradient noise': { gradNoise: '0.0001' }, 'moving average': { ema: '0.98' }, SWA: { swa: '0.5' }, Lookahead: { lookahead: '5' },
  },
  'batch-sizes': Object.fromEntries(['8', '16', '32', '64', '128', '256'].map(n => [n, { batchSize: n }])),
};

export interface CompareOptions { adapter?: string; model: string; dataset: string; optimizer?: string; lr?: string; epochs: string; limitTrain: string; limitTest: string; seed?: string; out?: string; dataDir?: string; json?: boolean; quiet?: boolean }

export async function compare(what: string, options: CompareOptions): Promise<void> {
  const variants = lookUp('comparison', what, COMPARISONS), out = options.out ?? `compare-${what}.svg`;
  check(/\.(svg|png)$/i.test(out), `--out: '${out}' must end in .svg or .png; give a picture's name`);
  const { model, dataset: name, epochs, limitTrain, limitTest, seed, optimizer = what === 'optimizers' ? undefined : 'momentum', lr } = options;
  const configs = Object.entries(variants).map(([variant, given]) => [variant, resolved(parseConfig(model, { dataset: name, epochs, limitTrain, limitTest, seed, optimizer, ...what !== 'optimizers' && { lr }, logEvery: '10', valSplit: '0.1', ...given }))] as const);
  const dataset = await openDataset(name, { dataDir: options.dataDir, quiet: options.quiet, limitTrain: configs[0]![1].limitTrain, limitTest: configs[0]![1].limitTest });
  const device = await Device.open(await openAdapter(options.adapter)), results: { variant: string; result: Trial }[] = [];
  try {
    for (const [variant, config] of configs) {
      const result = await trial(config, dataset, device);
      results.push({ variant, result });
      if (options.json) print(JSON.stringify({ variant, config, test: result.test ?? null, best: result.best ?? null, seconds: result.seconds, failed: result.failed ?? null }));
      else if (!options.quiet) note(`${variant}: ${result.test ? `test ${percent(result.test.accuracy)}` : result.failed} in ${result.seconds.toFixed(1)} s`);
    }
  } finally {
    device.close();
  }
  results.sort((a, b) => (b.result.test?.accuracy ?? -1) - (a.result.test?.accuracy ?? -1));
  await writePicture(out, picture(what, `${model} on ${name}, ${epochs} epochs`, results));
  if (options.json) return;
  const rows = results.map(({ variant, result: { test, best, seconds } }) => [variant, test ? percent(test.accuracy) : '-', test ? test.loss.toFixed(4) : '-', best ? percent(best.accuracy) : '-', seconds.toFixed(1)]);
  print(table([[what, 'test accuracy', 'test loss', 'best validation', 'seconds'], ...rows]));
  if (!options.quiet) print(`picture in ${out}`);
}

/** Accuracies as bars, then the courses of the training loss, six to a panel, from the best to the worst. */
function picture(what: string, title: string, results: readonly { variant: string; result: Trial }[]): string {
  const finished = results.filter(r => r.result.test);
  const course = ({ variant, result }: typeof results[number]): Series => {
    let mean: number | undefined, last = 0;
    return { name: variant, points: result.lines.flatMap(l => {
      if ('split' in l) return [];
      const share = 0.98 ** (l.step - last); // the line after an epoch's end is of few steps
      last = l.step;
      return [[l.epoch, mean = mean === undefined ? l.loss : share * mean + (1 - share) * l.loss] as const];
    }) };
  };
  const first = Math.max(0.5, ...finished.map(r => course(r).points[0]?.[1] ?? 0)), groups = Array.from({ length: Math.ceil(finished.length / 6) }, (_, i) => finished.slice(6 * i, 6 * i + 6));
  const panels: Panel[] = [
    { kind: 'bar', title: 'Test accuracy', y: { label: 'correct', percent: true, min: 0, max: 1 }, categories: finished.map(r => r.variant), series: [{ name: 'test', values: finished.map(r => r.result.test!.accuracy) }] },
    ...groups.map((group, i): Panel => ({ kind: 'line', title: `Training loss, ${6 * i + 1} to ${6 * i + group.length} by test accuracy`, x: { label: 'epoch' }, y: { label: 'cross-entropy', min: 0, max: Math.ceil(first * 2) / 2 }, series: group.map(course) })),
  ];
  return draw(panels, { title: `${what[0]!.toUpperCase()}${what.slice(1).replace('-', ' ')}: ${title}`, height: Math.max(260, finished.length * 20) });
}
