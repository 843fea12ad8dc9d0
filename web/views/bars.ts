/** Probabilities of classes as bars. */
import { el, percent } from './dom.ts';

export interface Share {
  readonly name: string;
  readonly share: number;
  /** What is written of it, in place of its share. */
  readonly said?: string;
}

export interface Bars {
  readonly element: HTMLOListElement;
  /** Shows other shares; bars that stay are not made anew. */
  show(shares: readonly Share[]): void;
}

/** Bars in the order in which they are given. */
export function bars(label: string): Bars {
  const element = el('ol', { class: 'bars', 'aria-label': label });
  return {
    element,
    show(shares) {
      while (element.children.length > shares.length) element.lastElementChild!.remove();
      while (element.children.length < shares.length) element.append(el('li', {}, el('span'), el('span', { class: 'value' })));
      for (const [i, { name, share, said = percent(share) }] of shares.entries()) {
        const bar = element.children[i] as HTMLElement;
        const [title, value] = bar.children as unknown as [HTMLElement, HTMLElement];
        title.textContent = name;
        value.textContent = said;
        bar.style.setProperty('--share', String(share));
      }
    },
  };
}
