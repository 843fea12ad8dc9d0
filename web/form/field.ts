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

/** Says below an input what is wrong with what it holds; nothing where that is empty. */
export function mark(input: HTMLInputElement | HTMLSelectElement, wrong: string): void {
  const id = `${input.id}-error`;
  const said = input.parentElement?.querySelector(`#${CSS.escape(id)}`);
  if (said?.textContent === wrong) return;
  said?.remove();
  const described = (input.getAttribute('aria-describedby') ?? '').split(' ').filter(other => other && other !== id);
  if (wrong) {
    input.after(el('p', { class: 'hint wrong', id, textContent: wrong }));
    described.unshift(id);
    input.setAttribute('aria-errormessage', id);
  } else {
    input.removeAttribute('aria-errormessage');
  }
  input.setAttribute('aria-invalid', String(Boolean(wrong)));
  if (described.length) input.setAttribute('aria-describedby', described.join(' '));
  else input.removeAttribute('aria-describedby');
}
