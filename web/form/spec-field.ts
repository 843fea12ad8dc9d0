/** A chooser of `name:key=value,...`, or of several one after another: what the command line takes as text. */
import type { Parameter, Scalar } from '../../engine/parameter.ts';
import { formatSpec, parseSpecs, type Spec } from '../../engine/spec.ts';
import type { Choice } from './choices.ts';
import { button, el, select } from '../views/dom.ts';
import { DescentError } from '../../engine/check.ts';
import { inPageWords } from '../words.ts';
import { field, mark } from './field.ts';

export class SpecField {
  readonly element: HTMLElement;
  #label: string;
  #choice: Choice;
  #specs: Spec[];
  #changed: (text: string | undefined) => void;
  #refused: (input: HTMLElement, fault: Error | undefined) => void;

  /**
   * `changed` gets the text, undefined where nothing is named. A text that cannot be read counts as none. `refused` is told of a value that
   * cannot stand in that text, and of when it is gone.
   */
  constructor(
    label: string,
    choice: Choice,
    text: string | undefined,
    changed: (text: string | undefined) => void,
    refused: (input: HTMLElement, fault: Error | undefined) => void = () => undefined,
  ) {
    this.#label = label;
    this.#choice = choice;
    this.#changed = changed;
    this.#refused = refused;
    this.#specs = readSpecs(choice, text);
    this.element = el('div', { class: 'specs', role: 'group', 'aria-label': `${label} and options` });
    this.#draw();
  }

  /** What is named now. */
  get names(): string[] {
    return this.#specs.map(spec => spec.name);
  }

  #tell(): void {
    this.#changed(writeSpecs(this.#choice, this.#specs));
  }

  /** Draws anew, and keeps the keyboard where it was. */
  #redraw(focus?: string): void {
    const at = focus ?? (document.activeElement as HTMLElement | null)?.dataset?.at;
    this.#tell();
    this.#draw();
    if (at) this.element.querySelector<HTMLElement>(`[data-at="${at}"]`)?.focus();
  }

  #draw(): void {
    const { none, another, names } = this.#choice;
    const specs = this.#specs;
    const shown = specs.length ? specs.map((spec, i) => this.#one(spec, i)) : [this.#name(undefined, 0)];
    if (another && (specs.length || none === undefined)) {
      const add = button(another, () => {
        specs.push({ name: specs.at(-1)?.name ?? names[0]!, options: {} });
        this.#redraw(`name${specs.length - 1}`);
      });
      add.dataset.at = 'add';
      shown.push(add);
    }
    this.element.replaceChildren(...shown);
  }

  #name(spec: Spec | undefined, i: number): HTMLElement {
    const { names, none, explain, another } = this.#choice;
    const nothing = none !== undefined && this.#specs.length < 2 ? [['', none] as const] : [];
    const choice = select([...nothing, ...names.map(n => [n, n] as const)], spec?.name ?? '', {
      onchange: () => {
        if (choice.value) this.#specs[i] = { name: choice.value, options: {} };
        else this.#specs.splice(i, 1);
        this.#redraw(`name${i}`);
      },
    });
    choice.dataset.at = `name${i}`;
    const place = another && this.#specs.length > 1 ? `, ${ORDINALS[i] ?? `number ${i + 1}`}` : '';
    return field(this.#label + place, choice, spec ? explain(spec.name) : {});
  }

  #one(spec: Spec, i: number): HTMLElement {
    const options = this.#choice.options(spec.name, { index: i, last: i === this.#specs.length - 1 });
    const several = this.#specs.length > 1;
    return el(
      'div',
      { class: several ? 'spec numbered' : 'spec' },
      this.#name(spec, i),
      el('div', { class: 'inner' }, ...Object.entries(options).map(([key, parameter]) => this.#parameter(spec, i, key, parameter))),
      several && this.#moves(spec, i),
    );
  }

  /** Buttons that change the order. */
  #moves(spec: Spec, i: number): HTMLElement {
    const specs = this.#specs;
    const act = (text: string, label: string, focus: string, work: () => void) =>
      button(
        text,
        () => {
          work();
          this.#redraw(focus);
        },
        { 'aria-label': label },
      );
    const earlier = () => {
      specs.splice(i - 1, 0, ...specs.splice(i, 1));
    };
    const remove = () => {
      specs.splice(i, 1);
    };
    return el(
      'div',
      { class: 'row small' },
      i > 0 && act('Earlier', `${spec.name} one place earlier`, `earlier${i - 1}`, earlier),
      act('Remove', `Remove ${spec.name}`, `name${Math.max(0, i - 1)}`, remove),
    );
  }

  #parameter(spec: Spec, i: number, key: string, parameter: Parameter): HTMLElement {
    const { about, accepts, choices, example } = parameter;
    const isNeeded = parameter.default === undefined;
    if (isNeeded) spec.options[key] ??= example;
    const given = spec.options[key];
    const title = about ? `${about}; ${accepts}` : accepts;
    const set = (value: Scalar | undefined) => {
      if (value === undefined || (!isNeeded && value === example)) delete spec.options[key];
      else spec.options[key] = value;
      this.#tell();
    };
    let input: HTMLInputElement | HTMLSelectElement;
    if (typeof example === 'boolean') {
      const onchange = (e: Event) => set((e.target as HTMLInputElement).checked);
      input = el('input', { type: 'checkbox', checked: given ?? example, title, onchange });
    } else if (choices) {
      const onchange = (e: Event) => set((e.target as HTMLSelectElement).value);
      input = select(
        choices.map(c => [c, c] as const),
        String(given ?? example),
        { title, onchange },
      );
    } else {
      const oninput = () => {
        const typed = text.value.trim();
        const value = scalarOf(typed);
        const who = `${this.#label} ${spec.name}: ${key}`;
        // These part options in the text of a configuration.
        const parts = /[,:=]/.test(typed);
        const number = typed.replace(',', '.');
        const hint = typed.includes(',') && Number.isFinite(Number(number)) ? `write ${number}` : `give ${accepts}`;
        const fault = parts ? new DescentError(`${who} is '${typed}'`, hint) : undefined;
        const isRead = value === undefined || parameter.read(value) !== undefined;
        const shown = typeof value === 'number' ? value : `'${typed}'`;
        const wrong = fault ?? (isRead ? undefined : new DescentError(`${who} is ${shown}`, `give ${accepts}`));
        mark(text, wrong ? inPageWords(wrong) : '');
        this.#refused(text, fault);
        set(parts ? undefined : value);
      };
      const text = el('input', {
        type: 'text',
        value: given === undefined ? '' : String(given),
        placeholder: isNeeded ? 'needed' : String(example),
        autocomplete: 'off',
        spellcheck: false,
        title,
        oninput,
      });
      input = text;
    }
    input.dataset.at = `${key}${i}`;
    return field(key.replaceAll('_', ' '), input, {}, typeof example === 'boolean');
  }
}

/** What a text field holds; nothing where it is empty. */
function scalarOf(text: string): Scalar | undefined {
  if (text === '') return undefined;
  return Number.isFinite(Number(text)) ? Number(text) : text;
}

const ORDINALS = ['first', 'second', 'third', 'fourth', 'fifth'];

/** The specs of a text, bare values under the names of their options. */
export function readSpecs(choice: Choice, text: string | undefined): Spec[] {
  let specs: Spec[] = [];
  try {
    if (text) specs = parseSpecs('the address', text).filter(s => choice.names.includes(s.name));
  } catch {
    /* the form says what is wrong */
  }
  for (const spec of specs) {
    if (spec.value === undefined || !choice.bare) continue;
    const [key, value] = choice.bare(spec.name, spec.value);
    spec.options = { [key]: value, ...spec.options };
    delete spec.value;
  }
  return specs.length || choice.none !== undefined ? specs : [{ name: choice.names[0]!, options: {} }];
}

/** Their text, with what each needs in its place and without what it does not take there. */
export function writeSpecs(choice: Choice, specs: readonly Spec[]): string | undefined {
  const parts = specs.map((spec, index) => {
    const takes = choice.options(spec.name, { index, last: index === specs.length - 1 });
    const needed = Object.entries(takes).filter(([, parameter]) => parameter.default === undefined);
    const examples = Object.fromEntries(needed.map(([key, { example }]) => [key, example]));
    const given: Spec['options'] = { ...examples, ...spec.options };
    if (!('epochs' in takes)) delete given.epochs; // of an optimizer that is the last one now
    return formatSpec({ name: spec.name, options: given });
  });
  return parts.length ? parts.join(',') : undefined;
}
