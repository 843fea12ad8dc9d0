/** Random words in WGSL: loaded where a kernel draws some. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { M0, M1, W0, W1 } from './random.ts';

/**
 * Philox 4x32-10 (Salmon et al. 2011): four u32 from a counter and a key, the same everywhere. WGSL has no 64-bit product,
 * so its high half is put together from 16-bit ones. `source` adds it to the kernels that call it.
 *
 * `normal4` is Box-Muller. WGSL allows its own `sin` and `cos` errors of 2^-11 and its `log` near 1 one of 2^-21, and some drivers use them:
 * `exactTurn` and `exactLog` are series, so that what is drawn differs by rounding alone.
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
