/** The landscape with the ways over it, and the start, which one moves by mouse, finger or arrow keys. */
import type { Point } from '../../../train/study/descent/landscapes.ts';
import { casing, racerColour, strokeOf } from '../colours.ts';
import { el, isDark } from '../dom.ts';
import { contours, SIZE } from './contours.ts';
import type { Land } from './land.ts';
import { RULES } from './settings.ts';

/** Pixels that a finger may move and still press. */
const PRESS = 10;

export class RaceMap {
  readonly element: HTMLElement;
  #picture = el('canvas', {
    width: SIZE,
    height: SIZE,
    class: 'plane',
    tabIndex: 0,
    role: 'application',
    'aria-label': 'Landscape: click, drag or use the arrow keys to move the starting point',
  });
  #handle = el('div', { class: 'start', 'aria-hidden': 'true' });
  #land: Land | undefined;
  #start: Point = [0, 0];
  #contours: ImageData | undefined;
  /** `isDone` says whether the start stays where it is. */
  #moved: (start: Point, isDone: boolean) => void;

  constructor(moved: (start: Point, isDone: boolean) => void) {
    this.#moved = moved;
    this.element = el('div', { class: 'race' }, this.#picture, this.#handle);
    this.#follow();
  }

  show(land: Land, start: Point): void {
    if (land !== this.#land) this.#contours = undefined;
    this.#land = land;
    this.#start = start;
    const [across, down] = this.#placeOf(start);
    this.#handle.style.left = `${(100 * across) / SIZE}%`;
    this.#handle.style.top = `${(100 * down) / SIZE}%`;
  }

  /** Colours are others now. */
  repaint(): void {
    this.#contours = undefined;
  }

  #placeOf([x, y]: Point): [number, number] {
    const [left, right] = this.#land!.x;
    const [low, high] = this.#land!.y;
    return [((x - left) / (right - left)) * SIZE, ((high - y) / (high - low)) * SIZE];
  }

  #follow(): void {
    const pointAt = (event: PointerEvent): Point => {
      const box = this.#picture.getBoundingClientRect();
      const { x, y } = this.#land!;
      return held(this.#land!, [
        x[0] + ((event.clientX - box.left) / box.width) * (x[1] - x[0]),
        y[1] - ((event.clientY - box.top) / box.height) * (y[1] - y[0]),
      ]);
    };
    let from: PointerEvent | undefined;
    // a finger drags the start itself; beside it, it scrolls the page, or presses where the start is to be
    const drags = (event: PointerEvent) => event.pointerType !== 'touch' || event.target === this.#handle;
    this.element.onpointerdown = event => {
      from = event;
      if (!drags(event)) return;
      this.element.setPointerCapture(event.pointerId);
      this.#moved(pointAt(event), false);
    };
    this.element.onpointermove = event => {
      if (from && drags(from)) this.#moved(pointAt(event), false);
    };
    this.element.onpointercancel = () => {
      from = undefined;
    };
    this.element.onpointerup = event => {
      const isPress = from && Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) < PRESS;
      if (from && (drags(from) || isPress)) this.#moved(pointAt(event), true);
      from = undefined;
    };
    this.#picture.onkeydown = event => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!way) return;
      event.preventDefault();
      const { x, y } = this.#land!;
      const [a, b] = this.#start;
      this.#moved(held(this.#land!, [a + (way[0]! * (x[1] - x[0])) / 40, b + (way[1]! * (y[1] - y[0])) / 40]), true);
    };
  }

  /** Paints the ways as far as `step`. */
  paint(paths: ReadonlyMap<string, readonly Point[]>, step: number): void {
    const land = this.#land!;
    const context = this.#picture.getContext('2d')!;
    this.#contours ??= contours(land);
    context.putImageData(this.#contours, 0, 0);
    context.lineJoin = 'round'; // sharp turns would end in long spikes
    context.lineCap = 'round';
    const dot = (at: Point, radius: number, fill: string) => {
      context.beginPath();
      context.arc(...this.#placeOf(at), radius, 0, 7);
      context.fillStyle = fill;
      context.fill();
      context.strokeStyle = isDark() ? '#000' : '#fff';
      context.lineWidth = 1.5;
      context.stroke();
    };
    for (const [rule, path] of paths) {
      const i = RULES.indexOf(rule);
      const gone = path.slice(0, step + 1).map(([x, y]): Point => [finite(x, land.x), finite(y, land.y)]);
      context.beginPath();
      for (const at of gone) context.lineTo(...this.#placeOf(at));
      context.strokeStyle = casing();
      context.lineWidth = 4.5;
      context.stroke();
      context.strokeStyle = racerColour(i);
      context.lineWidth = 2.5;
      context.setLineDash([...strokeOf(i).dash]);
      context.stroke();
      context.setLineDash([]);
      dot(gone.at(-1)!, 5, racerColour(i));
    }
    context.font = '20px sans-serif';
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    for (const minimum of land.minima) {
      const [across, down] = this.#placeOf(minimum);
      context.strokeStyle = casing();
      context.lineWidth = 3;
      context.fillStyle = isDark() ? '#fff' : '#000';
      const at = [Math.min(SIZE - 10, Math.max(10, across)), Math.min(SIZE - 10, Math.max(10, down))] as const;
      const isInView = across >= 0 && across <= SIZE && down >= 0 && down <= SIZE;
      if (!isInView) continue;
      context.strokeText(land.isSearched ? '☆' : '★', ...at);
      context.fillText(land.isSearched ? '☆' : '★', ...at);
    }
    dot(this.#start, 7, isDark() ? '#fff' : '#111');
  }
}

/** A point of the part of the plane that is shown. */
export function held({ x, y }: Pick<Land, 'x' | 'y'>, [a, b]: Point): Point {
  return [Math.min(x[1], Math.max(x[0], a)), Math.min(y[1], Math.max(y[0], b))];
}

/** Far away in place of nowhere: a line to there is drawn. */
function finite(v: number, [from, to]: Land['x']): number {
  const far = 10 * (to - from);
  return Number.isFinite(v) ? Math.min(to + far, Math.max(from - far, v)) : to + far;
}
