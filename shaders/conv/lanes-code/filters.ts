/** WGSL of the weight gradients of weight-lanes-filters.ts. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { padsOf, type ConvWeight } from '../shape.ts';
import { head, storeWeight } from './weight.ts';
import type { Profile } from '../../kernel/kernel.ts';
import { ceilDiv } from '../../kernel/loops.ts';
import { storeInTurns } from '../../kernel/turns.ts';
import { range, unroll, XYZW } from '../../kernel/wgsl.ts';

/** Taps of a filter, filters of a lane, and outputs of one strip of a row. */
export interface FiltersTile {
  readonly taps: number;
  readonly filters: number;
  readonly strip: number;
}

/**
 * The images of a first layer have too few channels to fill the lanes, so a lane holds all taps of some output channels, of which it loads
 * the gradients of a strip of a row; what of x these multiply is shared out among the lanes and broadcast. For 3x3 on images 2 wide and one
 * filter a lane, `v{…}` being what a lane holds of x, `d{filter}_{pixel}` of dy and `c{filter}_{tap}` a sum:
 *
 * ```wgsl
 * for (var q = 0; q < strips; q++) {
 *   let v0 = select(0.0, x[x0], u32(w0) < limit0);
 *   …
 *   let d0_0 = dy[dy0 + 0]; let d0_1 = dy[dy0 + 1];
 *   {
 *     let u0 = subgroupBroadcast(v0, 0u); let u1 = subgroupBroadcast(v0, 1u); let u2 = subgroupBroadcast(v0, 2u); …
 *     c0_0 += u0 * d0_0; c0_0 += u1 * d0_1;
 *     c0_1 += u1 * d0_0; c0_1 += u2 * d0_1;
 *     c0_2 += u2 * d0_0; c0_2 += u3 * d0_1;
 *   }
 *   …
 *   x0 += 2; w0 += 2;
 *   …
 *   dy0 += 2;
 * }
 * ```
 */
export function filtersCode(vec4: boolean, p: ConvWeight, d: Profile, { taps, filters, strip }: FiltersTile): string {
  const S = d.lanes;
  const [kh, kw] = p.k;
  const [sh, sw] = p.stride;
  const { top, left } = padsOf(p);
  const columns = (strip - 1) * sw + kw; // that a strip reaches
  const rows = taps / kw; // of all channels
  const loads = ceilDiv(rows * columns, S);
  const isPart = p.ow % strip > 0; // the last strip is not whole
  const declare = (j: number) => `
  let at${j} = min(${j * S} + lane, ${rows * columns - 1});
  let plane${j} = part * op.cg + at${j} / ${kh * columns}; let r${j} = at${j} / ${columns} % ${kh} - ${top}; let s${j} = at${j} % ${columns} - ${left};`;
  const startRow = (j: number) => `
      let h${j} = y * ${sh} + r${j};
      let limit${j} = select(0u, u32(W), u32(h${j}) < u32(H));
      var x${j} = ((n * op.c + plane${j}) * H + h${j}) * W + s${j}; var w${j} = s${j};`;
  const loadDy = (g: number) =>
    vec4
      ? unroll(
          strip / 4,
          v => {
            const value = `dy[dy${g} / 4 + ${v}]`;
            return `let d${g}_${v} = ${isPart && v > 0 ? `select(vec4f(0.0), ${value}, q * ${strip} + ${4 * v} < OW)` : value};`;
          },
          ' ',
        )
      : unroll(
          strip,
          i => {
            const value = `dy[dy${g} + ${i}]`;
            return `let d${g}_${i} = ${isPart && i > 0 ? `select(0.0, ${value}, q * ${strip} + ${i} < OW)` : value};`;
          },
          ' ',
        );
  const dy = (g: number, i: number) => (vec4 ? `d${g}_${Math.floor(i / 4)}.${XYZW[i % 4]}` : `d${g}_${i}`);
  const add = (row: number, s: number, g: number) => unroll(strip, i => `c${g}_${row * kw + s} += u${i * sw + s} * ${dy(g, i)};`, ' ');
  const used = range(columns).filter(o => range(kw).some(s => o >= s && (o - s) % sw === 0));
  const multiplyRow = (row: number) => {
    const held = (o: number) => row * columns + o;
    return `        {
          ${used.map(o => `let u${o} = subgroupBroadcast(v${Math.floor(held(o) / S)}, ${held(o) % S}u);`).join(' ')}
          ${unroll(kw, s => unroll(filters, g => add(row, s, g)))}
        }`;
  };
  return (
    head(S) +
    wgsl`
  let strips = (OW + ${strip - 1}) / ${strip}; let o0 = i32(group.x) * ${S * filters} + lane;
  ${unroll(loads, declare)}
  ${unroll(filters, g => unroll(taps, t => `var c${g}_${t} = 0.0;`, ' '))}
  for (var n = first; n < last; n++) {
    for (var y = 0; y < op.oh; y++) {
      ${unroll(loads, startRow)}
      ${unroll(filters, g => `var dy${g} = ((n * op.o + part * op.og + min(o0 + ${g * S}, op.og - 1)) * op.oh + y) * OW;`)}
      for (var q = 0; q < strips; q++) {
        ${unroll(loads, j => `let v${j} = select(0.0, x[x${j}], u32(w${j}) < limit${j});`)}
        ${unroll(filters, loadDy)}
${unroll(rows, multiplyRow)}
        ${unroll(loads, j => `x${j} += ${strip * sw}; w${j} += ${strip * sw};`)}
        ${unroll(filters, g => `dy${g} += ${strip};`)}
      }
    }
  }
  let start = (slice * op.o + part * op.og + o0) * ${taps};
${storeInTurns({
  items: taps,
  turns: 9,
  first: 'start',
  sums: t => range(filters).map(g => `c${g}_${t}`),
  store: (t, at) =>
    unroll(filters, g => `\n      if (o0 + ${g * S} < op.og) { ${storeWeight(p, `${at} + ${g * S * taps}`, `c${g}_${t}`)} }`),
})}
}`
  );
}
