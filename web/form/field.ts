import { el } from '../views/dom.ts';

/** What is said below a field. */
export interface Hint {
  readonly about?: string;
  readonly formula?: string;
}

let fields = 0;
/** A labelled input with its explanation. */
export function field(
  label: string,
  input: HTMLInputElement | HTMLSelectElement,
  { about, formula }: Hint = {},
  inline = false,
): HTMLElement {
  input.id ||= `field${fields++}`;
  const whole = el('div', { class: inline ? 'field inline' : 'field' }, el('label', { for: input.id, textContent: label }), input);
  if (about || formula) {
    const hint = el('p', { class: 'hint', id: `${input.id}-hint` }, about, formula && el('code', { textContent: formula }));
    input.setAttribute('aria-describedby', hint.id);
    whole.append(hint);
  }
  return whole;
}
