/** A chart as a picture to save. */
import type uPlot from 'uplot';
import { check } from '../../../engine/check.ts';
import type { Curve } from './line.ts';

/** A PNG of the chart on the page's ground, under its title and the names of what is drawn. Throws where nothing is drawn. */
export function pictureOf(chart: uPlot | undefined, title: string, curves: readonly Curve[]): Promise<Blob> {
  check(chart, `${title}: there are no curves yet`, 'press Start');
  const { canvas } = chart.ctx;
  const ratio = canvas.width / chart.width;
  const named = curves.filter(c => !c.faint && c.points.length);
  const line = 18 * ratio;
  const out = document.createElement('canvas');
  out.width = canvas.width;
  out.height = canvas.height + line * (named.length + 1.6);
  const context = out.getContext('2d')!;
  const { backgroundColor, color: ink } = getComputedStyle(chart.root.closest('.panel')!);
  context.fillStyle = backgroundColor;
  context.fillRect(0, 0, out.width, out.height);
  context.fillStyle = ink;
  context.textBaseline = 'middle';
  context.font = `600 ${14 * ratio}px sans-serif`;
  context.fillText(title, 12 * ratio, line * 0.8);
  context.drawImage(canvas, 0, line * 1.4);
  context.font = `${12 * ratio}px sans-serif`;
  context.lineWidth = 2 * ratio;
  for (const [i, { name, colour, dashed }] of named.entries()) {
    const y = line * (1.9 + i) + canvas.height;
    context.strokeStyle = colour;
    context.setLineDash(dashed ? [6 * ratio, 3 * ratio] : []);
    context.beginPath();
    context.moveTo(12 * ratio, y);
    context.lineTo(40 * ratio, y);
    context.stroke();
    context.fillStyle = ink;
    context.fillText(name, 48 * ratio, y);
  }
  return new Promise((resolve, reject) => {
    out.toBlob(blob => (blob ? resolve(blob) : reject(new Error(`${title}: the browser makes no picture of it`))), 'image/png');
  });
}
