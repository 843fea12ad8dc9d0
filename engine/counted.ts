/** How many there are of something, in words. */

/** `1 epoch`, `12,345 epochs`; `more` is the plural where that is not one by an s. */
export const counted = (n: number, one: string, more = `${one}s`): string => `${n.toLocaleString('en-US')} ${n === 1 ? one : more}`;
