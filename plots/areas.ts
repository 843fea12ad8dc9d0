/** What lies over and under lines and bars: values of a plane as colours, bands, whiskers, as ECharts draws shapes of one's own. */
import { BARS, type Bars, type Lines } from './options.ts';
import type { Bar, Ground, Series } from './panel.ts';
import { COLOURS, INK, NEGATIVE } from './style.ts';

/** What ECharts hands to whoever draws a shape. */
interface Api {
  value(dimension: number): number;
  coord(point: readonly [x: number, y: number]): readonly [px: number, py: number];
  /** The places of bars within a category. */
  barLayout(o: { readonly count: number }): readonly { readonly offsetCenter: number }[];
}

/** `ground` as squares over the whole of a panel. */
export function groundSeries({ x, y }: Lines, { columns, rows, values, colours, range }: Ground, panel: number) {
  const finite = Array.from(values).filter(Number.isFinite);
  const [low, high] = range ?? [Math.min(...finite), Math.max(...finite)];
  const colour = colours === 'rising' ? rising : signed;
  const [x0, y0] = [x.min!, y.min!];
  const [width, height] = [(x.max! - x0) / columns, (y.max! - y0) / rows];
  const cells = Array.from(values, (value, i) => [x0 + (i % columns) * width, y0 + Math.floor(i / columns) * height, value] as const);
  return {
    type: 'custom',
    xAxisIndex: panel,
    yAxisIndex: panel,
    silent: true,
    z: 0,
    data: cells.filter(([, , value]) => Number.isFinite(value)),
    renderItem(_: unknown, api: Api) {
      const [left, top] = api.coord([api.value(0), api.value(1) + height]);
      const [right, bottom] = api.coord([api.value(0) + width, api.value(1)]);
      const share = high > low ? (api.value(2) - low) / (high - low) : 0.5;
      // half a pixel more on each side leaves no light lines between squares
      const shape = { x: left, y: top, width: right - left + 0.5, height: bottom - top + 0.5 };
      return { type: 'rect', shape, style: { fill: colour(Math.min(1, Math.max(0, share))) } };
    },
  };
}

/** The shade between two lines. */
export function bandSeries(band: NonNullable<Series['band']>, panel: number, color: string) {
  return {
    type: 'custom',
    xAxisIndex: panel,
    yAxisIndex: panel,
    silent: true,
    clip: true,
    z: 1,
    data: [[0]],
    renderItem(_: unknown, api: Api) {
      const points = [...band.map(([x, , high]) => api.coord([x, high])), ...band.map(([x, low]) => api.coord([x, low])).reverse()];
      return { type: 'polygon', shape: { points }, style: { fill: color, opacity: 0.18 } };
    },
  };
}

/** Whiskers of the bars number `k` of a panel, as far to both sides of their ends as these deviate. */
export function whiskerSeries({ series }: Bars, { values, deviations = [] }: Bar, k: number, panel: number) {
  const END = 4;
  return {
    type: 'custom',
    xAxisIndex: panel,
    yAxisIndex: panel,
    silent: true,
    z: 4,
    encode: { x: [1, 2], y: 0 },
    data: deviations.map((d, i) => [i, values[i]! - d, values[i]! + d]).filter(row => row.every(Number.isFinite)),
    renderItem(_: unknown, api: Api) {
      const off = api.barLayout({ ...BARS, count: series.length })[k]!.offsetCenter;
      const [low, middle] = api.coord([api.value(1), api.value(0)]);
      const [high] = api.coord([api.value(2), api.value(0)]);
      const y = middle + off;
      const line = (x1: number, y1: number, x2: number, y2: number) => ({
        type: 'line',
        shape: { x1, y1, x2, y2 },
        style: { stroke: INK, lineWidth: 1.2 },
      });
      const ends = [low, high].map(x => line(x, y - END, x, y + END));
      return { type: 'group', children: [line(low, y, high, y), ...ends] };
    },
  };
}

/** The channels of `#0072b2`. */
const channels = (colour: string): readonly number[] => [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16));

/** White and a colour mixed, with `share` of the colour. */
const tint = (colour: string, share: number): string => {
  const mixed = channels(colour).map(c => Math.round(255 + (c - 255) * share));
  return `rgb(${mixed.join(',')})`;
};

const rising = (share: number): string => tint(COLOURS[0], 0.08 + 0.92 * share);
const signed = (share: number): string => (share < 0.5 ? tint(NEGATIVE, 1 - 2 * share) : tint(COLOURS[0], 2 * share - 1));
