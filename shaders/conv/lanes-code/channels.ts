/** WGSL of the weight gradients of weight-lanes-channels.ts. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { padsOf, type ConvWeight } from '../shape.ts';
import { heldRows, heldTaps } from '../weight-lanes.ts';
import { broadcastDy, head, heldChannel, storeWeight } from './weight.ts';
import { id } from './rows.ts';
import type { Profile } from '../../kernel/kernel.ts';
import { ceilDiv } from '../../kernel/loops.ts';
import { addTo, declareSums } from '../../kernel/sums.ts';
import { range, unroll, XYZW } from '../../kernel/wgsl.ts';

/** WGSL: which channel and row of taps a lane holds, and the sums of each output channel, for all taps. */
export const startTaps = (p: ConvWeight, S: number, channels: number) => `
  let parts = op.cg * ${p.k[0] / heldRows(p)}; let c0 = i32(group.x) * ${S}; let o0 = i32(group.y) * ${channels};
  let held = min(c0 + lane, parts - 1); let plane = part * op.cg + held / ${p.k[0] / heldRows(p)};
${declareSums(channels * heldTaps(p))}`;

/** What a tap is multiplied by: pixels of dy with the names of what of x goes with them. */
type Pixels = readonly { readonly pixel: number; readonly x: string }[];

/** WGSL: adds to the sums of output channel `i`, whose dy at each of `pixels` is what `dy` gives, what `reached` gives for each tap. */
export const multiplyTaps = (p: ConvWeight, i: number, pixels: number, dy: (pixel: number) => string, reached: (tap: number) => Pixels) => `
        {
          ${unroll(pixels, pixel => `let a${pixel} = ${dy(pixel)};`, ' ')}
          ${unroll(
            heldTaps(p),
            t =>
              addTo(
                i * heldTaps(p) + t,
                reached(t).map(({ pixel, x }) => `a${pixel} * ${x}`),
              ),
            '\n          ',
          )}
        }`;

/** WGSL: the end of the kernel, where sums are stored, in a loop whose ends are known when it runs, else drivers would unroll it. */
export const storeTaps = (p: ConvWeight, channels: number) => `
  if (c0 + lane < parts) {
    for (var o = o0; o < min(o0 + ${channels}, op.og); o++) {
      let first = (o - o0) * ${heldTaps(p)};
      let start = ((slice * op.o + part * op.og + o) * parts + held) * ${heldTaps(p)};
      for (var sum = first; sum < first + ${heldTaps(p)}; sum++) { ${storeWeight(p, 'start + sum - first', 'sums[sum]')} }
    }
  }
}`;

/** Outputs of one strip of a row. */
const STRIP = 4;

/** The first column, counted from the strip's first, that the strip before has not loaded: where vec4f are loaded, a multiple of four. */
const firstNew = ({ k, stride, pad }: ConvWeight, vec4: boolean) => {
  const least = k[1] - stride[1] - pad[1];
  return vec4 ? 4 * ceilDiv(least, 4) : least;
};

/**
 * A lane slides along the rows of one input channel, four outputs at a time, and holds the columns that it has yet to pass, so that each is
 * loaded once for each row of taps that it holds. For 3x3, stride 1, padding 1 and one output channel, `x{row}_{column}` being columns
 * counted from the strip's first, as vec4f:
 *
 * ```wgsl
 * for (var q = 0; q < strips; q++) {
 *   let more0 = q * 4 + 4 < W;
 *   let v0_4 = select(vec4f(0.0), x[(x0 + 4) / 4], ok0 & more0); let x0_4 = v0_4.x; let x0_5 = v0_4.y; …
 *   …
 *   let d0 = dy[dy0 / 4];
 *   {
 *     let a0 = subgroupBroadcast(d0.x, 0u); let a1 = subgroupBroadcast(d0.y, 0u); …
 *     sums[0] = sums[0] + a0 * x0_m1 + a1 * x0_0 + a2 * x0_1 + a3 * x0_2;
 *     sums[1] = sums[1] + a0 * x0_0 + a1 * x0_1 + a2 * x0_2 + a3 * x0_3;
 *     …
 *   }
 *   x0_m1 = x0_3; x0_0 = x0_4; …
 *   …
 *   dy0 += 4;
 * }
 * ```
 */
export function channelsCode(vec4: boolean, p: ConvWeight, d: Profile, channels: number): string {
  const S = d.lanes;
  const rows = heldRows(p);
  const [kh, kw] = p.k;
  const [sh, sw] = p.stride;
  const left = p.pad[1];
  const holders = ceilDiv(channels, S);
  const step = STRIP * sw; // columns from one strip to the next
  const from = firstNew(p, vec4);
  const fresh = range(step).map(o => from + o);
  const carried = range(from + left).map(o => o - left);
  const name = (r: number, o: number) => `x${r}_${id(o)}`;
  const isLast = p.ow % STRIP > 0; // the last strip is not whole
  const load = (r: number, at: number, exists: string) =>
    `let v${r}_${at} = select(vec4f(0.0), x[(x${r} + ${at}) / 4], ok${r} & ${exists});`;
  const startRow = (r: number) => `
      let h${r} = y * ${sh} + ${rows === kh ? r : `held % ${kh}`} - ${padsOf(p).top};
      let ok${r} = u32(h${r}) < u32(H);
      var x${r} = ((n * op.c + plane) * H + clamp(h${r}, 0, H - 1)) * W;
      ${vec4 ? unroll(from / 4, v => load(r, 4 * v, `(${4 * v} < W)`), ' ') : ''}
      ${carried.map(o => `var ${name(r, o)} = ${o < 0 ? '0.0' : first(r, o)};`).join(' ')}`;
  const part = (r: number, o: number) => `v${r}_${Math.floor(o / 4) * 4}.${XYZW[o % 4]}`;
  const first = (r: number, o: number) => (vec4 ? part(r, o) : `select(0.0, x[x${r} + ${o}], ok${r} & (${o} < W))`);
  const loadStrip = (r: number) =>
    vec4
      ? `${unroll(sw, v => load(r, from + 4 * v, `more${v}`), ' ')} ${fresh.map(o => `let ${name(r, o)} = ${part(r, o)};`).join(' ')}`
      : fresh.map((o, j) => `let ${name(r, o)} = select(0.0, x[x${r} + ${o}], ok${r} & more${j});`).join(' ');
  const loadDy = (g: number) =>
    vec4
      ? `let d${g} = dy[dy${g} / 4];`
      : unroll(
          STRIP,
          j => {
            const value = `dy[dy${g} + ${j}]`;
            return `let d${g}_${j} = ${isLast && j > 0 ? `select(0.0, ${value}, q * ${STRIP} + ${j} < OW)` : value};`;
          },
          ' ',
        );
  const multiply = (i: number) =>
    multiplyTaps(
      p,
      i,
      STRIP,
      j => broadcastDy(i, S, vec4 ? `.${XYZW[j]}` : `_${j}`),
      t => range(STRIP).map(j => ({ pixel: j, x: name(Math.floor(t / kw), j * sw + (t % kw) - left) })),
    );
  return (
    head(S) +
    wgsl`
  let strips = (OW + ${STRIP - 1}) / ${STRIP};
  ${startTaps(p, S, channels)}
  for (var n = first; n < last; n++) {
    for (var y = 0; y < op.oh; y++) {
      ${unroll(rows, startRow)}
      ${unroll(holders, g => `var dy${g} = ((n * op.o + part * op.og + ${heldChannel(g, S)}) * op.oh + y) * OW;`)}
      for (var q = 0; q < strips; q++) {
        ${unroll(vec4 ? sw : step, j => `let more${j} = q * ${step} + ${from + (vec4 ? 4 * j : j)} < W;`, ' ')}
        ${unroll(rows, loadStrip)}
        ${unroll(holders, loadDy)}
        ${unroll(channels, multiply)}
        ${unroll(rows, r => `${carried.map(o => `${name(r, o)} = ${name(r, o + step)};`).join(' ')} x${r} += ${step};`)}
        ${unroll(holders, g => `dy${g} += ${STRIP};`, ' ')}
      }
    }
  }
${storeTaps(p, channels)}`
  );
}
