/** Charts as SVG text, by ECharts without a page: lines, points and bars in one or more panels, legible in print. */
import { BarChart, CustomChart, HeatmapChart, LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, LegendComponent, MarkLineComponent, TitleComponent, VisualMapComponent } from 'echarts/components';
import { init, setPlatformAPI, use, type EChartsCoreOption } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { layoutOf, namesOf } from './layout.ts';
import { bandSeries, groundSeries, whiskerSeries } from './areas.ts';
import {
  barSeries,
  categoryAxis,
  columnAxis,
  markLines,
  matrixSeries,
  pointSeries,
  timeColours,
  valueAxis,
  type Lines,
} from './options.ts';
import type { Panel } from './panel.ts';
import { COLOURS, DASHES, ENTRY, letters, SMALL, widthOf } from './style.ts';

const CHARTS = [BarChart, CustomChart, HeatmapChart, LineChart, ScatterChart];
const COMPONENTS = [GridComponent, LegendComponent, MarkLineComponent, TitleComponent, VisualMapComponent];
use([...CHARTS, ...COMPONENTS, SVGRenderer]);
// without a canvas ECharts takes letters to be narrower than those of FONT are
const measureText = (text: string, font = '') => ({ width: widthOf(text, Number(/([\d.]+)px/.exec(font)?.[1] ?? SMALL)) });
if (typeof document === 'undefined') setPlatformAPI({ measureText });

export interface ChartOptions {
  readonly title?: string | undefined;
  /** Size of one panel's drawing area, pixels. */
  readonly width?: number;
  readonly height?: number;
  /** Panels beside each other before the next row begins. */
  readonly columns?: number;
  /** All names that take colours, in order, where some of them are in another chart of the same outcome. */
  readonly names?: readonly string[];
}

/** What ECharts adds for a pointer over the picture. */
const HOVER = / (?:class|ecmeta_\w+|pointer-events)="[^"]*"|<style\b.*?<\/style>\n?/gs;

/** The panels as one SVG on white. Equal panels give equal text. */
export function draw(panels: readonly Panel[], options: ChartOptions = {}): string {
  const { title, width = 420, height = 260, columns = 2 } = options;
  const layout = layoutOf(panels, { title, width, height, columns });
  const { place, legendHeight } = layout;
  const names = [...new Set(panels.flatMap(namesOf))];
  const coloured = options.names ?? names;
  const styleOf = (name: string) => {
    const i = Math.max(0, coloured.indexOf(name));
    return { color: COLOURS[i % COLOURS.length]!, dash: DASHES[coloured.length > 5 ? i % DASHES.length : 0]! };
  };
  const head = title ? [{ text: title, left: 'center', top: 10, textStyle: letters(17) }] : [];
  const heads = panels.map((panel, i) => ({
    text: panel.title ?? '',
    left: place(i).left + width / 2,
    top: place(i).top - 27 - legendHeight,
    textAlign: 'center',
    padding: 0,
    textStyle: letters(14),
  }));
  const inside = (panel: Panel, i: number) => {
    const { left, top } = place(i);
    return legend(namesOf(panel), { left, top: top - legendHeight - 4, width });
  };
  const legends = [
    ...(layout.shared.length ? [legend(layout.shared, { left: 'center', top: title ? 42 : 12, width: layout.width - 40 })] : []),
    ...(legendHeight ? panels.map(inside) : []),
  ];

  const series = panels.map((panel, i) => seriesOf(panel, i, styleOf));
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: layout.width, height: layout.height });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      textStyle: letters(12),
      title: [...head, ...heads.filter(h => h.text)],
      legend: legends,
      grid: panels.map((_, i) => ({ ...place(i), width, height })),
      xAxis: panels.map(acrossOf),
      yAxis: panels.map((panel, i) => ('categories' in panel ? categoryAxis(panel, i) : valueAxis(panel.y, i, 'y', along(panel, 1)))),
      series: series.flat(),
      visualMap: panels.flatMap((panel, i) => {
        const before = series.slice(0, i).flat().length;
        if (panel.kind === 'matrix') return { ...SHADES, seriesIndex: before };
        if (panel.kind === 'bar' || !panel.shaded) return [];
        const own = before + series[i]!.length - panel.series.length; // after ground and bands
        const shaded = panel.series.flatMap((s, k) => (s.shades ? [own + k] : []));
        const { left, top } = place(i);
        return timeColours(panel.shaded, shaded, { left: left + width - 170, top: top + height - 24 });
      }),
    } as unknown as EChartsCoreOption); // the tuple types of dashes and data reject arrays made by map
    const svg = chart.renderToSVGString().replace(HOVER, '');
    return svg.replace(/\bzr\d+-/g, 'zr-'); // numbers of a chart in its process
  } finally {
    chart.dispose();
  }
}

function acrossOf(panel: Panel, i: number): object {
  if (panel.kind === 'matrix') return columnAxis(panel, i);
  if (panel.kind !== 'bar') return valueAxis(panel.x, i, 'x', along(panel, 0));
  const values = panel.series.flatMap(s => s.values);
  return valueAxis(panel.y, i, 'x', values, true);
}

/** All that is drawn along an axis. */
const along = ({ series }: Lines, axis: 0 | 1): number[] =>
  series.flatMap(({ points, band = [] }) => [...points.map(p => p[axis]), ...band.flatMap(([x, low, high]) => (axis ? [low, high] : [x]))]);

type StyleOf = (name: string) => { color: string; dash: (typeof DASHES)[number] };

/** The colour of a share of a row. */
const SHADES = { type: 'continuous', show: false, min: 0, max: 1, inRange: { color: ['#ffffff', COLOURS[0]] } };

function seriesOf(panel: Panel, i: number, styleOf: StyleOf): object[] {
  if (panel.kind === 'matrix') return [matrixSeries(panel, i)];
  if (panel.kind === 'bar') {
    const whiskers = panel.series.flatMap((s, k) => (s.deviations ? [whiskerSeries(panel, s, k, i)] : []));
    return [...panel.series.map(s => barSeries(panel, s, i, styleOf(s.name).color)), ...whiskers];
  }
  const marked = panel.marks && { markLine: markLines(panel.marks) };
  return [
    ...(panel.ground ? [groundSeries(panel, panel.ground, i)] : []),
    ...panel.series.flatMap(s => (s.band ? [bandSeries(s.band, i, styleOf(s.name).color)] : [])),
    ...panel.series.map((s, k) => ({ ...pointSeries(panel, s, i, styleOf(s.name)), ...(k === 0 && marked) })),
  ];
}

const legend = (names: readonly string[], at: { left: number | string; top: number; width: number }) => ({
  data: names,
  ...at,
  itemGap: ENTRY.gap,
  itemWidth: ENTRY.symbol,
  itemHeight: 10,
  padding: 0,
  textStyle: letters(SMALL),
});
