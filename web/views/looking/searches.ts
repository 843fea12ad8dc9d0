/** Searches over rates and runs, whose code is loaded when they are opened. */
import { el, told } from '../dom.ts';
import type { Searched } from './search.ts';

const part = (title: string, load: () => Promise<HTMLElement>): HTMLElement => {
  let isMade = false;
  const element = el('details', { class: 'preview' }, el('summary', { textContent: title }));
  element.ontoggle = () => {
    if (!element.open || isMade) return;
    isMade = true;
    void told(async () => element.append(await load()));
  };
  return element;
};

export const searches = (o: Searched): { readonly rate: HTMLElement; readonly sweep: HTMLElement } => ({
  rate: part('Find a rate', async () => (await import('./find-rate.ts')).findRate(o)),
  sweep: part('Sweep', async () => (await import('./sweep.ts')).sweep(o)),
});
