/** Numbers for the rows and for the columns of windows that move over images. */
export type Pair = readonly [rows: number, columns: number];

export const isSquare = ([rows, columns]: Pair): boolean => rows === columns;

/** Whether both are `n`. */
export const areBoth = (pair: Pair, n: number): boolean => pair[0] === n && pair[1] === n;

export const areaOf = ([rows, columns]: Pair): number => rows * columns;

/** What of an image a window of k taps spans, `dilation` apart. */
export const reachOf = ({ k, dilation: [dh, dw] = [1, 1] }: { readonly k: Pair; readonly dilation?: Pair | undefined }): Pair => [
  dh * (k[0] - 1) + 1,
  dw * (k[1] - 1) + 1,
];

/** The names of a pair as WGSL constants: one name where its numbers are equal. */
export const namesOf = (name: string, pair: Pair): readonly [rows: string, columns: string] =>
  isSquare(pair) ? [name, name] : [`${name}_H`, `${name}_W`];

/** WGSL: a pair as constants. */
export const declared = (name: string, pair: Pair): string =>
  [...new Set(namesOf(name, pair))].map((x, i) => `const ${x} = ${pair[i]};`).join(' ');
