/** Axes of a chart, and how numbers are written on it. */
import uPlot from 'uplot';
import { isDark } from '../dom.ts';
import type { View } from './line.ts';

/** A number in words, to so many digits where a few do not tell it from others. */
export type Format = (v: number, digits?: number) => string;

export const formatOf = (percent = false): Format => (percent ? percentOf : short);

/** As many digits as tell values apart: whole percents on an axis, tenths where they are read. */
function percentOf(v: number, digits = 4): string {
  const p = 100 * v;
  return `${Number(p.toFixed(digits - (p > 99.5 && p < 100 ? 2 : 3)))} %`;
}

function short(v: number, digits = 4): string {
  const plain = v === 0 || (Math.abs(v) < 1e4 && Math.abs(v) >= 1e-3);
  return plain ? Number(v.toPrecision(digits)).toString() : v.toExponential(digits - 3).replace(/\.?0+e/, 'e');
}

/** The numbers of an axis, no two of them alike. */
export function labelsOf(splits: readonly number[], format: Format): string[] {
  const said = [4, 5, 6, 7, 8].map(digits => splits.map(v => format(v, digits)));
  return said.find(all => new Set(all).size === all.length) ?? said[0]!;
}

const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';
/** Steps are whole. */
const WHOLE = [1, 2, 5, 10, 20, 25, 50, ...Array.from({ length: 7 }, (_, k) => [1, 2, 2.5, 5].map(n => n * 10 ** (k + 2))).flat()];

export function axesOf({ across = 'step', log }: View, format: Format): uPlot.Axis[] {
  const stroke = isDark() ? '#aab4c0' : '#56606b';
  const lines = isDark() ? '#2c343d' : '#e4e8ec';
  const common = { stroke, font: FONT, labelFont: FONT, ticks: { stroke: lines, width: 1, size: 4 } };
  return [
    {
      ...common,
      grid: { show: false },
      border: { show: true, stroke: lines, width: 1 },
      label: across === 'seconds' ? 'seconds of training' : across,
      labelSize: 16,
      labelGap: 0,
      size: 26,
      gap: 3,
      space: 64,
      ...(across === 'step' && { incrs: WHOLE }),
      values: (_, splits) => splits.map(v => (v === null ? '' : Number(v.toPrecision(6)).toLocaleString('en-US'))),
    },
    {
      ...common,
      grid: { stroke: lines, width: 1, ...(log && { filter: asIs }) },
      ...(log && { ticks: { ...common.ticks, filter: asIs } }),
      gap: 4,
      space: 34,
      // As wide as the longest number on it; eleven pixels are read at six to the letter.
      size: (_, values) => 12 + 6.6 * (values ?? []).reduce((most, v) => Math.max(most, v?.length ?? 0), 2),
      values: (_, splits) => labelsOf(splits, format),
      ...(log && {
        splits: (u: uPlot, _: number, low: number, high: number) => logTicks(low, high, u.bbox.height / uPlot.pxRatio),
        filter: asIs,
      }),
    },
  ];
}

/** Each line of a logarithmic axis has its number: uPlot would leave most of the numbers out, and draw all the lines. */
const asIs: uPlot.Axis.Filter = (_, splits) => splits;

/** Least pixels between two lines of a logarithmic axis. */
const APART = 24;

/**
 * Where a logarithmic axis from `low` to `high`, so many pixels high, has its lines: of decades, 1, 2 and 5 of each, and equal steps, the
 * most that stand far enough apart. Less than a decade may have no power of ten in view.
 */
export function logTicks(low: number, high: number, height: number): number[] {
  const first = Math.floor(Math.log10(low));
  const decades = Array.from({ length: Math.ceil(Math.log10(high)) - first + 1 }, (_, i) => 10 ** (first + i));
  const equal = (step: number) =>
    Array.from({ length: Math.round((high - low) / step) + 2 }, (_, i) => step * (Math.floor(low / step) + i));
  const within = (ticks: readonly number[]) => ticks.map(v => Number(v.toPrecision(12))).filter(v => v >= low && v <= high);
  const pixels = height / Math.log(high / low);
  const candidates = [
    ...[1, 2, 3, 4, 6, 10, 30, 100].map(every => within(decades.filter((_, i) => (first + i) % every === 0))),
    within(decades.flatMap(v => [v, 2 * v, 5 * v])),
    ...[0.1, 0.2, 0.5, 1, 2, 5].map(share => within(equal(share * 10 ** Math.floor(Math.log10(high - low))))),
  ];
  const areApart = (a: number, b: number) => pixels * Math.log(b / a) >= APART;
  const fits = candidates.filter(ticks => ticks.slice(1).every((v, i) => areApart(ticks[i]!, v)));
  return fits.reduce((most, ticks) => (ticks.length > most.length ? ticks : most), []);
}
