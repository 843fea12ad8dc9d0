/** Losses on a grid of a plane: computed row by row, drawn as colours with level lines, and how smooth they are. */
import { contour } from '../../../plots/contour.ts';
import type { Panel, Series } from '../../../plots/panel.ts';
import type { Lab, Task } from '../experiment.ts';
import { keptNumbers } from '../kept.ts';
import { extremes } from '../statistics.ts';
import { places } from './directions.ts';
import type { At, Plane } from './plane.ts';

/** Level lines between the least and the greatest loss, by equal factors. */
const LEVELS = 8;

/** How far a surface goes beyond what it is to show, as a share of its extent. */
const BEYOND = 0.25;

/** Equally spaced places along both directions, and the losses there [y, x]; NaN where none is known yet. */
export interface Grid {
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly losses: Float64Array;
}

export const gridOf = (x: readonly number[], y: readonly number[] = x): Grid => ({
  x,
  y,
  losses: new Float64Array(x.length * y.length).fill(NaN),
});

/** An odd number of places from -reach to reach, 0 in their middle. */
export function around(reach: number, points: number): number[] {
  const at = places(-reach, reach, points + (1 - (points % 2)));
  at[(at.length - 1) / 2] = 0;
  return at;
}

/** A grid of n x n places, from beyond the least to beyond the greatest coordinates of some points. */
export function gridOver(points: readonly At[], n: number): Grid {
  const spanned = (k: 0 | 1) => {
    const coordinates = points.map(point => point[k]);
    const [low, high] = extremes(coordinates);
    const beyond = BEYOND * (high - low || 1);
    return places(low - beyond, high + beyond, n);
  };
  return gridOf(spanned(0), spanned(1));
}

/** Computes a row of a grid on the training images, or takes what is kept of it under `name`. */
export async function fillRow(lab: Lab, name: string, plane: Plane, { x, y, losses }: Grid, row: number): Promise<void> {
  const found = await keptNumbers(lab, `${name} row ${row + 1}`, async () => {
    const scores = await plane.scores(x.map(at => [at, y[row]!] as const));
    return Float64Array.from(scores, score => score.loss);
  });
  losses.set(found, row * x.length);
}

/** The tasks that fill the rows of a surface; plane and grid are asked for when they are there, since a task before these finds them. */
export const rowTasks = (
  lab: Lab,
  name: string,
  rows: number,
  surface: () => { readonly plane: Plane; readonly grid: Grid },
): Task<void>[] =>
  Array.from({ length: rows }, (_, row) => ({
    name: `row ${row + 1} of the surface`,
    work: () => fillRow(lab, name, surface().plane, surface().grid, row),
  }));

/** The rows of a grid, for programs. */
export const rowsOf = ({ x, y, losses }: Grid): number[][] => y.map((_, j) => [...losses.subarray(j * x.length, (j + 1) * x.length)]);

/** The losses that are known and finite. */
export const finiteOf = ({ losses }: Grid): Float64Array => losses.filter(Number.isFinite);

/** Losses as colours by their logarithms, with level lines and `series` over them. */
export function surfacePanel(title: string, labels: readonly [x: string, y: string], grid: Grid, series: readonly Series[]): Panel {
  const { x, y } = grid;
  const logs = grid.losses.map(Math.log);
  const finite = logs.filter(Number.isFinite);
  const [low, high] = extremes(finite);
  const levels = finite.length ? places(low, high, LEVELS + 2).slice(1, -1) : [];
  const axis = (at: readonly number[], label: string) => {
    const half = (at[1]! - at[0]!) / 2;
    return { label, min: at[0]! - half, max: at.at(-1)! + half };
  };
  const area = { x: [x[0]!, x.at(-1)!], y: [y[0]!, y.at(-1)!] } as const;
  const value = bilinear({ ...grid, losses: logs });
  return {
    kind: 'line',
    title,
    x: axis(x, labels[0]),
    y: axis(y, labels[1]),
    ground: { columns: x.length, rows: y.length, values: logs, colours: 'rising', range: [low, high] },
    series: [
      ...levels.map(level => ({
        name: `loss ${Math.exp(level).toPrecision(2)}`,
        points: contour(value, { ...area, level }),
        muted: true,
      })),
      ...series,
    ],
  };
}

/** The loss around a net along two random directions. */
export const aroundPanel = (title: string, grid: Grid): Panel =>
  surfacePanel(title, ['first direction', 'second direction'], grid, [{ name: 'the net', points: [[0, 0]], pins: true }]);

/** Bilinear between the values of a grid. */
const bilinear =
  ({ x, y, losses }: Grid) =>
  (px: number, py: number): number => {
    const place = (v: number, at: readonly number[]) => {
      const share = ((v - at[0]!) / (at.at(-1)! - at[0]!)) * (at.length - 1);
      const cell = Math.min(at.length - 2, Math.max(0, Math.floor(share)));
      return [cell, Math.min(1, Math.max(0, share - cell))] as const;
    };
    const [[i, s], [j, t]] = [place(px, x), place(py, y)];
    const v = (k: number, l: number) => losses[(j + l) * x.length + i + k]!;
    return (1 - t) * ((1 - s) * v(0, 0) + s * v(1, 0)) + t * ((1 - s) * v(0, 1) + s * v(1, 1));
  };

export interface Smoothness {
  /** By what factor the greatest loss exceeds the least. */
  readonly factor: number;
  /** The share of inner places at which the loss bends downwards in some direction of the plane. */
  readonly concave: number;
  /** The mean of -least / greatest curvature there: 0 where the surface is convex, 1 at a saddle as steep down as up (Li et al. 2018, section 6). */
  readonly down: number;
}

/** How smooth a complete grid is; curvatures are those of second differences. */
export function smoothnessOf(grid: Grid): Smoothness {
  const { x, y, losses } = grid;
  const [hx, hy] = [x[1]! - x[0]!, y[1]! - y[0]!];
  const v = (i: number, j: number) => losses[j * x.length + i]!;
  const ratios: number[] = [];
  for (let j = 1; j < y.length - 1; j++) {
    for (let i = 1; i < x.length - 1; i++) {
      const xx = (v(i + 1, j) - 2 * v(i, j) + v(i - 1, j)) / hx ** 2;
      const yy = (v(i, j + 1) - 2 * v(i, j) + v(i, j - 1)) / hy ** 2;
      const xy = (v(i + 1, j + 1) - v(i + 1, j - 1) - v(i - 1, j + 1) + v(i - 1, j - 1)) / (4 * hx * hy);
      const [middle, apart] = [(xx + yy) / 2, Math.hypot((xx - yy) / 2, xy)];
      const [least, greatest] = [middle - apart, middle + apart];
      ratios.push(least >= 0 ? 0 : greatest <= 0 ? 1 : Math.min(1, -least / greatest));
    }
  }
  const [least, greatest] = extremes(finiteOf(grid));
  return {
    factor: greatest / least,
    concave: ratios.filter(r => r > 0).length / ratios.length,
    down: ratios.reduce((sum, r) => sum + r, 0) / ratios.length,
  };
}
