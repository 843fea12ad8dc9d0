/** What stands in the form, over a reload and for the next visit. */
import type { Address } from '../form/address.ts';

const KEY = 'descent-form';

/** What the form begins with: what an address says, or what stood in it, which after a reload counts for more. */
export function remembered(address: Address): Address {
  const [visit] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  const isBack = visit !== undefined && visit.type !== 'navigate';
  if (address.join !== undefined || (Object.keys(address).length && !isBack)) return address;
  try {
    const text = (isBack && sessionStorage.getItem(KEY)) || localStorage.getItem(KEY);
    const found = JSON.parse(text ?? 'null') as unknown;
    const isOurs = typeof found === 'object' && found !== null && Object.values(found).every(value => typeof value === 'string');
    return isOurs ? (found as Address) : address;
  } catch {
    return address; // a browser may refuse storage, or hold a text of others
  }
}

/** Keeps the texts of the form for this tab, and for tabs that are opened later. */
export function remember(texts: Address): void {
  try {
    for (const storage of [sessionStorage, localStorage]) storage.setItem(KEY, JSON.stringify(texts));
  } catch {
    /* the form is then as usual at the next visit */
  }
}
