/** The metrics of a run as TensorBoard shows them: training, validation and test side by side under one name. */
import type { MetricsLine } from '../step/metrics.ts';
import type { LayerStats } from '../study/layer-stats.ts';
import type { Tensors } from '../run/safetensors.ts';
import type { Event, Summary } from './event-file.ts';

export interface Told {
  readonly lines: readonly MetricsLine[];
  /** What layers did at some steps. */
  readonly stats: readonly { readonly step: number; readonly layers: readonly LayerStats[] }[];
  /** Shown as histograms, at the last step. */
  readonly weights: Tensors;
  /** Pictures by their names, at the last step. */
  readonly pictures: readonly Extract<Summary, { png: Uint8Array }>[];
  /** When the run ended, seconds since 1970. */
  readonly end: number;
  readonly batchSize: number;
}

/** The events by part: `train`, `val`, `test`. */
export function eventsOf({ lines, stats, weights, pictures, end, batchSize }: Told): Record<string, Event[]> {
  const spent = secondsAt(lines, batchSize);
  const total = spent(lines.at(-1)?.step ?? 0);
  const at = (step: number) => ({ time: end - total + spent(step), step });
  const parts: Record<string, Event[]> = {};
  const add = (part: string, step: number, summaries: readonly Summary[]) => (parts[part] ??= []).push({ ...at(step), summaries });
  const scalars = (given: object, before = ''): Summary[] =>
    Object.entries(given).flatMap(([name, value]) => (typeof value === 'number' ? [{ tag: `${before}${name}`, scalar: value }] : []));
  for (const line of lines) {
    const { step, epoch, ...figures } = line;
    add('split' in line ? line.split : 'train', step, scalars({ ...figures, epoch }));
  }
  for (const { step, layers } of stats) {
    add(
      'train',
      step,
      layers.flatMap(layer => scalars(layer, `layers/${layer.name}/`)),
    );
  }
  const last = lines.at(-1)?.step ?? 0;
  add('train', last, [...Object.entries(weights).map(([name, { data }]) => ({ tag: `weights/${name}`, values: data })), ...pictures]);
  return parts;
}

/** The time that training took up to a step, by the speed that its lines tell. */
function secondsAt(lines: readonly MetricsLine[], batchSize: number): (step: number) => number {
  const points = [{ step: 0, seconds: 0 }];
  for (const line of lines) {
    const before = points.at(-1)!;
    if ('split' in line || !line.images_per_s || line.step <= before.step) continue;
    points.push({ step: line.step, seconds: before.seconds + ((line.step - before.step) * batchSize) / line.images_per_s });
  }
  return step => points.findLast(p => p.step <= step)!.seconds;
}
