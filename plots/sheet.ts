/** A contact sheet: pictures in rows with lines of words below each, as SVG. */
import { FONT, INK, widthOf } from './style.ts';

export interface SheetItem {
  /** The bytes of a PNG. */
  readonly png: Uint8Array;
  readonly lines: readonly string[];
}

const ACROSS = 8;
/** Pixels of a picture's side and between pictures, and of a line. */
const SIDE = 112;
const GAP = 12;
const LINE = 14;
/** Pixels of the title above the pictures. */
export const HEAD = 40;
/** Pixels of the letters of a line. */
const LETTERS = 11;

export const escaped = (text: string): string => text.replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`);

/** As much of a line as fits below a picture. */
function shortened(text: string): string {
  if (widthOf(text, LETTERS) <= SIDE) return text;
  let end = text.length;
  while (widthOf(`${text.slice(0, end)}…`, LETTERS) > SIDE) end--;
  return `${text.slice(0, end)}…`;
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A picture stretched over a place, without smoothing. */
export function pictureIn(png: Uint8Array, { x, y, width, height }: Place): string {
  const data = btoa(Array.from(png, byte => String.fromCharCode(byte)).join(''));
  const place = `x="${x}" y="${y}" width="${width}" height="${height}" preserveAspectRatio="none"`;
  return `<image ${place} image-rendering="optimizeSpeed" href="data:image/png;base64,${data}"/>`;
}

/** A picture of `width` by `height` pixels: on white the title, and from `HEAD` down what is drawn, elements of SVG. */
export function sheet(title: string, { width, height }: Pick<Place, 'width' | 'height'>, drawn: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="${FONT}" font-size="${LETTERS}" fill="${INK}">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${GAP}" y="26" font-size="14">${escaped(title)}</text>`,
    ...drawn,
    '</svg>\n',
  ].join('\n');
}

/** Pictures are drawn without smoothing, at one height and width. */
export function contactSheet(items: readonly SheetItem[], title: string): string {
  const lines = Math.max(0, ...items.map(item => item.lines.length));
  const cell = { width: SIDE + GAP, height: SIDE + lines * LINE + GAP };
  const width = Math.min(ACROSS, Math.max(4, items.length)) * cell.width + GAP;
  const height = HEAD + Math.ceil(items.length / ACROSS) * cell.height + GAP;
  const pictures = items.map(({ png, lines }, i) => {
    const x = GAP + (i % ACROSS) * cell.width;
    const y = HEAD + Math.floor(i / ACROSS) * cell.height;
    const words = lines.map((line, k) => `<text x="${x}" y="${y + SIDE + (k + 1) * LINE}">${escaped(shortened(line))}</text>`);
    return pictureIn(png, { x, y, width: SIDE, height: SIDE }) + words.join('');
  });
  return sheet(title, { width, height }, pictures);
}
