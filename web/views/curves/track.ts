/** A curve that grows: points as they come, thinned where they are more than a chart has pixels for. */
import { smooth, type Point } from './line.ts';

/** Most pieces that a curve is kept in. */
const MOST = 1200;

/** Points that lie beside each other, as one: their mean, and the least and the greatest of them. */
interface Piece {
  n: number;
  x: number;
  y: number;
  low: Point;
  high: Point;
}

/** Numbers of points in pieces of equal size, which is doubled when there are too many. */
export class Thinned {
  #pieces: Piece[] = [];
  #size = 1;
  #n = 0;

  add(x: number, y: number): void {
    this.#n++;
    const last = this.#pieces.at(-1);
    if (last && last.n < this.#size) {
      put(last, { n: 1, x, y, low: [x, y], high: [x, y] });
      return;
    }
    if (this.#pieces.length >= MOST) this.#halve();
    const open = this.#pieces.at(-1);
    if (open && open.n < this.#size) put(open, { n: 1, x, y, low: [x, y], high: [x, y] });
    else this.#pieces.push({ n: 1, x, y, low: [x, y], high: [x, y] });
  }

  #halve(): void {
    const pieces: Piece[] = [];
    for (const [i, piece] of this.#pieces.entries()) {
      if (i % 2) put(pieces.at(-1)!, piece);
      else pieces.push(piece);
    }
    this.#pieces = pieces;
    this.#size *= 2;
  }

  /** All points while they are few, else the least and the greatest of each piece. */
  points(): Point[] {
    return this.#pieces.flatMap(({ n, low, high }) => (n === 1 ? [low] : low[0] <= high[0] ? [low, high] : [high, low]));
  }

  /** The means over `reach` points to both sides. */
  trend(reach: number): Point[] {
    const means = this.#pieces.map(({ n, x, y }): Point => [x / n, y / n]);
    return smooth(
      means,
      Math.round(reach / this.#size),
      this.#pieces.map(piece => piece.n),
    );
  }

  get n(): number {
    return this.#n;
  }
}

function put(into: Piece, { n, x, y, low, high }: Piece): void {
  into.n += n;
  into.x += x;
  into.y += y;
  if (low[1] < into.low[1]) into.low = low;
  if (high[1] > into.high[1]) into.high = high;
}

/** A value of the lines of a run, by what lies across. Lines without either are passed over. */
export class Track<L> {
  #x: (line: L) => number | undefined;
  #y: (line: L) => number | undefined;
  #lines: readonly L[] = [];
  #read = 0;
  #whole = new Thinned();

  constructor(x: (line: L) => number | undefined, y: (line: L) => number | undefined) {
    this.#x = x;
    this.#y = y;
  }

  /** Reads what lines have come since the last time; all where they are others. */
  follow(lines: readonly L[]): void {
    if (lines !== this.#lines) {
      this.#lines = lines;
      this.#read = 0;
      this.#whole = new Thinned();
    }
    for (; this.#read < lines.length; this.#read++) this.#add(this.#whole, lines[this.#read]!);
  }

  #add(to: Thinned, line: L): void {
    const [x, y] = [this.#x(line), this.#y(line)];
    if (x !== undefined && y !== undefined) to.add(x, y);
  }

  /** The points and their trend over a share of all, from `zoom[0]` to `zoom[1]` where that is given: these are then not thinned with the rest. */
  shown(share: number, zoom?: readonly [from: number, to: number]): { points: Point[]; trend: Point[] } {
    const reach = Math.floor((share * this.#whole.n) / 2);
    let part = this.#whole;
    if (zoom) {
      // The trend at the ends takes what lies beyond them.
      const [from, to] = [this.#first(zoom[0]) - reach - 1, this.#first(zoom[1]) + reach + 1];
      part = new Thinned();
      for (const line of this.#lines.slice(Math.max(0, from), to + 1)) this.#add(part, line);
    }
    return { points: part.points(), trend: part.trend(reach) };
  }

  /** The number of the first line at or beyond `x`. */
  #first(x: number): number {
    let low = 0;
    let high = this.#lines.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#x(this.#lines[middle]!) ?? -Infinity) < x) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
