/** Weights as lines: the wider the larger, blue above 0, orange and dashed below. */
import { CLASSES } from '../colours.ts';
import { svg } from '../svg.ts';

/** A unit: column 0 are inputs, the last is the output. */
export interface Place {
  readonly column: number;
  readonly row: number;
}
export interface Line {
  readonly from: Place;
  readonly to: Place;
}
interface Placed extends Line {
  readonly start: readonly [x: number, y: number];
  readonly end: readonly [x: number, y: number];
}

/** Pixels from a line at which the pointer is on it. */
const NEAR = 7;

export class Lines {
  readonly element = svg('svg', { 'aria-hidden': 'true' });
  #lines: readonly Placed[] = [];
  #paths: SVGPathElement[] = [];
  #styles: string[] = [];
  #under: Placed | undefined;

  /** `looked` is told the line under the pointer, and undefined where it leaves one; `pressed` one that is pressed. */
  constructor(looked: (line: Line | undefined) => void, pressed: (line: Line) => void) {
    this.element.onpointermove = ({ offsetX, offsetY }) => this.#point(this.#nearest(offsetX, offsetY), looked);
    this.element.onclick = ({ offsetX, offsetY }) => {
      const line = this.#nearest(offsetX, offsetY);
      if (line) pressed(line);
    };
    this.element.onpointerleave = () => this.#point(undefined, looked);
  }

  place(lines: readonly Placed[]): void {
    this.#lines = lines;
    while (this.#paths.length < lines.length) this.#paths.push(svg('path'));
    this.#paths.length = lines.length;
    this.#styles.length = lines.length;
    for (const [i, { start, end }] of lines.entries()) {
      const middle = (start[0] + end[0]) / 2;
      this.#paths[i]!.setAttribute('d', `M${start} C${middle},${start[1]} ${middle},${end[1]} ${end}`);
    }
    this.element.replaceChildren(...this.#paths);
  }

  /** Draws each line by its weight; where none is known it is thin and grey. */
  draw(weightOf: (line: Line) => number | undefined): void {
    for (const [i, line] of this.#lines.entries()) {
      const weight = weightOf(line);
      const style = styleOf(weight);
      if (this.#styles[i] === style) continue; // the browser would look at it again
      this.#styles[i] = style;
      this.#paths[i]!.setAttribute('style', style);
    }
  }

  #point(line: Placed | undefined, looked: (line: Line | undefined) => void): void {
    if (line === this.#under) return;
    if (this.#under) this.#paths[this.#lines.indexOf(this.#under)]?.classList.remove('under');
    this.#under = line;
    if (line) this.#paths[this.#lines.indexOf(line)]!.classList.add('under');
    looked(line);
  }

  #nearest(x: number, y: number): Placed | undefined {
    let best: Placed | undefined;
    let least = NEAR;
    for (const line of this.#lines) {
      if (x < line.start[0] || x > line.end[0]) continue;
      const distance = Math.abs(heightAt(line, x) - y);
      if (distance >= least) continue;
      least = distance;
      best = line;
    }
    return best;
  }
}

function styleOf(weight: number | undefined): string {
  if (weight === undefined) return 'stroke: var(--line); stroke-width: 1px';
  const width = Math.min(9, 0.6 + 1.7 * Math.abs(weight)).toFixed(1);
  return `stroke: rgb(${CLASSES[weight > 0 ? 1 : 0].join(' ')}); stroke-width: ${width}px; ${weight < 0 ? 'stroke-dasharray: 7 3' : ''}`;
}

/** The height of the curve at `x`, which grows with its parameter: by bisection. */
function heightAt({ start, end }: Placed, x: number): number {
  const share = (x - start[0]) / (end[0] - start[0]);
  let [low, high] = [0, 1];
  for (let i = 0; i < 12; i++) {
    const t = (low + high) / 2;
    // both control points lie half way
    const at = 1.5 * t * (1 - t) + t ** 3;
    if (at < share) low = t;
    else high = t;
  }
  const t = (low + high) / 2;
  return start[1] + (end[1] - start[1]) * (3 * t ** 2 - 2 * t ** 3);
}
