/** The plane, big: what the net, or the unit that is looked at, computes over it, and the points. */
import { counted } from '../../../engine/counted.ts';
import { PLANE_RANGE } from '../../../datasets/plane-sets.ts';
import { el, isDark } from '../dom.ts';
import { GRID } from './features.ts';
import { colourOf, paint, type Field } from './field-picture.ts';
import { HIGH, type Point } from './problems.ts';

const SIZE = 480;
const RADIUS = 4.6;
/** How far an arrow key moves the cross, in units of the plane; with Shift. */
const [MOVE, FAR] = [0.25, 1];

interface Drawing {
  /** A point is added at a place; `other` by the other button of the mouse. */
  add(x: number, y: number, other: boolean): void;
  /** Whatever is near a place is removed. */
  remove(x: number, y: number): void;
}

const toPixel = (v: number) => ((v + PLANE_RANGE) / (2 * PLANE_RANGE)) * SIZE;
const clamp = (v: number) => Math.max(-PLANE_RANGE, Math.min(PLANE_RANGE, v));

export class Plane {
  readonly element: HTMLElement;
  #ground = el('canvas', { width: GRID, height: GRID });
  #over = el('canvas', { width: SIZE, height: SIZE, role: 'img' });
  #points: { readonly train: readonly Point[]; readonly test: readonly Point[] } = { train: [], test: [] };
  #drawing: Drawing | undefined;
  #curve: readonly number[] | undefined;
  #cross: { x: number; y: number } | undefined;

  constructor() {
    this.element = el('div', { class: 'boundary' }, this.#ground, this.#over);
    this.#over.onclick = event => this.#press(event, false);
    this.#over.oncontextmenu = event => {
      if (!this.#drawing) return;
      event.preventDefault();
      this.#press(event, true);
    };
    this.#over.onkeydown = event => this.#key(event);
    this.#over.onblur = () => this.#moveCross(undefined);
  }

  /** What is computed along x, as a line; `shade` makes each number one of -1 to 1. */
  curve({ values, stride, offset }: Field, shade: (value: number) => number): void {
    this.field(undefined);
    const n = values.length / stride;
    this.#curve = Array.from({ length: n }, (_, p) => shade(values[p * stride + offset]!));
    this.draw();
  }

  /** What is computed at each point; nothing leaves it blank. */
  field(field: Field | undefined, shade: (value: number) => number = value => value): void {
    this.#curve = undefined;
    if (field) paint(this.#ground, field, shade);
    else this.#ground.getContext('2d')!.clearRect(0, 0, GRID, GRID);
  }

  points(train: readonly Point[], test: readonly Point[]): void {
    this.#points = { train, test };
    this.draw();
  }

  /** Lets one draw points, by pointer and keys; or no more. */
  drawBy(drawing: Drawing | undefined): void {
    this.#drawing = drawing;
    this.#over.tabIndex = drawing ? 0 : -1;
    this.#over.setAttribute('role', drawing ? 'application' : 'img');
    this.#over.classList.toggle('draws', drawing !== undefined);
    this.#cross = undefined;
    this.draw();
  }

  draw(): void {
    const { train, test } = this.#points;
    const what = `${counted(train.length, 'point')} to train on${test.length ? `, ${test.length} to test on` : ''}`;
    this.#over.ariaLabel = this.#drawing
      ? `Plane with ${what}. Click to add one; or arrow keys, Enter to add, Delete to remove.`
      : `Plane: what the net says, and ${what}`;
    const context = this.#over.getContext('2d')!;
    context.clearRect(0, 0, SIZE, SIZE);
    for (const [points, isTest] of [
      [test, true],
      [train, false],
    ] as const) {
      for (const { x, y, value } of points) {
        context.beginPath();
        if (isTest) context.rect(toPixel(x) - RADIUS, toPixel(-y) - RADIUS, 2 * RADIUS, 2 * RADIUS);
        else context.arc(toPixel(x), toPixel(-y), RADIUS, 0, 7);
        context.fillStyle = `rgb(${colourOf(value, 1).join(' ')})`;
        context.fill();
        context.lineWidth = isTest ? 1.6 : 1;
        const isPale = Math.abs(value) < 1; // it would be lost on what is as pale
        context.strokeStyle = isDark() || !(isTest || isPale) ? '#fff' : '#333';
        context.stroke();
      }
    }
    this.#drawCurve(context);
    if (!this.#cross) return;
    context.strokeStyle = isDark() ? '#fff' : '#000';
    context.lineWidth = 2;
    const [x, y] = [toPixel(this.#cross.x), toPixel(-this.#cross.y)];
    context.beginPath();
    for (const [dx, dy] of [
      [12, 0],
      [0, 12],
    ] as const) {
      context.moveTo(x - dx, y - dy);
      context.lineTo(x + dx, y + dy);
    }
    context.stroke();
  }

  #drawCurve(context: CanvasRenderingContext2D): void {
    if (!this.#curve) return;
    const ink = isDark() ? '#fff' : '#000';
    context.strokeStyle = ink;
    context.lineWidth = 0.5;
    context.strokeRect(-1, toPixel(0), SIZE + 2, 0);
    context.beginPath();
    for (const [p, value] of this.#curve.entries()) context.lineTo(((p + 0.5) / this.#curve.length) * SIZE, toPixel(-value * HIGH));
    context.lineWidth = 3;
    context.stroke();
  }

  #press({ offsetX, offsetY }: MouseEvent, other: boolean): void {
    const { clientWidth, clientHeight } = this.#over;
    const x = (offsetX / clientWidth) * 2 * PLANE_RANGE - PLANE_RANGE;
    const y = PLANE_RANGE - (offsetY / clientHeight) * 2 * PLANE_RANGE;
    this.#drawing?.add(clamp(x), clamp(y), other);
  }

  #key(event: KeyboardEvent): void {
    if (!this.#drawing) return;
    const cross = this.#cross ?? { x: 0, y: 0 };
    const step = event.shiftKey ? FAR : MOVE;
    const move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] }[event.key];
    if (move) this.#moveCross({ x: clamp(cross.x + move[0]!), y: clamp(cross.y + move[1]!) });
    else if (event.key === 'Enter' || event.key === ' ') this.#drawing.add(cross.x, cross.y, event.shiftKey);
    else if (event.key === 'Delete' || event.key === 'Backspace') this.#drawing.remove(cross.x, cross.y);
    else return;
    event.preventDefault();
  }

  #moveCross(cross: { x: number; y: number } | undefined): void {
    this.#cross = cross;
    this.draw();
  }
}
