/** AugMix (Hendrycks et al. 2020): an image mixed with chains of transforms of itself. Names are those of augment.ts. */
import { degrees } from './kinds.ts';
import type { Augment, Transform } from './transform.ts';
import { float, unroll, XYZW } from '../kernel/wgsl.ts';
import { TONES } from './tables-code.ts';

/** Chains of an image, and the most transforms of one. */
const CHAINS = 3;
const LONGEST = 3;
/** The share of a chain, and that of the image before them, is a component of `m`. */
const SHARES = XYZW.slice(1);

/** What a chain may do, geometry first; drawn as a number. */
const STEPS = ['rotate', 'shear x', 'shear y', 'translate x', 'translate y', 'solarize', 'posterize', 'autocontrast', 'equalize'] as const;
/** WGSL: whether `kind` is that step. */
const is = (step: (typeof STEPS)[number]) => `kind == ${float(STEPS.indexOf(step))}`;
/** What is to be taken from `kind` to have one of TONES. */
const BEFORE_TONES = STEPS.indexOf('autocontrast') - TONES.autocontrast;

/**
 * Fields of `Draw` for the transform number `k`: `m`, the share of the image and of its chains; of each chain the rows of a matrix (`a`);
 * a shift, the threshold of solarize and the step of posterize (`b`); one of TONES (`e`).
 */
export const mixFields = (k: number): string[] => [
  `m${k} : vec4f`,
  unroll(CHAINS, n => `a${k}_${n} : vec4f, b${k}_${n} : vec4f, e${k}_${n} : f32`, ', '),
];

/**
 * WGSL that draws the numbers of transform `k`: strength up to `severity` tenths of rotation by 30 degrees, shear by 0.3, translation by a
 * third, solarize, posterize to 4 bits and below, autocontrast and equalize. A chain computes its geometry first, then its colours in the
 * order autocontrast or equalize (of the stored image's histogram), solarize, posterize.
 */
export function drawMix({ o }: Transform, k: number, { w, h, views = 1 }: Augment): string {
  const uniforms = (block: string) => `uniform4(philox(vec4u(index, op.epoch, stage, ${block}), key))`;
  const block = (n: number) => `${n}u + 16u * view`;
  return `{
    const stage = ${k}u;
    let r = ${uniforms(block(0))};
    let e = -log(r.yzw + ${1 / 2 ** 25}); // Dirichlet(1, 1, 1) by exponentials
    d.m${k} = vec4f(1.0 - r.x, e / (e.x + e.y + e.z) * r.x);
    ${views > 1 ? `if (view == 0u) { d.m${k} = vec4f(1.0, 0.0, 0.0, 0.0); }` : ''}
    ${unroll(
      CHAINS,
      chain => `{
      var A = vec4f(1.0, 0.0, 0.0, 1.0);
      var B = vec4f(0.0, 0.0, 256.0, 1.0);
      var tones = 0.0;
      let depth = 1.0 + floor(${float(LONGEST)} * ${uniforms(block(1 + chain * 4))}.x);
      for (var j = 0u; j < ${LONGEST}u; j++) {
        if (f32(j) >= depth) { break; }
        let u = ${uniforms(`${block(2 + chain * 4)} + j`)};
        let kind = min(floor(${float(STEPS.length)} * u.x), ${float(STEPS.length - 1)});
        let level = (0.1 + (${float(o.severity!)} - 0.1) * u.y) * 0.1;
        let s = select(level, -level, u.z < 0.5);
        var M = vec4f(1.0, 0.0, 0.0, 1.0);
        var T = vec2f(0.0);
        if (${is('rotate')}) { let t = turn(s * ${degrees(30)}); M = vec4f(t.x, t.y, -t.y, t.x); }
        if (${is('shear x')}) { M.y = 0.3 * s; }
        if (${is('shear y')}) { M.z = 0.3 * s; }
        if (${is('translate x')}) { T.x = s * ${float(w / 3)}; }
        if (${is('translate y')}) { T.y = s * ${float(h / 3)}; }
        if (${is('solarize')}) { B.z = 256.0 - 256.0 * level; }
        if (${is('posterize')}) { B.w = exp2(4.0 + floor(4.0 * level)); }
        tones = max(tones, kind - ${float(BEFORE_TONES)});
        // a position goes through the steps from the last to the first: A (M e + T) + B
        B = vec4f(A.x * T.x + A.y * T.y + B.x, A.z * T.x + A.w * T.y + B.y, B.zw);
        A = vec4f(A.x * M.x + A.y * M.z, A.x * M.y + A.y * M.w, A.z * M.x + A.w * M.z, A.z * M.y + A.w * M.w);
      }
      d.a${k}_${chain} = A;
      d.b${k}_${chain} = B;
      d.e${k}_${chain} = tones;
    }`,
    )}
  }`;
}

/** WGSL function `mixed{k}`: the image `inner` mixed with its chains; what lies beyond the border is black. */
export function mixed(k: number, inner: string, { w, h }: Augment): string {
  return `
fn mixed${k}(q : Q, i : u32, index : u32, image : u32, d : Draw) -> Px {
  let e = q - C;
  var v = d.m${k}.x * ${inner}(q, i, index, image, d);
  ${unroll(
    CHAINS,
    n => `{
    let A = d.a${k}_${n}; let B = d.b${k}_${n};
    let at = C + vec2f(dot(A.xy, e), dot(A.zw, e)) + B.xy;
    if (!(any(at < vec2f(-0.5)) | any(at >= vec2f(${w}.0, ${h}.0) - 0.5))) {
      var u = tone(d.e${k}_${n}, ${inner}(at, i, index, image, d), d.row);
      u = select(u, 255.0 - u, u >= Px(B.z));
      if (B.w > 1.0) { u = floor(u / B.w) * B.w; }
      v += d.m${k}.${SHARES[n]} * u;
    }
  }`,
  )}
  return v;
}`;
}
