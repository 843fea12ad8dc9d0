/** Pictures of layers: a row of small ones for each, with its name, as SVG. */
import { escaped, HEAD, pictureIn, sheet } from './sheet.ts';

export interface Strip {
  readonly name: string;
  /** Below the name, smaller. */
  readonly note: string;
  /** The bytes of PNGs. */
  readonly pngs: readonly Uint8Array[];
  /** Whether a picture is drawn as wide as the row: a line of values. */
  readonly isWide?: boolean;
}

/** Pixels of the names, of a picture's side, between pictures and between rows. */
const NAMES = 190;
const SIDE = 44;
const GAP = 4;
const ROW = 12;

/** Pictures that a row has room for. */
export const ACROSS = 14;

/** One row a strip, from top to bottom; pictures are drawn without smoothing. */
export function strips(rows: readonly Strip[], title: string): string {
  const width = NAMES + ACROSS * (SIDE + GAP) + ROW;
  const height = HEAD + rows.length * (SIDE + ROW) + ROW;
  const drawn = rows.map(({ name, note, pngs, isWide }, i) => {
    const y = HEAD + i * (SIDE + ROW);
    const side = isWide ? ACROSS * (SIDE + GAP) - GAP : SIDE;
    const pictures = pngs.map((png, k) => pictureIn(png, { x: NAMES + k * (SIDE + GAP), y, width: side, height: SIDE }));
    const words = `<text x="${ROW}" y="${y + 18}">${escaped(name)}</text><text x="${ROW}" y="${y + 34}" opacity="0.65">${escaped(note)}</text>`;
    return words + pictures.join('');
  });
  return sheet(title, { width, height }, drawn);
}
