/**
 * The problem of twelve bits: all 4,096 patterns on the corners of an icosahedron, and a class that does not change when the icosahedron is
 * turned. Shwartz-Ziv & Tishby (2017) have such a rule in a data file beside their code; this one is of our making.
 */
import { datasetOf } from '../../../datasets/memory.ts';
import type { Dataset } from '../../../datasets/dataset.ts';
import { permutation, STREAMS } from '../../../shaders/kernel/random.ts';

export const BITS = 12;
export const PATTERNS = 2 ** BITS;
/** Patterns to train on: four fifths. */
export const TRAINED = Math.floor(0.8 * PATTERNS);

const GOLDEN = (1 + Math.sqrt(5)) / 2;
const CORNERS = [0, 1, 2].flatMap(axis =>
  [-1, 1].flatMap(a =>
    [-GOLDEN, GOLDEN].map(b => {
      const corner = [0, 0, 0];
      corner[(axis + 1) % 3] = a / Math.hypot(1, GOLDEN);
      corner[(axis + 2) % 3] = b / Math.hypot(1, GOLDEN);
      return corner;
    }),
  ),
);
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

/** The bits of a pattern by its number. */
export const bitsOf = (pattern: number): number[] => Array.from({ length: BITS }, (_, i) => (pattern >> i) & 1);

/** Legendre's polynomials of degrees 1 and 2. */
const P1 = (c: number): number => c;
const P2 = (c: number): number => (3 * c * c - 1) / 2;

/**
 * The power of a pattern in the spherical harmonics of degrees 1 and 2, by their addition theorem: sums over pairs of corners that are on,
 * which no turn changes.
 */
export function power(bits: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < BITS; i++) {
    for (let j = 0; j < BITS; j++) {
      const cosine = dot(CORNERS[i]!, CORNERS[j]!);
      if (bits[i] && bits[j]) sum += P1(cosine) + P2(cosine);
    }
  }
  return sum;
}

/** The classes of all patterns: whether the power lies above its median. */
export function classesOfPatterns(): Uint16Array {
  const powers = Array.from({ length: PATTERNS }, (_, p) => Math.round(power(bitsOf(p)) * 1e6));
  const median = [...powers].sort((a, b) => a - b)[PATTERNS / 2]!;
  return Uint16Array.from(powers, p => Number(p > median));
}

/** All patterns as inputs [n, 12] of -1 and 1. */
export const inputsOfPatterns = (): Float32Array =>
  Float32Array.from(Array.from({ length: PATTERNS }, (_, p) => bitsOf(p).map(b => 2 * b - 1)).flat());

/** The patterns as a data set: some to train on, the others to test. */
export function patterns(seed: number): Promise<Dataset> {
  const [inputs, classes] = [inputsOfPatterns(), classesOfPatterns()];
  const order = permutation(PATTERNS, seed, STREAMS.split);
  const part = (from: number, to: number) => {
    const chosen = [...order.subarray(from, to)];
    return { images: chosen.map(p => inputs.slice(p * BITS, (p + 1) * BITS)), labels: chosen.map(p => classes[p]!) };
  };
  return datasetOf({ ...part(0, TRAINED), test: part(TRAINED, PATTERNS), shape: [BITS], classes: ['0', '1'], name: 'twelve bits' });
}
