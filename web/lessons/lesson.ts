/** What a lesson is: prose with formulas, figures that are computed on the visitor's device, a question, and a run to try. */
import type { Texts } from '../form/texts.ts';

/** An option of an experiment that a figure lets one change, through the values named. */
export interface Control {
  readonly option: string;
  readonly label: string;
  readonly values: readonly (number | string)[];
}

export interface Figure {
  readonly title: string;
  /** As `descent compare` takes it; the options of controls are at the values that they begin with. */
  readonly experiment: string;
  readonly controls?: readonly Control[];
  /** What to look at. */
  readonly look: string;
  /** Computed at once, and again with each change; others wait for a press. */
  readonly live?: boolean;
}

/** A paragraph, in which $…$ is a formula (TeX), `…` code and **…** stressed; or a formula on a line of its own; or a figure. */
export type Block = string | { readonly tex: string } | Figure;

export interface Lesson {
  /** In the address. */
  readonly topic: string;
  readonly title: string;
  /** One line. */
  readonly about: string;
  readonly blocks: readonly Block[];
  /** To be answered by experiment. */
  readonly question: string;
  readonly answer: string;
  /** A run that shows it on images. */
  readonly train: { readonly what: string; readonly texts: Texts };
}
