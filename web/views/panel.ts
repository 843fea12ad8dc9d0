/** A box with a title, a line about it, and what it is filled with. */
import { el, told } from './dom.ts';

export interface Panel {
  readonly box: HTMLElement;
  readonly body: HTMLElement;
}

export function panel(title: string, hint: string): Panel {
  const body = el('div', { class: 'body' });
  const heading = [el('h2', { textContent: title }), el('p', { class: 'hint', textContent: hint })];
  return { box: el('section', { class: 'panel', 'aria-label': title }, ...heading, body), body };
}

export const quiet = (text: string): HTMLElement => el('p', { class: 'quiet', textContent: text });

/** Whether one is on the screen, or nearly: looking at what nobody sees takes time from training. */
export function isSeen({ box }: Panel): boolean {
  const { top, bottom } = box.getBoundingClientRect();
  return box.isConnected && top < innerHeight + 80 && bottom > -80;
}

/** Does something once, when an element first comes on the screen: what is far down, or folded, may never be looked at. */
export function onceSeen(element: Element, work: () => Promise<void>): void {
  const observer = new IntersectionObserver(entries => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
    observer.disconnect();
    void told(work);
  });
  observer.observe(element);
}
