/** The weights and the bias of a unit as fields, which one may change. */
import { el } from '../dom.ts';

/** Where a number of a unit is: at a place of a weight by name. */
export interface Entry {
  readonly label: string;
  readonly tensor: string;
  readonly index: number;
}

/** The greatest size that is taken. */
const MOST = 1000;

export class UnitValues {
  readonly element = el('div', { class: 'values', role: 'group', hidden: true });
  #set: (place: Entry, value: number) => void;
  #fields: { readonly place: Entry; readonly input: HTMLInputElement }[] = [];

  constructor(set: (place: Entry, value: number) => void) {
    this.#set = set;
  }

  /** Shows the numbers of a unit; none of none. */
  show(unit: string, places: readonly Entry[]): void {
    this.element.hidden = !places.length;
    this.element.ariaLabel = `Weights of ${unit}`;
    this.#fields = places.map(place => {
      const input = el('input', { type: 'text', inputMode: 'decimal', autocomplete: 'off' });
      input.onchange = () => {
        const value = Number(input.value.replace('−', '-'));
        const isTaken = input.value.trim() !== '' && Math.abs(value) <= MOST;
        input.ariaInvalid = isTaken ? null : 'true';
        if (isTaken) this.#set(place, value);
      };
      return { place, input };
    });
    this.element.replaceChildren(...this.#fields.map(({ place, input }) => el('label', {}, place.label, input)));
  }

  /** Shows what they are now, but for one that is being written. */
  look(weights: Readonly<Record<string, Float32Array>> | undefined): void {
    for (const { place, input } of this.#fields) {
      const value = weights?.[place.tensor]?.[place.index];
      if (value === undefined || input === document.activeElement || input.ariaInvalid) continue;
      const text = String(Number(value.toFixed(3)));
      if (input.value !== text) input.value = text;
    }
  }

  /** Goes to the field of a number. */
  focus(label: string): void {
    const { input } = this.#fields.find(({ place }) => place.label === label) ?? {};
    input?.focus();
    input?.select();
  }
}
