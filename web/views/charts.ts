/** Curves of runs by ECharts, loaded when the first chart is wanted. */
import { CustomChart, LineChart } from 'echarts/charts';
import { DataZoomInsideComponent, GridComponent, TooltipComponent } from 'echarts/components';
import { init, use, type EChartsType } from 'echarts/core';
import { LabelLayout } from 'echarts/features';
import { CanvasRenderer } from 'echarts/renderers';
import { isDark } from './dom.ts';

use([CustomChart, LineChart, DataZoomInsideComponent, GridComponent, TooltipComponent, LabelLayout, CanvasRenderer]);

export type Point = readonly [x: number, y: number];
export interface Curve {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly Point[];
  readonly dashed?: boolean;
  /** In the background, and left out of what is read. */
  readonly faint?: boolean;
  /** Stands at its end. */
  readonly label?: string | undefined;
}
/** What lies between two curves is shaded. */
export interface Gap {
  readonly colour: string;
  readonly from: readonly Point[];
  readonly to: readonly Point[];
}

export interface CurveChart {
  show(curves: readonly Curve[], gaps?: readonly Gap[]): void;
  close(): void;
}

interface ChartOptions {
  readonly percent?: boolean;
  readonly log?: boolean;
  readonly height?: number;
}

export function curveChart(parent: HTMLElement, label: string, o: ChartOptions = {}): CurveChart {
  parent.className = 'chart empty';
  parent.setAttribute('role', 'img');
  parent.setAttribute('aria-label', label);
  parent.style.height = `${o.height ?? 230}px`;
  let chart: EChartsType | undefined;
  let last: Parameters<CurveChart['show']> = [[]];
  const watch = new ResizeObserver(() => {
    // a view that is not shown has no size yet
    if (!parent.clientWidth) return;
    if (chart) {
      chart.resize();
    } else {
      chart = init(parent);
      self.show(...last);
    }
  });
  const format = o.percent ? percentOf : short;
  const self: CurveChart = {
    show(curves, gaps = []) {
      last = [curves, gaps];
      const read = curves
        .filter(c => c.points.length && !c.faint)
        .map(({ name, points }) => {
          const [x, y] = points.at(-1)!;
          return `${name}: ${format(y)} at step ${x}`;
        });
      parent.setAttribute('aria-label', [label, ...read].join('; '));
      const empty = curves.every(c => !c.points.length);
      parent.classList.toggle('empty', empty);
      if (!chart) return;
      if (empty) return chart.clear();
      const ink = isDark() ? '#aab4c0' : '#56606b';
      const lines = isDark() ? '#2c343d' : '#e4e8ec';
      const right = curves.some(c => c.label) ? 22 : 14;
      chart.setOption(
        {
          animation: false,
          grid: { left: 8, right, top: 12, bottom: 6, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
          tooltip: {
            trigger: 'axis',
            confine: true,
            valueFormatter: (v: unknown) => (typeof v === 'number' ? format(v) : ''),
            backgroundColor: isDark() ? '#20262d' : '#fff',
            borderColor: lines,
            textStyle: { color: isDark() ? '#e8edf2' : '#1a2027', fontSize: 12 },
          },
          dataZoom: [{ type: 'inside', zoomOnMouseWheel: 'ctrl' }],
          xAxis: {
            type: 'value',
            min: 0,
            max: 'dataMax',
            axisLabel: { color: ink },
            splitLine: { show: false },
            axisLine: { lineStyle: { color: lines } },
          },
          yAxis: {
            type: o.log ? 'log' : 'value',
            scale: true,
            axisLabel: { color: ink, formatter: format },
            splitLine: { lineStyle: { color: lines } },
          },
          series: [...gaps.filter(g => g.from.length > 1 && g.to.length > 1).map(shaded), ...curves.map(curve => lineOf(curve, ink))],
        } as never,
        { notMerge: true, lazyUpdate: true },
      );
    },
    close() {
      watch.disconnect();
      chart?.dispose();
    },
  };
  watch.observe(parent);
  return self;
}

const percentOf = (v: number): string => `${(100 * v).toFixed(v > 0.995 && v < 1 ? 2 : 1)} %`;
function short(v: number): string {
  const plain = v === 0 || (Math.abs(v) < 1e4 && Math.abs(v) >= 1e-3);
  return plain ? Number(v.toPrecision(4)).toString() : v.toExponential(1);
}

/** The series of a gap: one polygon, drawn as a custom item. */
function shaded({ colour, from, to }: Gap): object {
  const outline = [...from, ...[...to].reverse()];
  return {
    type: 'custom',
    silent: true,
    data: [0],
    z: 1,
    tooltip: { show: false },
    clip: true,
    renderItem: (_: unknown, api: { coord(p: Point): number[] }) => ({
      type: 'polygon',
      shape: { points: outline.map(p => api.coord(p)) },
      style: { fill: colour, opacity: 0.14 },
    }),
  };
}

/** The series of a curve; `ink` is the colour of words. */
function lineOf({ name, colour, points, dashed, faint, label }: Curve, ink: string): object {
  return {
    type: 'line',
    name,
    data: points,
    showSymbol: points.length === 1,
    symbolSize: 5,
    z: 2,
    silent: faint,
    tooltip: { show: !faint },
    sampling: 'lttb',
    lineStyle: {
      width: dashed ? 2.2 : faint ? 1 : 1.8,
      opacity: faint ? 0.3 : 1,
      type: dashed ? [6, 3] : 'solid',
      color: colour,
    },
    itemStyle: { color: colour },
    ...(label && {
      endLabel: { show: true, formatter: label, color: ink, distance: 3, fontSize: 11, fontWeight: 600 },
      labelLayout: { hideOverlap: true },
    }),
  };
}
