import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';

/** Multipliers of the counter, and what the key grows by each round. */
const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/**
 * Philox 4x32-10 (Salmon et al. 2011): four u32 from a counter and a key, the same everywhere. WGSL has no 64-bit product,
 * so its high half is put together from 16-bit ones. `source` adds it to the kernels that call it.
 */
export const philoxWgsl = wgsl`
fn mulhi(a : u32, b : u32) -> u32 {
  let ah = a >> 16u; let al = a & 0xffffu; let bh = b >> 16u; let bl = b & 0xffffu;
  let high = ah * bl; let low = al * bh;
  let middle = ((al * bl) >> 16u) + (low & 0xffffu) + (high & 0xffffu);
  return ah * bh + (low >> 16u) + (high >> 16u) + (middle >> 16u);
}
fn philox(counter : vec4u, key : vec2u) -> vec4u {
  var c = counter; var k = key;
  for (var round = 0; round < 10; round++) {
    c = vec4u(mulhi(${M1}u, c.z) ^ c.y ^ k.x, ${M1}u * c.z, mulhi(${M0}u, c.x) ^ c.w ^ k.y, ${M0}u * c.x);
    k += vec2u(${W0}u, ${W1}u);
  }
  return c;
}
// [0, 1) with 24 bits
fn uniform4(bits : vec4u) -> vec4f { return vec4f(bits >> vec4u(8u)) * ${1 / 2 ** 24}; }
// The built-in functions are allowed errors of 2^-11, and some drivers use them.
// The natural logarithm of normal numbers, by the series of atanh
fn exactLog(x : vec2f) -> vec2f {
  let bits = bitcast<vec2u>(x);
  let m = bitcast<vec2f>((bits & vec2u(0x7fffffu)) | vec2u(0x3f800000u)); // x = m 2^e, m in [1, 2)
  let high = m > vec2f(1.41421356);
  let n = select(m, 0.5 * m, high);
  let e = vec2f(vec2i(bits >> vec2u(23u))) - select(vec2f(127.0), vec2f(126.0), high);
  let s = (n - 1.0) / (n + 1.0); let q = s * s;
  return e * ${Math.LN2} + 2.0 * s * (1.0 + q * (${1 / 3} + q * (0.2 + q * (${1 / 7} + q * ${1 / 9}))));
}
// cosine and sine of x turns, by series within an eighth of a turn
fn exactTurn(x : f32) -> vec2f {
  let quarter = floor(4.0 * x + 0.5);
  let a = ${2 * Math.PI} * (x - 0.25 * quarter); let q = a * a;
  let c = 1.0 - q * (0.5 - q * (${1 / 24} - q * (${1 / 720} - q * ${1 / 40320})));
  let s = a * (1.0 - q * (${1 / 6} - q * (${1 / 120} - q * (${1 / 5040} - q * ${1 / 362880}))));
  let k = u32(quarter);
  let turned = select(vec2f(c, s), vec2f(-s, c), (k & 1u) == 1u);
  return select(turned, -turned, (k & 2u) == 2u);
}
// Box-Muller; the first uniform is kept away from 0
fn normal4(bits : vec4u) -> vec4f {
  let u = (vec4f(bits >> vec4u(8u)) + 0.5) * ${1 / 2 ** 24};
  let r = sqrt(-2.0 * exactLog(u.xy));
  let a = exactTurn(u.z); let b = exactTurn(u.w);
  return vec4f(r.x * a.x, r.y * b.x, r.x * a.y, r.y * b.y);
}`;

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

/** The same generator on the host: counter and key of u32, four u32 back. */
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
