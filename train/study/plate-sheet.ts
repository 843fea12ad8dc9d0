/** Grey images beside each other as one picture in SVG, with words: attacked ones and what was added, centroids. */
import { escaped, HEAD, sheet } from '../../plots/sheet.ts';

/** A grey image [h, w] of values from 0 to 1, and the words below it. */
export interface Plate {
  readonly values: ArrayLike<number>;
  readonly words: string;
}

/** Pixels of a value, between plates, and of the words below. */
const PIXEL = 3;
const GAP = 16;
const WORDS = 20;
/** Levels of grey: fewer of them let neighbours share a rectangle. */
const LEVELS = 64;

/** Rows of plates whose images are `width` values wide. */
export function plateSheet(title: string, rows: readonly (readonly Plate[])[], heads: readonly string[], width: number): string {
  const height = (rows[0]?.[0]?.values.length ?? 0) / width;
  const [across, down] = [width * PIXEL + GAP, height * PIXEL + WORDS];
  const top = HEAD + WORDS;
  const text = (x: number, y: number, words: string) => `<text x="${x}" y="${y}">${escaped(words)}</text>`;
  const drawn = rows.flatMap((plates, r) =>
    plates.map(({ values, words }, c) => {
      const [x, y] = [GAP + c * across, top + r * down];
      return plate(values, width, x, y) + text(x, y + height * PIXEL + 13, words);
    }),
  );
  const size = { width: GAP + heads.length * across, height: top + rows.length * down + GAP };
  return sheet(title, size, [...heads.map((head, c) => text(GAP + c * across, HEAD + 12, head)), ...drawn]);
}

/** Rectangles of equal grey, one for all neighbours in a row. */
function plate(values: ArrayLike<number>, width: number, left: number, top: number): string {
  const level = (i: number) => Math.round(Math.min(1, Math.max(0, values[i]!)) * LEVELS);
  const parts: string[] = [];
  for (let from = 0, to = 0; from < values.length; from = to) {
    const end = from - (from % width) + width;
    for (to = from + 1; to < end && level(to) === level(from); ) to++;
    const grey = Math.round((255 * level(from)) / LEVELS);
    const [x, y] = [left + (from % width) * PIXEL, top + Math.floor(from / width) * PIXEL];
    parts.push(`<rect x="${x}" y="${y}" width="${(to - from) * PIXEL}" height="${PIXEL}" fill="rgb(${grey},${grey},${grey})"/>`);
  }
  return `<g shape-rendering="crispEdges">${parts.join('')}</g>`;
}
