/** Paragraphs of lessons as elements; formulas become MathML. */
import temml from 'temml';
import { el } from '../dom.ts';

const INLINE = /(\$[^$]+\$|\*\*[^*]+\*\*|`[^`]+`)/;

/** Formulas that stand beside one another, or below where there is no room. */
export const formulas = (tex: string): HTMLElement =>
  el('div', { class: 'formulas' }, ...tex.split(/\\qquad/).map(part => formula(part.trim(), true)));

function formula(tex: string, displayMode: boolean): HTMLElement {
  const place = el(displayMode ? 'div' : 'span', { class: displayMode ? 'formula' : 'inline-formula' });
  temml.render(tex, place, { displayMode, throwOnError: true });
  return place;
}

/** The parts of a paragraph: words, formulas, code and what is stressed. */
export const inline = (text: string): (Node | string)[] =>
  text.split(INLINE).map(part => {
    if (part.startsWith('$')) return formula(part.slice(1, -1), false);
    if (part.startsWith('**')) return el('strong', { textContent: part.slice(2, -2) });
    return part.startsWith('`') ? el('code', { textContent: part.slice(1, -1) }) : part;
  });

export const paragraph = (text: string): HTMLElement => el('p', {}, ...inline(text));
