/** The net as it is drawn: inputs, units with what each computes over the plane, and weights as lines between them. */
import type { NetShape } from '../../worker/fitting.ts';
import type { PlayLook } from '../../worker/protocol.ts';
import { button, capital, el } from '../dom.ts';
import { LAYERS, UNITS } from './address.ts';
import { FEATURE_NAMES, FEATURES, GRID, gridPoints, inputsOf, isOfX, linePoints, type FeatureName } from './features.ts';
import { mostOf, paint, paintCurve, type Field } from './field-picture.ts';
import { Lines, type Line, type Place } from './lines.ts';
import { layoutOf } from './layout.ts';
import { fits } from './task.ts';
import { UnitValues, type Entry } from './unit-values.ts';

interface Shape extends NetShape {
  readonly features: readonly FeatureName[];
  /** Whether it learns a function of x. */
  readonly isCurve: boolean;
}

interface Actions {
  /** Other inputs, or other hidden layers. */
  change(shape: Partial<Pick<Shape, 'features' | 'hidden'>>): void;
  /** A unit is looked at, or none any more. */
  look(place: Place | undefined): void;
  /** A weight, or a bias, is to be `value`. */
  set(tensor: string, index: number, value: number): void;
}

const number = (v: number): string => (Math.abs(v) >= 100 ? v.toFixed(0) : v.toFixed(2)).replace('-', '−');

const isSame = (a: Place | undefined, b: Place): boolean => a?.column === b.column && a.row === b.row;

export class NetDrawing {
  readonly element: HTMLElement;
  #actions: Actions;
  #shape: Shape = { features: [], hidden: [], isCurve: false };
  #last: PlayLook | undefined;
  #inputs = inputsOf(gridPoints(), FEATURE_NAMES);
  #lines = new Lines(
    line => this.#tellLine(line),
    ({ from, to }) => {
      if (!isSame(this.#pinned, to)) this.#pin(to);
      this.#values.focus(this.#sourceName(from));
    },
  );
  #values = new UnitValues(({ tensor, index }, value) => this.#actions.set(tensor, index, value));
  #drawing = el('div', { class: 'drawing', role: 'group', 'aria-label': 'The net. Arrow keys go from unit to unit.' }, this.#lines.element);
  #layers = el('span');
  #fewer = button('−', () => this.#resize(this.#shape.hidden.slice(0, -1)), { 'aria-label': 'One hidden layer fewer' });
  #more = button('+', () => this.#resize([...this.#shape.hidden, this.#shape.hidden.at(-1) ?? 4]), {
    'aria-label': 'One hidden layer more',
  });
  #detail = el('p', { class: 'hint detail', role: 'status' });
  #columns: HTMLButtonElement[][] = [];
  #heads: HTMLElement[] = [];
  /** The unit whose picture stays when the pointer leaves it. */
  #pinned: Place | undefined;
  /** The unit that is told of. */
  #told: Place | undefined;

  constructor(actions: Actions) {
    this.#actions = actions;
    this.element = el(
      'section',
      { class: 'panel net', 'aria-label': 'Net' },
      el(
        'div',
        { class: 'row small' },
        el('h2', { textContent: 'Net' }),
        el('span', { class: 'stepper' }, this.#fewer, this.#layers, this.#more),
      ),
      this.#drawing,
      this.#detail,
      this.#values.element,
    );
    this.#drawing.onkeydown = event => this.#key(event);
    this.#drawing.onpointerleave = () => this.#tell(this.#pinned);
    new ResizeObserver(() => this.#arrange()).observe(this.#drawing);
  }

  /** Draws a net; what it computes is not known yet. */
  show(shape: Shape): void {
    const isBuilt = JSON.stringify(shape.hidden) === JSON.stringify(this.#shape.hidden) && this.#columns.length;
    const isGivenTheSame = JSON.stringify(shape.features) === JSON.stringify(this.#shape.features);
    if (shape.isCurve !== this.#shape.isCurve) this.#inputs = inputsOf(shape.isCurve ? linePoints() : gridPoints(), FEATURE_NAMES);
    this.#shape = shape;
    const n = shape.hidden.length;
    this.#layers.textContent = n === 0 ? 'no hidden layer' : n === 1 ? '1 hidden layer' : `${n} hidden layers`;
    this.#fewer.disabled = n === 0;
    this.#more.disabled = n === LAYERS;
    if (!isBuilt) this.#build();
    else if (this.#pinned && !isGivenTheSame) this.#values.show(this.nameOf(this.#pinned), this.#entries(this.#pinned));
    for (const [row, input] of this.#columns[0]!.entries()) {
      input.ariaPressed = String(shape.features.includes(FEATURE_NAMES[row]!));
      input.ariaDisabled = String(this.#lacks(FEATURE_NAMES[row]!));
    }
    this.#arrange();
  }

  /** What the net computes now; nothing where it is not known. */
  look(look: PlayLook | undefined): void {
    this.#last = look && fits(look, this.#shape) ? look : undefined;
    this.draw();
    if (!this.#last || !this.#told) return;
    this.#detail.ariaLive = 'off'; // many times a second
    this.#detail.textContent = this.#words(this.#told);
  }

  /** Paints all, as after a change of colours. */
  draw(): void {
    for (const [column, units] of this.#columns.entries()) {
      for (const [row, unit] of units.entries()) {
        const field = this.fieldOf({ column, row });
        const canvas = unit.firstElementChild as HTMLCanvasElement;
        canvas.classList.toggle('unknown', !field);
        if (!field) continue;
        const most = Math.max(1e-6, mostOf(field));
        (this.#shape.isCurve ? paintCurve : paint)(canvas, field, value => value / most);
      }
    }
    this.#lines.draw(line => this.#weight(line));
    this.#values.look(this.#last?.weights);
  }

  /** What a unit computes over the plane; undefined where that is not known. */
  fieldOf({ column, row }: Place): Field | undefined {
    if (column === 0) return { values: this.#inputs, stride: FEATURE_NAMES.length, offset: row };
    if (!this.#last) return undefined;
    const values = column > this.#shape.hidden.length ? this.#last.output : this.#last.units[column - 1];
    return values && { values, stride: values.length / (GRID * GRID), offset: row };
  }

  nameOf({ column, row }: Place): string {
    if (column === 0) return FEATURES[FEATURE_NAMES[row]!].label;
    return column > this.#shape.hidden.length ? 'the output' : `unit ${row + 1} of layer ${column}`;
  }

  #resize(hidden: readonly number[]): void {
    this.#actions.change({ hidden });
  }

  #build(): void {
    const { hidden } = this.#shape;
    const at = this.#placeOf(document.activeElement);
    const columns = [FEATURE_NAMES.length, ...hidden, 1];
    this.#pinned = undefined;
    this.#told = undefined;
    this.#values.show('', []);
    this.#actions.look(undefined);
    this.#columns = columns.map((count, column) => Array.from({ length: count }, (_, row) => this.#unit({ column, row })));
    this.#heads = columns.map((_, column) => this.#head(column));
    this.#drawing.replaceChildren(this.#lines.element, ...this.#columns.flatMap((units, column) => [this.#heads[column]!, ...units]));
    this.#rove(this.#columns[0]![0]!);
    if (at) this.#rove(this.#unitAt(at), true);
  }

  #unit(place: Place): HTMLButtonElement {
    const unit = el(
      'button',
      { type: 'button', class: place.column === 0 ? 'unit input' : 'unit', tabIndex: -1 },
      el('canvas', { width: GRID, height: GRID }),
      place.column === 0 && el('span', { textContent: this.nameOf(place) }),
    );
    const name = this.nameOf(place);
    unit.ariaLabel = place.column === 0 ? `Input ${name}` : name;
    unit.onpointerenter = () => this.#tell(place);
    unit.onfocus = () => {
      this.#rove(unit);
      this.#tell(place);
    };
    unit.onclick = () => (place.column === 0 ? this.#toggle(FEATURE_NAMES[place.row]!) : this.#pin(place));
    return unit;
  }

  #head(column: number): HTMLElement {
    const { hidden } = this.#shape;
    if (column === 0) return el('div', { class: 'head' }, 'Inputs');
    if (column > hidden.length) return el('div', { class: 'head' }, 'Output');
    const units = hidden[column - 1]!;
    const change = (by: number) => () => this.#resize(hidden.with(column - 1, units + by));
    const less = button('−', change(-1), { disabled: units === 1, 'aria-label': `One unit fewer in layer ${column}` });
    const more = button('+', change(1), { disabled: units === UNITS, 'aria-label': `One unit more in layer ${column}` });
    return el(
      'div',
      { class: 'head' },
      el('span', {}, String(units), el('span', { class: 'word', textContent: units === 1 ? 'unit' : 'units' })),
      el('span', {}, less, more),
    );
  }

  /** Whether there is no such input, since the problem has no y. */
  #lacks(name: FeatureName): boolean {
    return this.#shape.isCurve && !isOfX(name);
  }

  #toggle(name: FeatureName): void {
    const { features } = this.#shape;
    if (this.#lacks(name)) return;
    const next = FEATURE_NAMES.filter(other => features.includes(other) !== (other === name));
    if (next.length) this.#actions.change({ features: next });
    else {
      this.#told = undefined;
      this.#detail.textContent = 'A net needs an input: add another before you take this one away.';
    }
  }

  #pin(place: Place): void {
    this.#pinned = isSame(this.#pinned, place) ? undefined : place;
    this.#values.show(this.nameOf(place), this.#pinned ? this.#entries(place) : []);
    this.#values.look(this.#last?.weights);
    for (const [column, units] of this.#columns.entries()) {
      if (column === 0) continue;
      for (const [row, unit] of units.entries()) unit.ariaPressed = String(isSame(this.#pinned, { column, row }));
    }
    this.#tell(place);
    this.#actions.look(this.#pinned);
  }

  /** Says of a unit what it is given; nothing of none. */
  #tell(place: Place | undefined): void {
    this.#actions.look(place ?? this.#pinned);
    this.#told = place;
    this.#detail.ariaLive = 'polite';
    this.#detail.textContent = place ? this.#words(place) : '';
  }

  #words(place: Place): string {
    const title = capital(this.nameOf(place));
    if (place.column === 0 && this.#lacks(FEATURE_NAMES[place.row]!)) return `${title}: what is learnt is a function of x alone.`;
    if (place.column === 0)
      return `${title}: an input${this.#shape.features.includes(FEATURE_NAMES[place.row]!) ? '' : ' that the net does not have'}.`;
    const bias = this.#last?.weights[`fc${place.column}.bias`]?.[place.row];
    if (bias === undefined) return `${title}.`;
    const from = this.#sources(place.column).map(row => {
      const source = { column: place.column - 1, row };
      return `${number(this.#weight({ from: source, to: place }) ?? 0)} × ${this.#sourceName(source)}`;
    });
    const field = this.fieldOf(place);
    const isOutput = place.column > this.#shape.hidden.length;
    const then = isOutput ? '' : field && mostOf(field) === 0 ? ', then the activation, which gives 0 everywhere' : ', then the activation';
    return `${title}: ${[...from, number(bias)].join(' + ').replaceAll('+ −', '− ')} (bias)${then}.`;
  }

  #tellLine(line: Line | undefined): void {
    const weight = line && this.#weight(line);
    if (!line || weight === undefined) {
      this.#tell(this.#pinned);
      return;
    }
    this.#told = undefined;
    this.#detail.textContent = `Weight from ${this.nameOf(line.from)} to ${this.nameOf(line.to)}: ${number(weight)}.`;
  }

  /** What a unit is called by those that are given it. */
  #sourceName(place: Place): string {
    return place.column === 0 ? this.nameOf(place) : `unit ${place.row + 1}`;
  }

  /** The numbers of a unit. */
  #entries({ column, row }: Place): Entry[] {
    const sources = this.#sources(column);
    const weights = sources.map((from, i) => ({
      label: this.#sourceName({ column: column - 1, row: from }),
      tensor: `fc${column}.weight`,
      index: row * sources.length + i,
    }));
    return [...weights, { label: 'bias', tensor: `fc${column}.bias`, index: row }];
  }

  /** The rows of the units that a column is given. */
  #sources(column: number): number[] {
    const { features, hidden } = this.#shape;
    if (column === 1) return features.map(name => FEATURE_NAMES.indexOf(name));
    return Array.from({ length: hidden[column - 2]! }, (_, row) => row);
  }

  #weight({ from, to }: Line): number | undefined {
    const sources = this.#sources(to.column);
    return this.#last?.weights[`fc${to.column}.weight`]?.[to.row * sources.length + sources.indexOf(from.row)];
  }

  /** Puts units where there is room for them, and lines between them. */
  #arrange(): void {
    const width = this.#drawing.clientWidth;
    if (!width || !this.#columns.length) return;
    const { size, height, isNarrow, isCrowded, left, top } = layoutOf(
      width,
      this.#columns.map(units => units.length),
    );
    this.#drawing.style.height = `${height}px`;
    this.#drawing.classList.toggle('narrow', isNarrow);
    this.#drawing.classList.toggle('crowded', isCrowded);
    const lines: Line[] = [];
    for (const [column, units] of this.#columns.entries()) {
      this.#heads[column]!.style.left = `${left(column) + size / 2}px`;
      for (const [row, unit] of units.entries()) {
        const to = { column, row };
        Object.assign(unit.style, { left: `${left(column)}px`, top: `${top(to)}px`, width: `${size}px`, height: `${size}px` });
        if (column > 0) lines.push(...this.#sources(column).map(from => ({ from: { column: column - 1, row: from }, to })));
      }
    }
    const middle = (place: Place) => top(place) + size / 2;
    this.#lines.place(
      lines.map(({ from, to }) => ({ from, to, start: [left(from.column) + size, middle(from)], end: [left(to.column), middle(to)] })),
    );
    this.draw();
  }

  #unitAt({ column, row }: Place): HTMLButtonElement {
    const units = this.#columns[Math.min(column, this.#columns.length - 1)]!;
    return units[Math.min(row, units.length - 1)]!;
  }

  #placeOf(unit: Element | null): Place | undefined {
    for (const [column, units] of this.#columns.entries()) {
      const row = units.indexOf(unit as HTMLButtonElement);
      if (row >= 0) return { column, row };
    }
    return undefined;
  }

  /** Makes one unit that which Tab reaches. */
  #rove(unit: HTMLButtonElement, focuses = false): void {
    for (const other of this.#columns.flat()) other.tabIndex = other === unit ? 0 : -1;
    if (focuses) unit.focus();
  }

  #key(event: KeyboardEvent): void {
    const place = this.#placeOf(document.activeElement);
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!place || !move) return;
    event.preventDefault();
    this.#rove(this.#unitAt({ column: Math.max(0, place.column + move[0]!), row: Math.max(0, place.row + move[1]!) }), true);
  }
}
