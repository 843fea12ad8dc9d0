/** Points of the user's own: drawn, erased, taken from a table and written into one. */
import { PLANE_RANGE } from '../../../datasets/plane-sets.ts';
import { button, el, pick, save, select } from '../dom.ts';
import { place } from '../teach/place.ts';
import { MOST, pointAt, pointsCsv, tablePoints } from './points.ts';
import type { Point } from './problems.ts';

/** How near a press must be to a point to erase it, in units of the plane. */
const NEAR = 0.5;

interface Actions {
  readonly points: () => readonly Point[];
  /** Other points, of two classes or of numbers. */
  change(points: readonly Point[], classes: boolean): void;
}

export class OwnPoints {
  readonly element: HTMLElement;
  #actions: Actions;
  #classes = true;
  #tool = select([], '', { 'aria-label': 'What a click does' });
  #value = el('input', { type: 'range', min: '-1', max: '1', step: '0.1', value: '1', 'aria-label': 'Value of the point' });
  #said = place();
  #undo: Parameters<Actions['change']>[] = [];
  #back = button('Undo', () => this.#restore());

  constructor(actions: Actions) {
    this.#actions = actions;
    this.element = el(
      'div',
      { class: 'own', hidden: true },
      el(
        'div',
        { class: 'row' },
        this.#tool,
        this.#value,
        this.#back,
        button('Clear', () => this.#change([])),
        button('Load CSV', () => pick({ accept: '.csv,.tsv,.txt,text/csv' }, ([file]) => this.load(file!))),
        button('Save CSV', () => save('points.csv', pointsCsv(this.#actions.points(), this.#classes), 'text/csv')),
      ),
      this.#said.element,
    );
    this.#back.disabled = true;
  }

  /** Shows the tools for classes or numbers; none of them where the points are computed. */
  show(kind: 'classes' | 'numbers' | undefined): void {
    this.element.hidden = kind === undefined;
    this.#classes = kind !== 'numbers';
    this.#value.hidden = this.#classes;
    const tools = this.#classes
      ? [['1', 'Add blue'] as const, ['-1', 'Add orange'] as const, ['erase', 'Erase'] as const]
      : [['value', 'Add this value'] as const, ['erase', 'Erase'] as const];
    const before = this.#tool.value;
    this.#tool.replaceChildren(...tools.map(([value, textContent]) => el('option', { value, textContent })));
    if (tools.some(([value]) => value === before)) this.#tool.value = before;
  }

  /** A press at a place; `other` adds of the other class, or the other sign. */
  press(x: number, y: number, other: boolean): void {
    const tool = this.#tool.value;
    if (tool === 'erase') {
      this.remove(x, y);
      return;
    }
    const points = this.#actions.points();
    const value = tool === 'value' ? Number(this.#value.value) : Number(tool);
    if (points.length === MOST) this.#said.say(`There are ${MOST} points, which is the most.`);
    else this.#change([...points, pointAt(x, y, other ? -value : value)]);
  }

  /** Erases the point nearest to a place, where one is near. */
  remove(x: number, y: number): void {
    const points = this.#actions.points();
    const distance = (p: Point) => Math.hypot(p.x - x, p.y - y);
    const nearest = points.reduce<Point | undefined>((best, p) => (!best || distance(p) < distance(best) ? p : best), undefined);
    if (nearest && distance(nearest) < NEAR) this.#change(points.filter(p => p !== nearest));
  }

  /** Takes the points of a table in place of those that there are. */
  async load(file: File): Promise<void> {
    this.element.hidden = false;
    await this.#said.told(async () => {
      const { points, classes, told } = await tablePoints(file.name, await file.text());
      this.#change(points, classes);
      this.#said.say(told);
    });
  }

  #change(points: readonly Point[], classes = this.#classes): void {
    this.#undo.push([this.#actions.points(), this.#classes]);
    this.#back.disabled = false;
    this.#said.say(
      points.length || classes !== this.#classes
        ? ''
        : `Click into the plane, which reaches from −${PLANE_RANGE} to ${PLANE_RANGE} both ways.`,
    );
    this.#actions.change(points, classes);
  }

  #restore(): void {
    const before = this.#undo.pop();
    this.#back.disabled = !this.#undo.length;
    if (before) this.#actions.change(...before);
  }
}
