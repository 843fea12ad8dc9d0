/** Uniform numbers in [0, 1) from a 32-bit state (mulberry32), one stream a sample. */
export function stream(seed: number, sample: number): () => number {
  let state = Math.imul(seed + 0x9e3779b9, 0x85ebca6b) ^ Math.imul(sample + 1, 0xc2b2ae35);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}
