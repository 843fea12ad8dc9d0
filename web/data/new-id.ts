/** A name for what is kept in the browser, larger than those before it, in other tabs too. */
export function newId(): string {
  const time = (performance.timeOrigin + performance.now()).toFixed(3).padStart(20, '0');
  return `${time}-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
}
