/** What a chart shows: panels with axes and named series. */

export interface Axis {
  readonly label: string;
  /** Logarithmic, with ticks at powers of 10 or of the number given; values at or below 0 are left out. */
  readonly log?: boolean | number;
  /** Values are shares and read as percent. */
  readonly percent?: boolean;
  readonly min?: number;
  readonly max?: number;
}

/** A named set of points. A name has one colour in all panels. A point that is not finite breaks a line. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly dashed?: boolean;
  /** A thin grey line without an entry in the legend: contours, references. */
  readonly muted?: boolean;
  /** Each point is marked: few measurements rather than a curve. */
  readonly dots?: boolean;
  /** Between which values the series varies at each x, as a shade in its colour: a deviation, quantiles. */
  readonly band?: readonly (readonly [x: number, low: number, high: number])[];
  /** A colour of its own for each point, from 0, dark, to 1, light: the time at which it came about. Points without a line. */
  readonly shades?: readonly number[];
  /** Large symbols over all else, black, without a line: a start, an end. */
  readonly pins?: boolean;
}

/** Values over the whole of a panel, as colours: a surface, the answers of a net on a plane. */
export interface Ground {
  readonly columns: number;
  readonly rows: number;
  /** [rows, columns] from the lower left corner, each in the middle of its cell. What is not finite is left white. */
  readonly values: ArrayLike<number>;
  /** From light to dark, or with white in the middle of the range: signed values, the answers of two classes. */
  readonly colours: 'rising' | 'signed';
  /** The values at both ends of the colours; without it those of `values`. */
  readonly range?: readonly [low: number, high: number];
}

/** A bar for each category; `deviations` are drawn as whiskers to both sides of its end. */
export interface Bar {
  readonly name: string;
  readonly values: readonly number[];
  readonly deviations?: readonly number[];
}

export type Panel = { readonly title?: string; readonly y: Axis } & (
  | {
      readonly kind: 'line' | 'scatter';
      readonly x: Axis;
      readonly series: readonly Series[];
      /** Under all series; both axes then have a `min` and a `max`. */
      readonly ground?: Ground;
      /** What the darkest and the lightest of the `shades` are. */
      readonly shaded?: readonly [dark: string, light: string];
      /** Vertical lines with a word beside them. */
      readonly marks?: readonly { readonly x: number; readonly label: string }[];
    }
  /** Bars lie on their side, one a category from top to bottom, so that long names stay legible; `y` is their length. */
  | {
      readonly kind: 'bar';
      readonly categories: readonly string[];
      readonly series: readonly Bar[];
    }
  /**
   * Counts [row, column] of a square table as colours: the more of its row, the darker. Rows bear the categories, columns their numbers; `y`
   * says what rows are.
   */
  | { readonly kind: 'matrix'; readonly x: Axis; readonly categories: readonly string[]; readonly counts: ArrayLike<number> }
);
