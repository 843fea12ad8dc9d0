/** Charts as SVG text, by ECharts without a page: lines, points and bars in one or more panels, legible in print. */
import { BarChart, LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, LegendComponent, MarkLineComponent, TitleComponent } from 'echarts/components';
import { init, use, type EChartsCoreOption } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([BarChart, LineChart, ScatterChart, GridComponent, LegendComponent, MarkLineComponent, TitleComponent, SVGRenderer]);

export interface Axis {
  readonly label: string;
  /** Logarithmic; values at or below 0 are left out. */
  readonly log?: boolean;
  /** Values are shares and read as percent. */
  readonly percent?: boolean;
  readonly min?: number;
  readonly max?: number;
}

/** A named set of points. A name has one colour in all panels. A point that is not finite breaks a line. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly dashed?: boolean;
  /** A thin grey line without an entry in the legend: contours, references. */
  readonly muted?: boolean;
  /** Each point is marked: few measurements rather than a course. */
  readonly dots?: boolean;
}

export type Panel = { readonly title?: string; readonly y: Axis } & (
  | { readonly kind: 'line' | 'scatter'; readonly x: Axis; readonly series: readonly Series[];
      /** Vertical lines with a word beside them. */
      readonly marks?: readonly { readonly x: number; readonly label: string }[] }
  /** Bars lie on their side, one a category from top to bottom, so that long names stay legible; `y` is their length. */
  | { readonly kind: 'bar'; readonly categories: readonly string[]; readonly series: readonly { readonly name: string; readonly values: readonly number[] }[] });

export interface ChartOptions {
  readonly title?: string;
  /** Size of one panel's drawing area, pixels. */
  readonly width?: number;
  readonly height?: number;
  /** Panels beside each other before the next row begins. */
  readonly columns?: number;
}

/** Okabe and Ito's colours, which colour-blind readers and grey printers keep apart; yellow left out as too faint. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#000000', '#7f5fc4', '#8c6d31', '#a3a3a3'];
const DASHES = ['solid', [8, 4], [2, 3], [10, 3, 2, 3]] as const; // beyond ten series the colours come again, dashed
const FONT = 'DejaVu Sans, Verdana, sans-serif', INK = '#1a1a1a', LINES = '#d9d9d9';
const LEFT = 84, RIGHT = 28, HEAD = 40, FOOT = 62, LETTER = 7.6; // pixels around a panel; a letter's mean width at 12 px

/** What ECharts adds for a pointer over the picture. */
const HOVER = / (?:class|ecmeta_\w+|pointer-events)="[^"]*"|<style\b.*?<\/style>\n?/gs;

/** The panels as one SVG on white. Equal panels give equal text. */
export function draw(panels: readonly Panel[], { title, width = 420, height = 260, columns = 2 }: ChartOptions = {}): string {
  const names = [...new Set(panels.flatMap(p => p.series.filter(s => !('muted' in s && s.muted)).map(s => s.name)))];
  const across = Math.min(columns, panels.length), down = Math.ceil(panels.length / across);
  const left = LEFT + Math.max(0, ...panels.map(p => p.kind === 'bar' ? Math.max(...p.categories.map(c => c.length)) * LETTER - 40 : 0));
  const total = across * (left + width + RIGHT);
  const legendRows = names.length > 1 ? Math.ceil(names.reduce((sum, n) => sum + n.length * LETTER + 56, 0) / (total - 40)) : 0;
  const top = (title ? 44 : 12) + legendRows * 24;
  const style = (name: string) => {
    const i = Math.max(0, names.indexOf(name));
    return { color: COLOURS[i % COLOURS.length]!, dash: DASHES[Math.floor(i / COLOURS.length) % DASHES.length]! };
  };

  const option = {
    animation: false, backgroundColor: '#ffffff', textStyle: { fontFamily: FONT, color: INK, fontSize: 12 },
    title: [
      ...title ? [{ text: title, left: 'center', top: 10, textStyle: { fontFamily: FONT, color: INK, fontSize: 17 } }] : [],
      ...panels.flatMap((p, i) => p.title ? [{
        text: p.title, left: place(i).left + width / 2, top: place(i).top - 27, textAlign: 'center', padding: 0,
        textStyle: { fontFamily: FONT, color: INK, fontSize: 14 },
      }] : []),
    ],
    legend: { show: legendRows > 0, data: names, top: title ? 40 : 12, left: 'center', width: total - 40, itemGap: 18, itemWidth: 28, textStyle: { fontFamily: FONT, color: INK, fontSize: 12 } },
    grid: panels.map((_, i) => ({ ...place(i), width, height })),
    xAxis: panels.map((p, i) => p.kind === 'bar' ? axis(p.y, i, 'x') : axis(p.x, i, 'x')),
    yAxis: panels.map((p, i) => p.kind === 'bar'
      ? { type: 'category', inverse: true, data: p.categories, gridIndex: i, axisLine: { lineStyle: { color: INK } }, axisTick: { show: false }, axisLabel: { color: INK, fontFamily: FONT, interval: 0 } }
      : axis(p.y, i, 'y')),
    series: panels.flatMap((p, i): object[] => p.kind === 'bar' ? p.series.map(s => bar(p, s, i)) : p.series.map((s, k) => points(p, s, i, k === 0))),
  } as unknown as EChartsCoreOption; // the tuple types of dashes and data reject arrays made by map

  function place(i: number): { left: number; top: number } {
    return { left: i % across * (left + width + RIGHT) + left, top: top + Math.floor(i / across) * (HEAD + height + FOOT) + HEAD };
  }
  function bar(p: Panel & { kind: 'bar' }, s: { name: string; values: readonly number[] }, i: number) {
    return {
      type: 'bar', name: s.name, data: s.values.map(v => Number.isFinite(v) ? v : null), xAxisIndex: i, yAxisIndex: i, itemStyle: { color: style(s.name).color }, barMaxWidth: 22, barGap: '10%',
      label: { show: true, position: 'right', color: INK, fontFamily: FONT, fontSize: 11, formatter: (d: { value: number | null }) => d.value === null ? '' : format(p.y, d.value) },
    };
  }
  function points(p: Panel & { kind: 'line' | 'scatter' }, s: Series, i: number, first: boolean) {
    const { color, dash } = s.muted ? { color: '#b0b0b0', dash: 'solid' as const } : style(s.name);
    const drawn = ([x, y]: readonly [number, number]) => Number.isFinite(x) && Number.isFinite(y) && !(p.x.log && x <= 0) && !(p.y.log && y <= 0);
    const dots = p.kind === 'scatter' || s.dots || s.points.length === 1;
    return {
      type: p.kind, name: s.name, xAxisIndex: i, yAxisIndex: i, data: s.points.map(q => drawn(q) ? q : [q[0], null]),
      showSymbol: dots, symbol: dots ? s.dashed ? 'diamond' : 'circle' : 'none', symbolSize: p.kind === 'scatter' ? 8 : 6, itemStyle: { color },
      ...p.kind === 'line' ? { lineStyle: { color, width: s.muted ? 1 : 2, type: s.dashed ? DASHES[1] : dash }, connectNulls: false } : {},
      ...first && p.marks ? {
        markLine: {
          symbol: 'none', silent: true, precision: 12, lineStyle: { color: INK, type: DASHES[1], width: 1.2 },
          data: p.marks.map(m => ({ xAxis: m.x, label: { formatter: m.label, position: 'end', align: 'right', offset: [-6, 18], backgroundColor: '#ffffff', padding: 2, color: INK, fontFamily: FONT } })),
        },
      } : {},
    };
  }

  const chart = init(null, null, { renderer: 'svg', ssr: true, width: total, height: top + down * (HEAD + height + FOOT) });
  try {
    chart.setOption(option);
    return chart.renderToSVGString().replace(HOVER, '').replace(/\bzr\d+-/g, 'zr-');
  } finally {
    chart.dispose();
  }
}

function axis(a: Axis, gridIndex: number, side: 'x' | 'y') {
  return {
    type: a.log ? 'log' : 'value', gridIndex, name: a.label, nameLocation: 'middle', nameGap: side === 'x' ? 32 : 56, min: a.min, max: a.max, scale: true,
    nameTextStyle: { fontFamily: FONT, color: INK, fontSize: 13 },
    axisLine: { show: true, onZero: false, lineStyle: { color: INK } }, axisTick: { show: true, lineStyle: { color: INK } }, splitLine: { lineStyle: { color: LINES } },
    axisLabel: { color: INK, fontFamily: FONT, fontSize: 12, hideOverlap: true, formatter: (v: number) => format(a, v) },
  };
}

/** A value as its axis shows it, at most four digits. */
function format({ percent, log }: Axis, v: number): string {
  if (percent) return `${Number((v * 100).toPrecision(4))}%`;
  const size = Math.abs(v);
  return size !== 0 && (size >= 1e5 || size < 1e-3 || log && size < 0.01) ? v.toExponential(2).replace(/\.?0+e\+?/, 'e') : String(Number(v.toPrecision(4)));
}
