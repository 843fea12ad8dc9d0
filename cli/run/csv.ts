/** Predictions as comma-separated values (RFC 4180). */

/** Rows as lines that end in a line feed; cells with commas, quotes or line ends are quoted. */
export const csv = (rows: readonly (readonly (string | number)[])[]): string =>
  rows
    .map(row => `${row.map(cell => (/[",\r\n]/.test(String(cell)) ? `"${String(cell).replaceAll('"', '""')}"` : cell)).join(',')}\n`)
    .join('');

/**
 * The head and a row for each image: its name, its label where labels are known, the most probable class, that probability, and those of all
 * classes. `probabilities` is [n, classes].
 */
export function predictionRows(
  names: readonly string[],
  classes: readonly string[],
  probabilities: Float32Array,
  labels?: ArrayLike<number>,
): (string | number)[][] {
  const k = classes.length;
  const rows = names.map((name, i) => {
    const row = Array.from(probabilities.subarray(i * k, (i + 1) * k), p => Number(p.toPrecision(9))); // all that float32 tells
    const most = Math.max(...row);
    const label = labels ? [classes[labels[i]!]!] : [];
    return [name, ...label, classes[row.indexOf(most)]!, most, ...row];
  });
  return [['image', ...(labels ? ['label'] : []), 'answer', 'probability', ...classes], ...rows];
}
