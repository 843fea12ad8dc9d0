/** Points of the user's own: as text in an address, and from tables. */
import { numbersOf, parseCsv } from '../../../datasets/tables/csv.ts';
import { check } from '../../../engine/check.ts';
import { counted } from '../../../engine/counted.ts';
import { PLANE_RANGE } from '../../../datasets/plane-sets.ts';
import { count } from '../dom.ts';
import type { Point } from './problems.ts';

/** Most points of one's own: an address holds them all. */
export const MOST = 1000;
/** Steps of a coordinate from the middle to the edge, as an address has them. */
const STEPS = 2047;
/** Characters of a point: two of each coordinate and of its value. */
const WIDTH = 6;
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const whole = (share: number): number => Math.round(Math.min(1, Math.max(-1, share)) * STEPS);
const digits = (share: number): string => {
  const n = whole(share) + STEPS;
  return DIGITS[n >> 6]! + DIGITS[n & 63]!;
};

/** A point as an address gives it back. */
export const pointAt = (x: number, y: number, value: number): Point => ({
  x: (whole(x / PLANE_RANGE) / STEPS) * PLANE_RANGE,
  y: (whole(y / PLANE_RANGE) / STEPS) * PLANE_RANGE,
  value: whole(value) / STEPS,
});

/** Points of numbers as of classes: the signs say which. */
export const asClasses = (points: readonly Point[]): Point[] => points.map(p => ({ ...p, value: p.value < 0 ? -1 : 1 }));

export const writePoints = (points: readonly Point[]): string =>
  points.map(({ x, y, value }) => [x / PLANE_RANGE, y / PLANE_RANGE, value].map(digits).join('')).join('');

/** The points in a text; undefined where it is none of `writePoints`. */
export function readPoints(text: string): Point[] | undefined {
  if (text.length % WIDTH || text.length > MOST * WIDTH) return undefined;
  const places = Array.from(text, character => DIGITS.indexOf(character));
  if (places.includes(-1)) return undefined;
  const share = (at: number) => (places[at]! * 64 + places[at + 1]! - STEPS) / STEPS;
  const points = Array.from({ length: text.length / WIDTH }, (_, i) => {
    const [x, y, value] = [0, 2, 4].map(part => share(WIDTH * i + part)) as [number, number, number];
    return { x: x * PLANE_RANGE, y: y * PLANE_RANGE, value };
  });
  return points.every(p => Math.max(Math.abs(p.x) / PLANE_RANGE, Math.abs(p.y) / PLANE_RANGE, Math.abs(p.value)) <= 1) ? points : undefined;
}

export const pointsCsv = (points: readonly Point[], classes: boolean): string =>
  [
    `x,y,${classes ? 'label' : 'value'}`,
    ...points.map(({ x, y, value }) => `${x.toFixed(3)},${y.toFixed(3)},${Number(value.toFixed(3))}`),
    '',
  ].join('\n');

interface Table {
  readonly points: readonly Point[];
  /** Whether the values are those of two classes. */
  readonly classes: boolean;
  /** What was changed so that it fits the plane, in whole sentences. */
  readonly told: string;
}

/**
 * The points of a table: its columns x and y, else the first two, and the first of the others, whose names or two numbers are classes and
 * whose other numbers are values. What is beyond the plane, or beyond -1 and 1, is scaled to fit.
 */
export async function tablePoints(who: string, text: string): Promise<Table> {
  const table = await parseCsv(who, text);
  const { names, rows } = table;
  check(names.length >= 3, `${who}: it has ${counted(names.length, 'column')}`, 'give three: x, y, and a label or a value');
  check(rows.length <= MOST, `${who}: it has ${count(rows.length)} rows`, `give ${count(MOST)} at most`);
  const called = (name: string, place: number) => names.find(column => column.toLowerCase() === name) ?? names[place]!;
  const [x, y] = [called('x', 0), called('y', 1)];
  check(x !== y, `${who}: x and y are both the column '${x}'`, 'name two columns x and y');
  const last = names.find(name => name !== x && name !== y)!;
  const cells = rows.map(row => row[names.indexOf(last)]!.trim());
  const unsaid = cells.indexOf('');
  check(unsaid < 0, `${who}: row ${unsaid + 1}, column '${last}': it is empty`, 'give a label or a value', 'leave the row out');
  const given = [...new Set(cells)];
  const areNumbers = cells.every(cell => Number.isFinite(Number(cell)));
  const classes = given.length === 2 || !areNumbers;
  check(!classes || given.length === 2, `${who}: column '${last}' has ${counted(given.length, 'label')}`, 'give two of them, or numbers');
  const [first] = areNumbers
    ? given
        .map(Number)
        .sort((a, b) => a - b)
        .map(String)
    : given;
  const values = classes
    ? cells.map(cell => ((areNumbers ? Number(cell) === Number(first) : cell === first) ? -1 : 1))
    : Array.from(numbersOf(who, table, [last]));
  const coordinates = numbersOf(who, table, [x, y]);
  const shrink = Math.max(1, ...coordinates.map(v => Math.abs(v) / PLANE_RANGE));
  const most = Math.max(1, ...values.map(Math.abs));
  const points = values.map((value, i) => pointAt(coordinates[2 * i]! / shrink, coordinates[2 * i + 1]! / shrink, value / most));
  const told = [
    `${counted(points.length, 'point')}${classes ? ` of two classes, ${first} orange and ${given.find(name => name !== first)} blue` : ''}.`,
    shrink > 1 && `Coordinates are divided by ${Number(shrink.toPrecision(3))} to fit the plane.`,
    most > 1 && `Values are divided by ${Number(most.toPrecision(3))} to lie within -1 and 1.`,
  ];
  return { points, classes, told: told.filter(Boolean).join(' ') };
}
