/** WGSL of the weight gradients by columns; see weight-lanes-columns.ts. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { isInside, padsOf, type ConvWeight } from '../shape.ts';
import { broadcastDy, head, heldChannel, storeWeight } from './weight.ts';
import type { Profile } from '../../kernel/kernel.ts';
import { ceilDiv } from '../../kernel/loops.ts';
import { storeInTurns } from '../../kernel/turns.ts';
import { range, unroll, XYZW } from '../../kernel/wgsl.ts';

/**
 * Any kernel, stride and dilation: a lane holds the columns (c, r, s) of the unfolded input, which it gathers pixel by pixel;
 * a gather costs no more than a contiguous load there. With `vec4` dy is read four pixels at a time, here for 2x2 with one column a lane:
 *
 * ```wgsl
 * var dy0 = ((n * op.o + part * op.og + min(o0 + 0 + lane, op.og - 1)) * op.oh + y) * OW;
 * for (var column = 0; column < OW; column += 4) {
 *   let d0 = dy[dy0 / 4];
 *   let v0_0 = select(0.0, x[x0 + 0], u32(w0 + 0) < limit0);
 *   let v0_1 = select(0.0, x[x0 + 1], u32(w0 + 1) < limit0);
 *   …
 *   { let a = subgroupBroadcast(d0.x, 0u); c0_0 += a * v0_0; }
 *   { let a = subgroupBroadcast(d0.y, 0u); c0_0 += a * v0_1; }
 *   …
 *   x0 += 4; w0 += 4;
 *   dy0 += 4;
 * }
 * ```
 */
export function columnsCode(vec4: boolean, p: ConvWeight, d: Profile, perLane: number, channels: number): string {
  const S = d.lanes;
  const [kh, kw] = p.k;
  const [sh, sw] = p.stride;
  const [dh, dw] = p.dilation;
  const { top, left } = padsOf(p);
  const holders = ceilDiv(channels, S);
  const pixels = vec4 ? 4 : 1; // more would unroll past the instruction cache
  const inside = isInside(p);
  const declareColumn = (j: number) => `
  let q${j} = i32(group.x) * ${perLane * S} + ${j * S} + lane;
  let at${j} = min(q${j}, columns - 1);
  let r${j} = at${j} / ${kw} % ${kh} * ${dh} - ${top};
  let s${j} = at${j} % ${kw} * ${dw} - ${left};
  let plane${j} = part * op.cg + at${j} / ${kh * kw};`;
  const startRow = (j: number) => `
      let h${j} = y * ${sh} + r${j};
      var x${j} = ((n * op.c + plane${j}) * H + h${j}) * W + s${j};
      ${inside ? '' : `let limit${j} = select(0u, u32(W), u32(h${j}) < u32(H)); var w${j} = s${j};`}`;
  const loadDy = (g: number) =>
    vec4 ? `        let d${g} = dy[dy${g} / 4];` : unroll(pixels, pixel => `        let d${g}_${pixel} = dy[dy${g} + ${pixel}];`);
  const loadX = (j: number, pixel: number) => {
    const value = `x[x${j} + ${pixel * sw}]`;
    return `          let v${j}_${pixel} = ${inside ? value : `select(0.0, ${value}, u32(w${j} + ${pixel * sw}) < limit${j})`};`;
  };
  const multiply = (i: number, pixel: number) => {
    const dy = broadcastDy(i, S, vec4 ? `.${XYZW[pixel]}` : `_${pixel}`);
    return `          { let a = ${dy}; ${unroll(perLane, j => `c${i}_${j} += a * v${j}_${pixel};`, ' ')} }`;
  };
  return (
    head(S) +
    wgsl`
  let columns = op.cg * ${kh * kw}; let o0 = i32(group.y) * ${channels};
  ${unroll(perLane, declareColumn)}
  ${unroll(channels, i => unroll(perLane, j => `var c${i}_${j} = 0.0;`, ' '))}
  for (var n = first; n < last; n++) {
    for (var y = 0; y < op.oh; y++) {
      ${unroll(perLane, startRow)}
      ${unroll(holders, g => `var dy${g} = ((n * op.o + part * op.og + ${heldChannel(g, S)}) * op.oh + y) * OW;`)}
      for (var column = 0; column < OW; column += ${pixels}) {
${unroll(holders, loadDy)}
${unroll(pixels, pixel => unroll(perLane, j => loadX(j, pixel)))}
${unroll(channels, i => unroll(pixels, pixel => multiply(i, pixel)))}
        ${unroll(perLane, j => `x${j} += ${pixels * sw};${inside ? '' : ` w${j} += ${pixels * sw};`}`)}
        ${unroll(holders, g => `dy${g} += ${pixels};`)}
      }
    }
  }
${storeColumns(p, channels, perLane, 'columns', j => `q${j}`)}
}`
  );
}

/** WGSL: stores a lane's sums `c{channel}_{j}`, where `column(j)` is one of the `columns` of the gradient of a group. */
export const storeColumns = (p: ConvWeight, channels: number, perLane: number, columns: string, column: (j: number) => string): string =>
  `  let start = (slice * op.o + part * op.og) * ${columns};
${storeInTurns({
  items: channels,
  turns: 16,
  first: 'o0',
  end: 'op.og',
  sums: i => range(perLane).map(j => `c${i}_${j}`),
  store: (i, channel) =>
    unroll(
      perLane,
      j => `
      if (${column(j)} < ${columns}) { ${storeWeight(p, `start + (${channel}) * ${columns} + ${column(j)}`, `c${i}_${j}`)} }`,
    ),
})}`;
