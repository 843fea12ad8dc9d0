/** Axes of a chart, and how numbers are written on it. */
import type uPlot from 'uplot';
import { isDark } from '../dom.ts';
import type { View } from './line.ts';

export type Format = (v: number) => string;

export const formatOf = (percent = false): Format => (percent ? percentOf : short);

/** As many digits as tell values apart: whole percents on an axis, tenths where they are read. */
function percentOf(v: number): string {
  const p = 100 * v;
  return `${Number(p.toFixed(p > 99.5 && p < 100 ? 2 : 1))} %`;
}

function short(v: number): string {
  const plain = v === 0 || (Math.abs(v) < 1e4 && Math.abs(v) >= 1e-3);
  return plain ? Number(v.toPrecision(4)).toString() : v.toExponential(1);
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
      grid: { stroke: lines, width: 1 },
      gap: 4,
      space: 34,
      // As wide as the longest number on it; eleven pixels are read at six to the letter.
      size: (_, values) => 12 + 6.6 * (values ?? []).reduce((most, v) => Math.max(most, v?.length ?? 0), 2),
      values: (_, splits) => splits.map(v => (v === null || (log && !isDecade(v)) ? '' : format(v))),
    },
  ];
}

/** Where lines of a logarithmic axis have their number: 1, 2 and 5 of each decade. */
function isDecade(v: number): boolean {
  const digit = v / 10 ** Math.floor(Math.log10(v) + 1e-9);
  return [1, 2, 5].some(d => Math.abs(digit - d) < 1e-6);
}
