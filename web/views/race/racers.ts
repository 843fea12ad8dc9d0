/** The list of racers: who runs, and at which rate and momentum. */
import { parseNumber } from '../../../engine/spec.ts';
import { rules } from '../../../optim/index.ts';
import { field, mark } from '../../form/field.ts';
import { inPageWords } from '../../words.ts';
import { el } from '../dom.ts';
import type { Land } from './land.ts';
import { momentumOf, rateOf, RULES, type Racer, type Settings } from './settings.ts';
import { swatchOf } from './standings.ts';

interface Row {
  readonly item: HTMLElement;
  readonly box: HTMLInputElement;
  readonly numbers: HTMLElement;
  /** By hyper-parameter. */
  readonly inputs: ReadonlyMap<string, HTMLInputElement>;
}

/** What a hyper-parameter of a racer is, the factor of all rates not counted. */
const valueIn = ({ rule, hyper }: Racer, name: string, land: Land): number =>
  hyper[name] ?? (name === 'lr' ? rateOf(rule, land) : rules[rule]!.hyper[name]!.default);

/** The hyper-parameters that a racer runs with. */
export const hyperOf = (racer: Racer, land: Land, times: number): Record<string, number> => ({
  ...racer.hyper,
  lr: valueIn(racer, 'lr', land) * times,
});

export class RacerList {
  readonly element = el('ul', { class: 'legend racers', 'aria-label': 'Optimizers' });
  #rows = new Map<string, Row>();
  #settings: Settings | undefined;
  #land: Land | undefined;
  /** What those had who do not run now. */
  #rested = new Map<string, Racer>();
  #change: (racers: readonly Racer[]) => void;

  constructor(change: (racers: readonly Racer[]) => void) {
    this.#change = change;
    for (const rule of RULES) this.#rows.set(rule, this.#rowOf(rule));
  }

  /** All of them, or none. */
  pick(all: boolean): void {
    const running = this.#settings!.racers;
    for (const racer of running) this.#rested.set(racer.rule, racer);
    this.#change(all ? RULES.map(rule => this.#rested.get(rule) ?? { rule, hyper: {} }) : []);
  }

  show(settings: Settings, land: Land): void {
    this.#settings = settings;
    this.#land = land;
    for (const [rule, { item, box, numbers, inputs }] of this.#rows) {
      const racer = settings.racers.find(r => r.rule === rule);
      box.checked = racer !== undefined;
      numbers.hidden = !racer;
      item.querySelector('.stroke')!.replaceWith(swatchOf(rule));
      for (const [name, input] of inputs) {
        if (!racer || document.activeElement === input) continue;
        const value = valueIn(racer, name, land) * (name === 'lr' ? settings.times : 1);
        input.value = String(Number(value.toPrecision(4)));
        mark(input, '');
      }
    }
  }

  #rowOf(rule: string): Row {
    const box = el('input', { type: 'checkbox', id: `race-${rule}` });
    box.onchange = () => {
      const others = this.#settings!.racers.filter(r => r.rule !== rule);
      const own = this.#settings!.racers.find(r => r.rule === rule);
      if (own) this.#rested.set(rule, own);
      this.#change(box.checked ? [...others, this.#rested.get(rule) ?? { rule, hyper: {} }] : others);
    };
    const momentum = momentumOf(rule);
    const inputs = new Map<string, HTMLInputElement>();
    const fields = ['lr', ...(momentum ? [momentum] : [])].map(name => {
      const label = name === 'lr' ? 'rate' : name;
      const input = el('input', { type: 'text', inputMode: 'decimal', autocomplete: 'off', 'aria-label': `${rule}: ${label}` });
      const whole = field(label, input);
      input.oninput = () => this.#read(rule, name, input);
      input.onchange = () => this.show(this.#settings!, this.#land!);
      inputs.set(name, input);
      return whole;
    });
    const numbers = el('div', { class: 'inner' }, ...fields);
    const item = el(
      'li',
      { title: rules[rule]!.formula },
      el('div', { class: 'who' }, box, swatchOf(rule), el('label', { for: box.id, textContent: rule })),
      numbers,
    );
    this.element.append(item);
    return { item, box, numbers, inputs };
  }

  #read(rule: string, name: string, input: HTMLInputElement): void {
    const { range } = rules[rule]!.hyper[name]!;
    const label = name === 'lr' ? 'rate' : name;
    try {
      const given = parseNumber(`${rule}: ${label}`, input.value.trim(), name === 'lr' ? { above: 0 } : (range ?? {}));
      mark(input, '');
      const value = name === 'lr' ? Number((given / this.#settings!.times).toPrecision(6)) : given;
      this.#change(this.#settings!.racers.map(r => (r.rule === rule ? { rule, hyper: { ...r.hyper, [name]: value } } : r)));
    } catch (error) {
      mark(input, inPageWords(error as Error));
    }
  }
}
