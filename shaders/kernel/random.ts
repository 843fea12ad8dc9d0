/** Random numbers on the host: those that kernels draw (philox-wgsl.ts), and streams of them. */
/** Multipliers of the counter, and what the key grows by each round. */
export const M0 = 0xd2511f53;
export const M1 = 0xcd9e8d57;
export const W0 = 0x9e3779b9;
export const W1 = 0xbb67ae85;

/** The high half of the product of two u32. */
const mulhi = (a: number, b: number): number => {
  const ah = a >>> 16;
  const al = a & 0xffff;
  const bh = b >>> 16;
  const bl = b & 0xffff;
  const high = ah * bl;
  const low = al * bh;
  const middle = ((al * bl) >>> 16) + (low & 0xffff) + (high & 0xffff);
  return (ah * bh + (low >>> 16) + (high >>> 16) + (middle >>> 16)) >>> 0;
};

type Words = [number, number, number, number];

/** Philox 4x32-10 (Salmon et al. 2011) on the host: counter and key of u32, four u32 back. */
export function philox(counter: Readonly<Words>, key: readonly [number, number]): Words {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high1 = mulhi(M1, c2);
    const low1 = Math.imul(M1, c2);
    const high0 = mulhi(M0, c0);
    const low0 = Math.imul(M0, c0);
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1 >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0 >>> 0;
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** What a stream of random numbers on the host is for; part of the key, so that no two uses share numbers. */
export const STREAMS = { init: 1, shuffle: 2, split: 3, probe: 4, augment: 5, swag: 6, sample: 7, attack: 8, fisher: 9 } as const;

/**
 * The number of the random stream of a layer or parameter: FNV-1a of its name, so that a layer added elsewhere changes no other one's
 * numbers.
 */
export function streamOf(name: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/** Gives the next number of a stream with each call: initial values are drawn by the million. */
export type Draw = () => number;

/** Random numbers of one stream: u32 words in order. */
function words(seed: number, stream: number, index = 0): Draw {
  let block: readonly number[] = [];
  let i = 0;
  return () => {
    if (i % 4 === 0) block = philox([(i / 4) >>> 0, index >>> 0, 0, 0], [seed >>> 0, stream]);
    return block[i++ % 4]!;
  };
}

/** Uniform numbers in [0, 1) with 24 bits. */
export function uniforms(seed: number, stream: number, index = 0): Draw {
  const word = words(seed, stream, index);
  return () => (word() >>> 8) / 2 ** 24;
}

/** Standard normal numbers (Box-Muller). */
export function normals(seed: number, stream: number, index = 0): Draw {
  const u = uniforms(seed, stream, index);
  let second: number | undefined;
  return () => {
    if (second !== undefined) {
      const z = second;
      second = undefined;
      return z;
    }
    const r = Math.sqrt(-2 * Math.log(u() + 2 ** -25));
    const t = 2 * Math.PI * u();
    second = r * Math.sin(t);
    return r * Math.cos(t);
  };
}

/** A permutation of 0 … n-1 (Fisher-Yates), the same for the same seed and index (the epoch). */
export function permutation(n: number, seed: number, stream: number, index = 0): Uint32Array {
  const order = new Uint32Array(n).map((_, i) => i);
  const random = words(seed, stream, index);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor((random() / 2 ** 32) * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
