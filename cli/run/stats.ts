/** `descent train --stats`: what each layer does, as lines of stats.jsonl and in a few words. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { imagesOf, numbers } from '../../datasets/dataset.ts';
import { layerStats, weightsNow, type LayerStats } from '../../train/study/layer-stats.ts';
import type { Started } from '../../train/distribute/start.ts';
import type { RunFolder } from '../../train/run/node/run-folder.ts';
import { Probe } from '../../train/evaluate/probe.ts';
import { percent, print, table } from '../output.ts';
import type { Session } from './session.ts';

/** Images whose activations are looked at, the first of the training set. */
const IMAGES = 32;
const FILE = 'stats.jsonl';

interface Line {
  readonly step: number;
  readonly epoch: number;
  readonly layers: readonly LayerStats[];
}

export interface Stats {
  /** Does a step, watched where due: the first, the last of each epoch and of the run, and each multiple of `every`. */
  step(log: boolean): Promise<void>;
  /** The last watched step in a line. */
  said(): string;
  /** All layers at the last watched step, as a table. */
  table(): string;
}

/** `doStep` does a step of the trainer, with other ranks where there are some: the gradients looked at are then their mean. */
export async function watch(
  { trainer, total }: Session,
  run: RunFolder,
  { every, json, doStep = log => trainer.step(log) }: { every: number; json: boolean; doStep?: Started['step'] },
): Promise<Stats> {
  const { run: data } = trainer.data;
  const { train } = data.dataset;
  const n = Math.min(IMAGES, train.n);
  const [c, h, w] = data.dataset.shape;
  const bytes = await imagesOf(train, c * h * w, numbers(0, n));
  const file = join(run.path, FILE);
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const lines = text.split('\n').filter(line => line && stepOf(line) <= trainer.steps);
  let probe: Probe | undefined;
  let last: Line | undefined;

  const step = async (log: boolean) => {
    const t = trainer.steps + 1;
    if (t !== 1 && t !== total && t % trainer.stepsPerEpoch && t % every) return doStep(log);
    const before = await weightsNow(trainer);
    await doStep(log);
    probe ??= await Probe.create(trainer.memory, trainer.model, data, n, true);
    last = { step: t, epoch: t / trainer.stepsPerEpoch, layers: await layerStats(trainer, probe, bytes, n, before) };
    lines.push(JSON.stringify(last));
    run.write(FILE, `${lines.join('\n')}\n`);
    if (json) print(JSON.stringify({ stats: last }));
  };
  return {
    step,
    said: () => (last ? summary(last.layers) : ''),
    table: () => (last ? statsTable(last.layers) : ''),
  };
}

/** A line cut short counts as one to come again. */
const stepOf = (line: string): number => {
  try {
    return (JSON.parse(line) as Line).step;
  } catch {
    return Infinity;
  }
};

function short(v: number | undefined): string {
  if (v === undefined) return '';
  if (v === 0) return '0';
  return Math.abs(v) < 1e-3 || Math.abs(v) >= 1e4 ? v.toExponential(1) : v.toPrecision(3);
}

/** The smallest and largest gradient and relative update, and the layer with most dead units. */
function summary(layers: readonly LayerStats[]): string {
  const range = (key: 'gradient' | 'update') => {
    const sorted = layers.filter(l => l[key] !== undefined).sort((a, b) => a[key]! - b[key]!);
    const low = sorted[0];
    const high = sorted.at(-1);
    return low && high ? `${short(low[key])} (${low.name}) to ${short(high[key])} (${high.name})` : '-';
  };
  const [worst] = layers.filter(l => l.dead).sort((a, b) => b.dead! - a.dead!);
  const dead = worst ? `up to ${percent(worst.dead!)} of units dead (${worst.name})` : 'no unit dead';
  return `gradients ${range('gradient')}, updates/weights ${range('update')}, ${dead}`;
}

const statsTable = (layers: readonly LayerStats[]): string =>
  table([
    ['layer', 'mean', 'std', 'zeros', 'dead', 'weight', 'gradient', 'update/weight'],
    ...layers.map(l => [
      l.name,
      short(l.mean),
      short(l.std),
      l.zeros === undefined ? '' : percent(l.zeros),
      l.dead === undefined ? '' : percent(l.dead),
      short(l.weight),
      short(l.gradient),
      short(l.update),
    ]),
  ]);
