/** Axes and series as ECharts takes them; `panel` is the number of the panel they belong to. */
import type { Axis, Bar, Panel, Series } from './panel.ts';
import { DASHES, FONT, GRID, INK, letters, MUTED, TIMES } from './style.ts';

export type Bars = Extract<Panel, { kind: 'bar' }>;
export type Matrix = Extract<Panel, { kind: 'matrix' }>;
export type Lines = Exclude<Panel, Bars | Matrix>;
type Dash = (typeof DASHES)[number];

/** Decades of a logarithmic axis from which on ECharts has a tick at every tenth alone, and about how many ticks there are in place of these. */
const [DECADES, TICKS] = [10, 7];

/** Ends and ticks of a logarithmic axis whose ends, by its values where it says none, are far apart: powers. */
function powers({ log, min, max }: Axis, values: readonly number[]) {
  const base = typeof log === 'number' ? log : 10;
  const power = (end: number) => Math.round((1e6 * Math.log(end)) / Math.log(base)) / 1e6;
  const shown = values.filter(v => v > 0 && v < Infinity).map(power);
  const from = min ? power(min) : Math.floor(shown.reduce((a, b) => Math.min(a, b), Infinity));
  const to = max ? power(max) : Math.ceil(shown.reduce((a, b) => Math.max(a, b), -Infinity));
  if (!log || !Number.isFinite(to - from) || to - from < DECADES) return undefined;
  const every = Math.ceil((to - from) / TICKS);
  const first = Math.ceil(from / every);
  const at = (exponent: number) => Number((base ** exponent).toPrecision(12));
  const customValues = Array.from({ length: Math.floor(to / every) - first + 1 }, (_, i) => at(every * (first + i)));
  return { ends: { min: min ?? at(from), max: max ?? at(to) }, ticks: { customValues } };
}

/** The axis of `values`, which reaches to 0 where these are lengths. Where those along x are whole numbers, there are no ticks between such. */
export function valueAxis(axis: Axis, panel: number, side: 'x' | 'y', values: readonly number[], areLengths = false) {
  const { ends = { min: axis.min, max: axis.max }, ticks } = powers(axis, values) ?? {};
  const isWhole = side === 'x' && !axis.percent && values.length > 0 && values.every(v => Number.isInteger(v));
  return {
    type: axis.log ? 'log' : 'value',
    ...(typeof axis.log === 'number' && { logBase: axis.log }),
    gridIndex: panel,
    name: axis.label,
    nameLocation: 'middle',
    nameGap: side === 'x' ? 32 : 56,
    ...ends,
    scale: !areLengths,
    ...(isWhole && !axis.log && { minInterval: 1 }),
    nameTextStyle: letters(13),
    axisLine: { show: true, onZero: false, lineStyle: { color: INK } },
    axisTick: { show: true, lineStyle: { color: INK }, ...ticks },
    splitLine: { lineStyle: { color: GRID } },
    axisLabel: { ...letters(12), hideOverlap: true, formatter: (v: number) => format(axis, v), ...ticks },
  };
}

/** Categories of which each has a word of its own; of more than these some. */
const WORDED = 40;

/** The names of bars or rows, from top to bottom. */
export const categoryAxis = ({ categories }: Bars | Matrix, panel: number) => ({
  type: 'category',
  inverse: true,
  data: categories,
  gridIndex: panel,
  axisLine: { lineStyle: { color: INK } },
  axisTick: { show: false },
  axisLabel: { color: INK, fontFamily: FONT, interval: categories.length > WORDED ? 'auto' : 0 },
});

/** The numbers of columns. */
export const columnAxis = ({ x, categories }: Matrix, panel: number) => ({
  ...categoryAxis({ categories: categories.map((_, i) => String(i)), kind: 'matrix', x, y: x, counts: [] }, panel),
  inverse: false,
  name: x.label,
  nameLocation: 'middle',
  nameGap: 32,
  nameTextStyle: letters(13),
});

/** Squares whose counts are written in them; of more than these colours alone. */
const WRITTEN = 20;

/** Of a large table the squares that are 0 are left to the ground, which has their colour: there are millions of 1,000 categories. */
export function matrixSeries({ categories, counts }: Matrix, panel: number) {
  const n = categories.length;
  const isLarge = n > WORDED;
  const data: { value: [x: number, y: number, share: number]; count: number; label: { color: string } }[] = [];
  for (let y = 0; y < n; y++) {
    let sum = 0;
    for (let x = 0; x < n; x++) sum += counts[y * n + x]!;
    for (let x = 0; x < n; x++) {
      const count = counts[y * n + x]!;
      const share = count / (sum || 1);
      if (count || !isLarge) data.push({ value: [x, y, share], count, label: { color: share > 0.5 ? '#ffffff' : INK } });
    }
  }
  return {
    type: 'heatmap',
    xAxisIndex: panel,
    yAxisIndex: panel,
    data,
    itemStyle: { borderColor: GRID, borderWidth: isLarge ? 0 : 1 },
    label: {
      show: n <= WRITTEN,
      ...letters(11),
      formatter: ({ data }: { data: { count: number } }) => (data.count ? String(data.count) : ''),
    },
  };
}

/** How thick bars are, and how far those of one category lie apart. */
export const BARS = { barMaxWidth: 22, barGap: '10%' } as const;

/** Bars with their values written behind them, where no whisker is. */
export function barSeries({ y, series }: Bars, { name, values, deviations }: Bar, panel: number, color: string) {
  const tenths = series.some(s => s.values.some(v => Number((v * 100).toFixed(1)) % 1));
  const written = ({ value }: { value: number | null }): string => {
    if (value === null) return '';
    return y.percent ? `${(value * 100).toFixed(tenths ? 1 : 0)}%` : format(y, value);
  };
  return {
    type: 'bar',
    name,
    data: values.map(v => (Number.isFinite(v) ? v : null)),
    xAxisIndex: panel,
    yAxisIndex: panel,
    itemStyle: { color },
    ...BARS,
    label: { show: !deviations, position: 'right', ...letters(11), formatter: written },
  };
}

/** A line, or points; `style` is that of its name. Values that an axis cannot show are left out. */
export function pointSeries({ kind, x, y }: Lines, series: Series, panel: number, style: { readonly color: string; readonly dash: Dash }) {
  const { name, points, dashed, muted, pins, shades } = series;
  const color = pins ? INK : muted ? MUTED : style.color;
  const dash = pins || muted ? 'solid' : style.dash;
  const isDrawn = ([px, py]: readonly [number, number]) =>
    Number.isFinite(px) && Number.isFinite(py) && !(x.log && px <= 0) && !(y.log && py <= 0);
  const dots = kind === 'scatter' || shades || series.dots || pins || points.length === 1;
  const dotShape = dashed ? 'diamond' : 'circle';
  const dotSize = kind === 'scatter' ? 8 : 6;
  const lineWidth = muted ? 1 : 2;
  return {
    type: shades ? 'scatter' : kind,
    name,
    xAxisIndex: panel,
    yAxisIndex: panel,
    data: points.map((p, i) => [...(isDrawn(p) ? p : [p[0], null]), ...(shades ? [shades[i]!] : [])]),
    showSymbol: Boolean(dots),
    symbol: dots ? dotShape : 'none',
    symbolSize: pins ? 12 : dotSize,
    itemStyle: { color, ...(pins && { borderColor: '#ffffff', borderWidth: 2 }) },
    z: pins ? 5 : 2,
    ...(kind === 'line' && {
      lineStyle: { color, width: pins ? 0 : lineWidth, type: dashed ? DASHES[1] : dash },
      connectNulls: false,
    }),
  };
}

/** The colours of the series number `seriesIndex`, whose points are shaded, and at `left` and `top` what they mean. */
export const timeColours = ([dark, light]: NonNullable<Lines['shaded']>, seriesIndex: number[], at: { left: number; top: number }) => ({
  type: 'continuous',
  min: 0,
  max: 1,
  dimension: 2,
  seriesIndex,
  inRange: { color: TIMES },
  orient: 'horizontal',
  text: [light, dark],
  textStyle: letters(11),
  itemWidth: 10,
  itemHeight: 70,
  padding: 0,
  ...at,
});

/** Vertical lines with a word beside them; ECharts wants them as part of a series. */
export const markLines = (marks: NonNullable<Lines['marks']>) => ({
  symbol: 'none',
  silent: true,
  precision: 12,
  lineStyle: { color: INK, type: DASHES[1], width: 1.2 },
  data: marks.map(({ x, label }) => ({
    xAxis: x,
    label: {
      formatter: label,
      position: 'end',
      align: 'right',
      offset: [-6, 18],
      backgroundColor: '#ffffff',
      padding: 2,
      color: INK,
      fontFamily: FONT,
    },
  })),
});

/** A value as its axis shows it, at most four digits. */
function format({ percent, log }: Axis, value: number): string {
  if (percent) return `${Number((value * 100).toPrecision(4))}%`;
  const size = Math.abs(value);
  const isLong = size !== 0 && (size >= 1e5 || size < 1e-3 || (log && size < 0.01));
  return isLong ? value.toExponential(2).replace(/\.?0+e\+?/, 'e') : String(Number(value.toPrecision(4)));
}
