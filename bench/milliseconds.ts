/** How times are told, on the command line and in the page. */

/** Milliseconds with so many decimals, or with as many as show two digits of what a GPU does in less. */
export const milliseconds = (ms: number, decimals: number): string =>
  ms === 0 || ms >= 10 ** (1 - decimals) ? ms.toFixed(decimals) : String(Number(ms.toPrecision(2)));
