/** Where the units of the net stand in the room that there is. */
import type { Place } from './lines.ts';

/** Pixels from one picture to the next below it, and above the first one, where a layer's buttons are: one below the other where it is crowded. */
const [GAP, HEAD, HIGH] = [9, 56, 84];

export interface Layout {
  /** Of a picture, and of all. */
  readonly size: number;
  readonly height: number;
  /** Whether the names of inputs stand below them, not left of them; and whether layers have no room for words. */
  readonly isNarrow: boolean;
  readonly isCrowded: boolean;
  left(column: number): number;
  top(place: Place): number;
}

/** Of columns of so many units; the last is the output. */
export function layoutOf(width: number, columns: readonly number[]): Layout {
  const last = columns.length - 1;
  const room = width / (last + 1);
  const isNarrow = room < 80;
  const isCrowded = room < 70;
  const size = Math.max(22, Math.min(40, Math.floor(room) - 18));
  const label = isNarrow ? 0 : 44;
  const step = size + GAP + (isNarrow ? 12 : 0);
  const above = isCrowded ? HIGH : HEAD;
  const rows = Math.max(...columns);
  return {
    size,
    isNarrow,
    isCrowded,
    height: above + rows * step,
    left: column => label + (column / last) * (width - label - size),
    top: ({ column, row }) => above + row * step + (column === last ? ((rows - 1) * step) / 2 - size / 4 : 0),
  };
}
