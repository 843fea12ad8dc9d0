/** `descent export --to tensorboard`. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { check } from '../../engine/check.ts';
import { absent } from '../../engine/node/optional.ts';
import type { Summary } from '../../train/export/event-file.ts';
import { factsIn, type WeightsFacts } from '../../train/run/metadata.ts';
import { readConfig, weightsFile } from '../../train/run/node/run-folder.ts';
import { readSafetensors } from '../../train/run/node/sealed.ts';
import { writeFolder } from '../../train/run/node/files.ts';
import type { Tensors } from '../../train/run/safetensors.ts';
import { jsonLines, parseMetrics } from '../../train/step/metrics.ts';
import type { LayerStats } from '../../train/study/layer-stats.ts';
import { filtersOf, firstFilters, shades } from '../../train/study/looks.ts';
import type { ExportOptions, Written } from './options.ts';

type Picture = Extract<Summary, { png: Uint8Array }>;

export async function toTensorboard(path: string, { out = join(path, 'tensorboard'), trust }: ExportOptions): Promise<Written> {
  const found = statSync(path, { throwIfNoEntry: false });
  check(found?.isDirectory(), `${path}: is not the folder of a run`, 'give one: its metrics are what TensorBoard shows');
  const { config } = readConfig(path, trust);
  const { eventsOf } = await import('../../train/export/tensorboard.ts');
  const { eventFile } = await import('../../train/export/event-file.ts');
  const metrics = join(path, 'metrics.jsonl');
  const lines = parseMetrics(existsSync(metrics) ? readFileSync(metrics, 'utf8') : '');
  check(lines.length, `${path}: has no metrics yet`, 'train a while');
  const file = weightsFile(path);
  const { tensors: weights, metadata } = readSafetensors(file, trust);
  const pictures = [...(await filters(weights, factsIn(metadata, file))), ...(await reported(path))];
  const end = statSync(metrics).mtimeMs / 1000;
  const parts = eventsOf({ lines, stats: statsOf(path), weights, pictures, end, batchSize: config.batchSize });
  const name = `events.out.tfevents.${Math.floor(end)}.${hostname()}`;
  writeFolder(out, Object.fromEntries(Object.entries(parts).map(([part, events]) => [join(part, name), eventFile(events)])));
  return { path: out, about: `${lines.length} lines of metrics; see them with tensorboard --logdir ${out}` };
}

interface StatsLine {
  readonly step: number;
  readonly layers: LayerStats[];
}

const isStats = (json: unknown): json is StatsLine => {
  const { step, layers } = { ...(json as Partial<StatsLine> | null) };
  return Number.isFinite(step) && Array.isArray(layers);
};

/** What layers did, where the run was asked for it. */
function statsOf(path: string): StatsLine[] {
  const file = join(path, 'stats.jsonl');
  return existsSync(file) ? jsonLines(readFileSync(file, 'utf8'), isStats) : [];
}

/** Filters in a row, and most pixels of a tap and, as far as it has fewer taps, of a side. */
const ACROSS = 8;
const TAP = 12;
const SIDE = 96;

/** The filters of the first layer side by side, as `descent look` shades them. */
async function filters(weights: Tensors, { shape, classes }: WeightsFacts): Promise<Picture[]> {
  const all = Object.entries(weights).map(([name, weight]) => ({ name, ...weight }));
  const first = shape && firstFilters(all, shape);
  if (!first) return [];
  const { count, h, w, ...rest } = filtersOf(first, first.data, shape, classes?.length ?? 0);
  const tap = Math.max(1, Math.min(TAP, Math.floor(SIDE / Math.max(h, w))));
  const [cellH, cellW] = [h * tap + 2, w * tap + 2];
  const [height, width] = [Math.ceil(count / ACROSS) * cellH, Math.min(count, ACROSS) * cellW];
  const pixels = new Uint8Array(height * width * 3).fill(255);
  for (let i = 0; i < count; i++) {
    const rgb = shades({ count, h, w, ...rest }, i);
    for (let y = 0; y < h * tap; y++) {
      for (let x = 0; x < w * tap; x++) {
        const from = 3 * (Math.floor(y / tap) * w + Math.floor(x / tap));
        pixels.set(rgb.subarray(from, from + 3), 3 * ((Math.floor(i / ACROSS) * cellH + y) * width + (i % ACROSS) * cellW + x));
      }
    }
  }
  const { default: sharp } = await import('sharp').catch(absent('sharp', 'drawing filters'));
  const png = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  return [{ tag: `filters/${first.name}`, png, height, width }];
}

/** The pictures of the run's report, if one was made. */
async function reported(path: string): Promise<Picture[]> {
  const { default: sharp } = await import('sharp').catch(absent('sharp', 'reading pictures'));
  const there = ['report.png', 'mistakes.png'].map(name => join(path, 'report', name)).filter(file => existsSync(file));
  return Promise.all(
    there.map(async file => {
      const png = readFileSync(file);
      const { height, width } = await sharp(png).metadata();
      return { tag: `report/${file.replace(/^.*\/|\.png$/g, '')}`, png, height, width };
    }),
  );
}
