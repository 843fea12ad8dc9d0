/** How times and rates are told, on the command line and in the page. */

/** Milliseconds with so many decimals, or with as many as show two digits of what a GPU does in less. */
export const milliseconds = (ms: number, decimals: number): string =>
  ms === 0 || ms >= 10 ** (1 - decimals) ? ms.toFixed(decimals) : String(Number(ms.toPrecision(2)));

/** GFLOP or GB a second: with a decimal, or two digits of less than one. */
export const perSecond = (rate: number): string => milliseconds(rate, 1);
