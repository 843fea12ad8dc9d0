/** Charts as SVG text, by ECharts without a page: lines, points and bars in one or more panels, legible in print. */
import { BarChart, LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, LegendComponent, MarkLineComponent, TitleComponent } from 'echarts/components';
import { init, use, type EChartsCoreOption } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([
  BarChart,
  LineChart,
  ScatterChart,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TitleComponent,
  SVGRenderer,
]);

export interface Axis {
  readonly label: string;
  /** Logarithmic, with ticks at powers of 10 or of the number given; values at or below 0 are left out. */
  readonly log?: boolean | number;
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
  /** Large symbols over all else, black, without a line: a start, an end. */
  readonly pins?: boolean;
}

export type Panel = { readonly title?: string; readonly y: Axis } & (
  | {
      readonly kind: 'line' | 'scatter';
      readonly x: Axis;
      readonly series: readonly Series[];
      /** Vertical lines with a word beside them. */
      readonly marks?: readonly { readonly x: number; readonly label: string }[];
    }
  /** Bars lie on their side, one a category from top to bottom, so that long names stay legible; `y` is their length. */
  | {
      readonly kind: 'bar';
      readonly categories: readonly string[];
      readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
    }
);

export interface ChartOptions {
  readonly title?: string;
  /** Size of one panel's drawing area, pixels. */
  readonly width?: number;
  readonly height?: number;
  /** Panels beside each other before the next row begins. */
  readonly columns?: number;
}

/** Okabe and Ito's colours, which colour-blind readers and grey printers keep apart; yellow left out as too faint. */
const COLOURS = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#56b4e9',
  '#e69f00',
  '#000000',
  '#7f5fc4',
  '#8c6d31',
  '#a3a3a3',
];
// of more than five series, so that lines on each other and grey prints can be told apart
const DASHES = ['solid', [8, 4], [2, 3]] as const;
const FONT = 'DejaVu Sans, Verdana, sans-serif';
const INK = '#1a1a1a';
const LINES = '#d9d9d9';
// pixels around a panel, of a row of a legend; a letter's mean width at 12 px
const LEFT = 84;
const RIGHT = 28;
const HEAD = 40;
const FOOT = 62;
const ROW = 22;
const LETTER = 7.6;

/** What ECharts adds for a pointer over the picture. */
const HOVER = / (?:class|ecmeta_\w+|pointer-events)="[^"]*"|<style\b.*?<\/style>\n?/gs;

/** The panels as one SVG on white. Equal panels give equal text. */
export function draw(
  panels: readonly Panel[],
  { title, width = 420, height = 260, columns = 2 }: ChartOptions = {},
): string {
  const namesOf = (p: Panel): string[] =>
    p.kind === 'bar' && p.series.length === 1 ? [] : p.series.filter(s => !('muted' in s && s.muted)).map(s => s.name);
  const names = [...new Set(panels.flatMap(namesOf))];
  const across = Math.min(columns, panels.length);
  const down = Math.ceil(panels.length / across);
  const left =
    LEFT
    + Math.max(
      0,
      ...panels.map(p => (p.kind === 'bar' ? Math.max(...p.categories.map(c => c.length)) * LETTER - 40 : 0)),
    );
  const total = across * (left + width + RIGHT);
  const rowsOf = (list: readonly string[], room: number): number => {
    let rows = 1;
    let used = 0;
    for (const n of list) {
      const wide = n.length * LETTER + 50;
      if (used && used + wide > room) {
        rows++;
        used = 0;
      }
      used += wide;
    }
    return list.length > 1 ? rows : 0;
  };
  // panels that show the same names share a legend on top, others have one each
  const shared = panels.every(p => namesOf(p).length === names.length);
  const inside = shared ? 0 : Math.max(...panels.map(p => rowsOf(namesOf(p), width)));
  const top = (title ? 44 : 12) + (shared ? rowsOf(names, total - 40) * 24 : 0);
  const head = (panels.some(p => p.title) ? HEAD : 14) + inside * ROW;
  const style = (name: string) => {
    const i = Math.max(0, names.indexOf(name));
    return { color: COLOURS[i % COLOURS.length]!, dash: DASHES[names.length > 5 ? i % DASHES.length : 0]! };
  };
  const legend = (data: readonly string[], at: { left: number | string; top: number; width: number }) => ({
    show: data.length > 1,
    data,
    ...at,
    itemGap: 14,
    itemWidth: 28,
    itemHeight: 10,
    padding: 0,
    textStyle: { fontFamily: FONT, color: INK, fontSize: 12 },
  });

  const option = {
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: FONT, color: INK, fontSize: 12 },
    title: [
      ...(title
        ? [{ text: title, left: 'center', top: 10, textStyle: { fontFamily: FONT, color: INK, fontSize: 17 } }]
        : []),
      ...panels.flatMap((p, i) =>
        p.title
          ? [
              {
                text: p.title,
                left: place(i).left + width / 2,
                top: place(i).top - 27 - inside * ROW,
                textAlign: 'center',
                padding: 0,
                textStyle: { fontFamily: FONT, color: INK, fontSize: 14 },
              },
            ]
          : [],
      ),
    ],
    legend: shared
      ? legend(names, { left: 'center', top: title ? 42 : 12, width: total - 40 })
      : panels.map((p, i) => legend(namesOf(p), { left: place(i).left, top: place(i).top - inside * ROW - 4, width })),
    grid: panels.map((_, i) => ({ ...place(i), width, height })),
    xAxis: panels.map((p, i) => (p.kind === 'bar' ? axis(p.y, i, 'x') : axis(p.x, i, 'x'))),
    yAxis: panels.map((p, i) =>
      p.kind === 'bar'
        ? {
            type: 'category',
            inverse: true,
            data: p.categories,
            gridIndex: i,
            axisLine: { lineStyle: { color: INK } },
            axisTick: { show: false },
            axisLabel: { color: INK, fontFamily: FONT, interval: 0 },
          }
        : axis(p.y, i, 'y'),
    ),
    series: panels.flatMap((p, i): object[] =>
      p.kind === 'bar' ? p.series.map(s => bar(p, s, i)) : p.series.map((s, k) => points(p, s, i, k === 0)),
    ),
  } as unknown as EChartsCoreOption; // the tuple types of dashes and data reject arrays made by map

  function place(i: number): { left: number; top: number } {
    return {
      left: (i % across) * (left + width + RIGHT) + left,
      top: top + Math.floor(i / across) * (head + height + FOOT) + head,
    };
  }
  function bar(p: Panel & { kind: 'bar' }, s: { name: string; values: readonly number[] }, i: number) {
    const tenths = p.series.some(t => t.values.some(v => Number((v * 100).toFixed(1)) % 1));
    return {
      type: 'bar',
      name: s.name,
      data: s.values.map(v => (Number.isFinite(v) ? v : null)),
      xAxisIndex: i,
      yAxisIndex: i,
      itemStyle: { color: style(s.name).color },
      barMaxWidth: 22,
      barGap: '10%',
      label: {
        show: true,
        position: 'right',
        color: INK,
        fontFamily: FONT,
        fontSize: 11,
        formatter: (d: { value: number | null }) =>
          d.value === null ? '' : p.y.percent ? `${(d.value * 100).toFixed(tenths ? 1 : 0)}%` : format(p.y, d.value),
      },
    };
  }
  function points(p: Panel & { kind: 'line' | 'scatter' }, s: Series, i: number, first: boolean) {
    const { color, dash } = s.pins
      ? { color: INK, dash: 'solid' as const }
      : s.muted
        ? { color: '#b0b0b0', dash: 'solid' as const }
        : style(s.name);
    const drawn = ([x, y]: readonly [number, number]) =>
      Number.isFinite(x) && Number.isFinite(y) && !(p.x.log && x <= 0) && !(p.y.log && y <= 0);
    const dots = p.kind === 'scatter' || s.dots || s.pins || s.points.length === 1;
    return {
      type: p.kind,
      name: s.name,
      xAxisIndex: i,
      yAxisIndex: i,
      data: s.points.map(q => (drawn(q) ? q : [q[0], null])),
      showSymbol: dots,
      symbol: dots ? (s.dashed ? 'diamond' : 'circle') : 'none',
      symbolSize: s.pins ? 12 : p.kind === 'scatter' ? 8 : 6,
      itemStyle: { color, ...(s.pins && { borderColor: '#ffffff', borderWidth: 2 }) },
      z: s.pins ? 5 : 2,
      ...(p.kind === 'line'
        ? {
            lineStyle: { color, width: s.pins ? 0 : s.muted ? 1 : 2, type: s.dashed ? DASHES[1] : dash },
            connectNulls: false,
          }
        : {}),
      ...(first && p.marks
        ? {
            markLine: {
              symbol: 'none',
              silent: true,
              precision: 12,
              lineStyle: { color: INK, type: DASHES[1], width: 1.2 },
              data: p.marks.map(m => ({
                xAxis: m.x,
                label: {
                  formatter: m.label,
                  position: 'end',
                  align: 'right',
                  offset: [-6, 18],
                  backgroundColor: '#ffffff',
                  padding: 2,
                  color: INK,
                  fontFamily: FONT,
                },
              })),
            },
          }
        : {}),
    };
  }

  const chart = init(null, null, {
    renderer: 'svg',
    ssr: true,
    width: total,
    height: top + down * (head + height + FOOT),
  });
  try {
    chart.setOption(option);
    return chart
      .renderToSVGString()
      .replace(HOVER, '')
      .replace(/\bzr\d+-/g, 'zr-');
  } finally {
    chart.dispose();
  }
}

function axis(a: Axis, gridIndex: number, side: 'x' | 'y') {
  return {
    type: a.log ? 'log' : 'value',
    ...(typeof a.log === 'number' && { logBase: a.log }),
    gridIndex,
    name: a.label,
    nameLocation: 'middle',
    nameGap: side === 'x' ? 32 : 56,
    min: a.min,
    max: a.max,
    scale: true,
    nameTextStyle: { fontFamily: FONT, color: INK, fontSize: 13 },
    axisLine: { show: true, onZero: false, lineStyle: { color: INK } },
    axisTick: { show: true, lineStyle: { color: INK } },
    splitLine: { lineStyle: { color: LINES } },
    axisLabel: {
      color: INK,
      fontFamily: FONT,
      fontSize: 12,
      hideOverlap: true,
      formatter: (v: number) => format(a, v),
    },
  };
}

/** A value as its axis shows it, at most four digits. */
function format({ percent, log }: Axis, v: number): string {
  if (percent) return `${Number((v * 100).toPrecision(4))}%`;
  const size = Math.abs(v);
  return size !== 0 && (size >= 1e5 || size < 1e-3 || (log && size < 0.01))
    ? v.toExponential(2).replace(/\.?0+e\+?/, 'e')
    : String(Number(v.toPrecision(4)));
}
