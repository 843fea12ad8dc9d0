/** Curves on axes by uPlot, loaded when the first chart is wanted. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { axesOf, formatOf } from './axes.ts';
import { extent, span } from './range.ts';
import type { Curve, Gap, Mark, View } from './line.ts';
import { drawCuts, drawGaps, drawLabels, drawMarks, pathOf } from './paint.ts';
import type { Pointer } from './pointer.ts';
import { isDark } from '../dom.ts';

export interface CurveChart {
  show(curves: readonly Curve[], gaps?: readonly Gap[], view?: View, marks?: readonly Mark[]): void;
  /** The chart as it stands, with its title and the names of its curves. */
  picture(title: string): Promise<Blob>;
  close(): void;
}

interface ChartOptions {
  readonly percent?: boolean;
  readonly height?: number;
  /** Told the part of x over which one has dragged; nothing where all is wanted back. */
  readonly onZoom?: (zoom: readonly [from: number, to: number] | undefined) => void;
}

export function curveChart(parent: HTMLElement, label: string, o: ChartOptions = {}): CurveChart {
  parent.className = 'chart empty';
  parent.role = 'img';
  parent.setAttribute('aria-label', label);
  parent.setAttribute('aria-description', `Arrow keys tell values${o.onZoom ? ', + and - zoom, 0 ends that' : ''}`);
  parent.onfocus = parent.onkeydown = told;
  if (o.height) parent.style.height = `${o.height}px`;
  const format = formatOf(o.percent);
  let pointer: Pointer | undefined;
  let chart: uPlot | undefined;
  let made = '';
  let curves: readonly Curve[] = [];
  let gaps: readonly Gap[] = [];
  let view: View = {};
  let marks: readonly Mark[] = [];
  let across: [number, number] = [0, 1];
  let up = extent([], {});

  function build(): void {
    chart?.destroy();
    const clip = (work: () => void) => (u: uPlot) => {
      const { ctx, bbox } = u;
      ctx.save();
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      work();
      ctx.restore();
    };
    const series = curves.map(
      (_, i): uPlot.Series => ({
        stroke: () => curves[i]?.colour ?? '', // one that was just replaced may draw once more
        fill: () => curves[i]?.colour ?? '',
        width: curves[i]!.dashed ? 2.2 : curves[i]!.faint ? 1 : 1.8,
        alpha: curves[i]!.faint ? 0.3 : 1,
        ...(curves[i]!.dashed && { dash: [6, 3] }),
        points: { show: false },
        paths: u => pathOf(u, curves[i]?.points ?? []),
      }),
    );
    chart = new uPlot(
      {
        width: parent.clientWidth,
        height: parent.clientHeight,
        legend: { show: false },
        padding: [10, () => Math.max(curves.some(c => c.label) ? 24 : 14, 4 + 3.3 * across[1].toFixed().length), 0, 0], // half of the last number across
        cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false, dist: 5 } },
        scales: {
          x: { time: false, range: () => across },
          y: { distr: view.log ? 3 : 1, range: () => [up.low, up.high] },
        },
        axes: axesOf(view, format),
        series: [{}, ...series],
        hooks: {
          drawAxes: [u => clip(() => drawGaps(u, gaps))(u), u => clip(() => drawMarks(u, marks, view.group))(u)],
          draw: [u => drawLabels(u, curves), u => drawCuts(u, up, format)],
          setCursor: [u => void ((pointer || u.cursor.left! >= 0) && told())],
          setSelect: [
            u => {
              if (u.select.width < 5) return;
              const [from, to] = [u.select.left, u.select.left + u.select.width].map(at => u.posToVal(at, 'x')) as [number, number];
              u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
              o.onZoom?.([from, to]);
            },
          ],
        },
      },
      [[0, 1], ...curves.map(() => [0, 0])],
      parent,
    );
    chart.over.addEventListener('dblclick', () => o.onZoom?.(undefined));
  }

  /** Says what the curves are where one points to, after the focus or a key too, by code that is loaded when one first does. */
  async function told(event?: Event): Promise<void> {
    if (!pointer) {
      const { Pointer } = await import('./pointer.ts');
      pointer ??= new Pointer(parent, () => chart && { chart, curves, view, format }, o.onZoom);
    }
    pointer.tell(event);
  }

  const isShown = (x: number) => !view.zoom || (x >= view.zoom[0] && x <= view.zoom[1]);
  const within = () => curves.map(c => ({ ...c, points: c.points.filter(([x]) => isShown(x)) }));

  function draw(): void {
    const empty = curves.every(c => !c.points.length);
    parent.classList.toggle('empty', empty);
    parent.tabIndex = empty ? -1 : 0;
    parent.role = empty ? 'img' : 'application';
    if (!parent.clientWidth) return; // a view that is not shown has no size yet
    if (empty) {
      chart?.destroy();
      chart = undefined;
      made = '';
      pointer?.tell();
      return;
    }
    const { zoom, log, whole } = view;
    across = zoom ? [...zoom] : span(curves);
    up = extent(within(), { log, whole });
    const now = JSON.stringify([isDark(), log, view.across, curves.map(c => [c.colour, c.dashed, c.faint, Boolean(c.label)])]);
    if (now !== made || !chart) {
      made = now;
      build();
    }
    curves.forEach((c, i) => {
      const stepsBack = view.group !== undefined && c.group !== undefined && c.group !== view.group;
      chart!.series[i + 1]!.alpha = (c.faint ? 0.3 : 1) * (stepsBack ? 0.2 : 1);
    });
    chart!.setData([across, ...curves.map(() => [up.low, up.high])]);
    pointer?.tell();
  }

  const watch = new ResizeObserver(() => {
    if (chart && parent.clientWidth) chart.setSize({ width: parent.clientWidth, height: parent.clientHeight });
    else draw();
    pointer?.tell();
  });
  watch.observe(parent);
  return {
    show(nextCurves, nextGaps = [], nextView = {}, nextMarks = []) {
      [curves, gaps, view, marks] = [nextCurves, nextGaps.filter(g => g.from.length > 1 && g.to.length > 1), nextView, nextMarks];
      const read = within()
        .filter(c => c.points.length && !c.faint)
        .map(({ name, points }) => `${name}: ${format(points.at(-1)![1])} at ${view.across ?? 'step'} ${short(points.at(-1)![0])}`);
      const changed = marks.filter(({ x }) => isShown(x)).map(({ name, label, step }) => `${name}: ${label} after step ${step}`);
      const text = [label, ...read, ...changed].join('; ');
      if (parent.getAttribute('aria-label') !== text) parent.setAttribute('aria-label', text);
      draw();
    },
    picture: async title => (await import('./picture.ts')).pictureOf(chart, title, curves),
    close() {
      watch.disconnect();
      chart?.destroy();
    },
  };
}

const short = (x: number): string => Number(x.toPrecision(6)).toString();
