/** What is painted on a chart: curves, what lies between two of them, numbers at their ends, and what is out of range. */
import uPlot from 'uplot';
import { isDark } from '../dom.ts';
import type { Format } from './axes.ts';
import type { Curve, Gap, Mark, Point } from './line.ts';
import type { Extent } from './range.ts';

/** The path of a curve, or a dot where it is a single point. */
export function pathOf(u: uPlot, points: readonly Point[]): uPlot.Series.Paths {
  const [stroke, fill] = [new Path2D(), new Path2D()];
  if (points.length !== 1) {
    trace(u, stroke, points, false);
    return { stroke };
  }
  const [x, y] = points[0]!;
  fill.arc(u.valToPos(x, 'x', true), u.valToPos(y, 'y', true), 3 * uPlot.pxRatio, 0, 2 * Math.PI); // filled: a dashed line would be a part of a circle
  return { stroke, fill };
}

function trace(u: uPlot, path: Path2D, points: readonly Point[], goesOn: boolean): void {
  const isLog = u.scales.y!.distr === 3;
  let begun = goesOn;
  for (const [x, y] of points) {
    if (!Number.isFinite(y) || (isLog && y <= 0)) {
      begun = false; // a value that has no place leaves a hole
      continue;
    }
    const [across, down] = [u.valToPos(x, 'x', true), u.valToPos(y, 'y', true)];
    if (begun) path.lineTo(across, down);
    else path.moveTo(across, down);
    begun = true;
  }
}

export function drawGaps(u: uPlot, gaps: readonly Gap[]): void {
  const { ctx } = u;
  for (const { colour, from, to } of gaps) {
    const outline = new Path2D();
    trace(u, outline, [...from, ...[...to].reverse()], false);
    outline.closePath();
    ctx.globalAlpha = 0.14;
    ctx.fillStyle = colour;
    ctx.fill(outline);
  }
  ctx.globalAlpha = 1;
}

/** A thin line at each mark, with its label where none stands before it. */
export function drawMarks(u: uPlot, marks: readonly Mark[], group: number | undefined): void {
  const { ctx, bbox } = u;
  const ratio = uPlot.pxRatio;
  ctx.font = `${10 * ratio}px sans-serif`;
  ctx.textBaseline = 'top';
  ctx.textAlign = 'left';
  const ends = [-Infinity, -Infinity]; // of the labels in two rows
  for (const { x, colour, label, group: own } of marks.toSorted((a, b) => a.x - b.x)) {
    const left = Math.round(u.valToPos(x, 'x', true));
    ctx.globalAlpha = group !== undefined && own !== group ? 0.2 : 0.8;
    ctx.fillStyle = colour;
    ctx.fillRect(left, bbox.top, ratio, bbox.height);
    const row = ends.findIndex(end => end < left);
    if (row < 0) continue;
    ctx.fillStyle = isDark() ? '#aab4c0' : '#56606b';
    const { width } = ctx.measureText(label);
    const at = Math.min(left + 3 * ratio, bbox.left + bbox.width - width); // the last one may stand on its line's other side
    ctx.fillText(label, at, bbox.top + (2 + 12 * row) * ratio);
    ends[row] = at + width;
  }
  ctx.globalAlpha = 1;
}

/** The label of each curve at its end, where it does not lie on another. */
export function drawLabels(u: uPlot, curves: readonly Curve[]): void {
  const { ctx, bbox } = u;
  const ratio = uPlot.pxRatio;
  ctx.save();
  ctx.font = `600 ${11 * ratio}px sans-serif`;
  ctx.fillStyle = isDark() ? '#aab4c0' : '#56606b';
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  const taken: [x: number, y: number][] = [];
  for (const { label, points } of curves) {
    const end = points.at(-1);
    if (!label || !end) continue;
    const x = Math.min(u.valToPos(end[0], 'x', true), bbox.left + bbox.width) + 4 * ratio;
    const y = u.valToPos(end[1], 'y', true);
    const isOut = x < bbox.left || y < bbox.top - 1 || y > bbox.top + bbox.height + 1;
    if (isOut || taken.some(([tx, ty]) => Math.abs(tx - x) < 16 * ratio && Math.abs(ty - y) < 11 * ratio)) continue;
    taken.push([x, y]);
    ctx.fillText(label, x, y);
  }
  ctx.restore();
}

/** Says at an edge how far values go beyond it. */
export function drawCuts(u: uPlot, { least, most }: Extent, format: Format): void {
  const { ctx, bbox } = u;
  const ratio = uPlot.pxRatio;
  ctx.save();
  ctx.font = `${11 * ratio}px sans-serif`;
  ctx.fillStyle = isDark() ? '#aab4c0' : '#56606b';
  ctx.textAlign = 'right';
  const right = bbox.left + bbox.width - 4 * ratio;
  const write = (text: string, y: number) => {
    const { width } = ctx.measureText(text);
    ctx.clearRect(right - width, y - 10 * ratio, width, 13 * ratio); // a curve below it, seen between its words too, would strike it out
    ctx.fillText(text, right, y);
  };
  if (most !== undefined) write(`↑ up to ${format(most)}`, bbox.top + 10 * ratio);
  if (least !== undefined) write(`↓ down to ${format(least)}`, bbox.top + bbox.height - 5 * ratio);
  ctx.restore();
}
