import type { Explained } from './catalogue.ts';
import { el } from '../views/dom.ts';

let fields = 0;
/** A labelled input with its explanation. */
export function field(
  label: string,
  input: HTMLInputElement | HTMLSelectElement,
  { text, formula }: Explained,
  inline = false,
): HTMLElement {
  input.id ||= `field${fields++}`;
  const whole = el('div', { class: inline ? 'field inline' : 'field' }, el('label', { for: input.id, textContent: label }), input);
  if (text || formula) {
    const hint = el('p', { class: 'hint', id: `${input.id}-hint` }, text, formula && el('code', { textContent: formula }));
    input.setAttribute('aria-describedby', hint.id);
    whole.append(hint);
  }
  return whole;
}
