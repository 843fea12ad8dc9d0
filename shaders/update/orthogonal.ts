/** What makes a matrix nearly orthogonal beside matrix products: its norm, and the polynomial of a Newton-Schulz iteration. */
import { kernel } from '../kernel/define.ts';
import { items, values } from '../kernel/loops.ts';
import { float } from '../kernel/wgsl.ts';

/** `n` values that shall have the norm `norm` together; one below `eps` counts as `eps`. */
export interface Normed {
  n: number;
  norm: number;
  eps: number;
  inPlace: boolean;
}

/** y = x norm / max(|x|, eps), `square` [1] being |x|², or y itself in place of x: 0 stays 0, NaN stays. */
export const toNorm = kernel({
  name: 'to_norm',
  bindings: { x: 'read?', square: 'read', y: 'write' },
  over: (p: Normed, d) => values(p.n, d),
  body: ({ norm, eps, inPlace }) => `
    let size = sqrt(square[0]);
    y[i] = ${inPlace ? 'y' : 'x'}[i] * (${float(norm)} / select(size, ${float(eps)}, size < ${float(eps)}));`,
});

/** Coefficients of I, A and A² by which the small singular values grow fastest (Jordan 2024). */
const QUINTIC = [3.4445, -4.775, 2.0315] as const;

/** What an iteration multiplies a matrix by whose products with itself are A [d, d], and `scale`. */
export interface Iteration {
  d: number;
  scale: number;
}

/** p ← scale times the polynomial, p [d, d] being A². */
export const quintic = kernel({
  name: 'quintic',
  bindings: { a: 'read', p: 'write' },
  over: (p: Iteration, d) => values(p.d * p.d, d),
  body: ({ d, scale }) => {
    const [one, linear, square] = QUINTIC.map(c => float(scale * c));
    return `
    let unit = select(0.0, ${one}, i / ${d}u == i % ${d}u);
    p[i] = unit + ${linear} * a[i] + ${square} * p[i];`;
  },
});

/** The values of a page between the two places of each gap in `table` become 0. */
export const clearGaps = kernel({
  name: 'clear_gaps',
  bindings: { table: 'read u32', page: 'write' },
  over: (p: { gaps: number }, d) => items(p.gaps, d),
  body: () => '  for (var at = table[2u * i]; at < table[2u * i + 1u]; at++) { page[at] = 0.0; }',
});
