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
  /** Large symbols over all else, black, without a line: a start, an end. */
  readonly pins?: boolean;
}

export type Panel = { readonly title?: string; readonly y: Axis } & (
  | {
      readonly kind: 'line' | 'scatter';
      readonly x: Axis;
      readonly series: readonly Series[];
      /** Vertical lines with a word beside them. */
      readonly marks?: readonly { readonly x: number; readonly label: string }[];
    }
  /** Bars lie on their side, one a category from top to bottom, so that long names stay legible; `y` is their length. */
  | {
      readonly kind: 'bar';
      readonly categories: readonly string[];
      readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
    }
  /**
   * Counts [row, column] of a square table as colours: the more of its row, the darker. Rows bear the categories, columns their numbers; `y`
   * says what rows are.
   */
  | { readonly kind: 'matrix'; readonly x: Axis; readonly categories: readonly string[]; readonly counts: ArrayLike<number> }
);
