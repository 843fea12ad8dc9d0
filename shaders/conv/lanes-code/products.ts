/** WGSL of the products over channels of lanes-1x1.ts. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import type { Fours, ProductOutput } from '../lane-tiles.ts';
import type { Conv } from '../shape.ts';
import { finish } from '../../kernel/epilogue.ts';
import type { Profile } from '../../kernel/kernel.ts';
import { ceilDiv } from '../../kernel/loops.ts';
import { storeInTurns } from '../../kernel/turns.ts';
import { unroll, XYZW } from '../../kernel/wgsl.ts';

/**
 * A product of the weights and the pixels of a batch. With four output channels, `lanes 1x1 x4 y4`: `b{channel}` are the lane's four pixels of
 * a channel, `a{holder}_{channel}` a weight of the output channel that it holds, `c{output channel}` sums.
 *
 * ```wgsl
 * for (var c = 0; c < op.summed; c += 4) {
 *   let a0_0 = weight[w0 + 0 * op.wc]; let a0_1 = weight[w0 + 1 * op.wc]; …
 *   let b0 = x[(p0 + 0 * op.sourcePlane) / 4];
 *   …
 *   c0 += subgroupBroadcast(a0_0, 0u) * b0;
 *   c0 += subgroupBroadcast(a0_1, 0u) * b1;
 *   …
 *   c1 += subgroupBroadcast(a0_0, 1u) * b0;
 *   …
 *   p0 += 4 * op.sourcePlane;
 *   w0 += 4 * op.wc;
 * }
 * ```
 */
export function productsCode(output: ProductOutput, { read, written }: Fours, p: Conv, { lanes: S }: Profile, tile: number): string {
  const holders = ceilDiv(tile, S); // a lane holds the weights of so many output channels
  const [sh, sw] = p.stride;
  const held = (g: number) => `min(o0 + ${g * S} + lane, op.rows - 1)`;
  const broadcast = (name: string, i: number, part = '') => `subgroupBroadcast(${name}${Math.floor(i / S)}${part}, ${i % S}u)`;
  const reads = read ? 1 : 4;
  const writes = written ? 1 : 4;
  const findPixel = (j: number) =>
    `let q${j} = min(first + ${j}, op.pixels - 1); let n${j} = q${j} / op.size; let at${j} = q${j} % op.size;`;
  /** WGSL: where pixel j lies in a plane that the stride passes over, or in one of those that it does not. */
  const place = (j: number, strided: boolean) => (strided ? `at${j} / op.ow * ${sh} * op.w + at${j} % op.ow * ${sw}` : `at${j}`);
  const startRead = (j: number) =>
    `var p${j} = (n${j} * op.sourceChannels + part * op.summed) * op.sourcePlane + ${place(j, output === 'y' && !read)};`;
  const startWrite = (j: number) =>
    `let out${j} = (n${j} * op.targetChannels + part * op.rows) * op.targetPlane + ${place(j, output === 'dx')};`;
  const source = output === 'y' ? 'x' : 'dy';
  const load = (z: number) =>
    read
      ? `    let b${z} = ${source}[(p0 + ${z} * op.sourcePlane) / 4];`
      : `    let b${z} = vec4f(${unroll(4, j => `${source}[p${j} + ${z} * op.sourcePlane]`, ', ')});`;
  const store = (i: number, row: string) => {
    if (written) return `\n      { let at = u32(out0 + (${row}) * op.targetPlane) / 4; y[at] = finish(c${i}, at); }`;
    return unroll(4, j => {
      const at = `u32(out${j} + (${row}) * op.targetPlane`;
      const sum = `c${i}.${XYZW[j]}`;
      if (output === 'y') return `\n      if (first + ${j} < op.pixels) { let at = ${at}); y[at] = finish(${sum}, at); }`;
      return `
      if (first + ${j} < op.pixels) { // the others that the stride passes over have no part in any output
        for (var passed = 0; passed < op.passed; passed++) {
          let h = passed / ${sw}; let w = passed % ${sw};
          if ((at${j} / op.ow * ${sh} + h < op.h) & (at${j} % op.ow * ${sw} + w < op.w)) {
            let at = ${at} + h * op.w + w);
            dx[at] = finish(select(${p.bias ? `bias[part * op.rows + ${row}]` : '0.0'}, ${sum}, passed == 0), at);
          }
        }
      }`;
    });
  };
  return (
    finish(p.epilogue, written ? 'vec4f' : 'f32') +
    wgsl`
@compute @workgroup_size(${S})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) index : u32) {
  let lane = i32(index); let part = i32(group.z);
  let o0 = i32(group.x) * ${tile}; let first = (i32(group.y) * ${S} + lane) * 4;
  ${unroll(Math.max(reads, writes), findPixel)}
  ${unroll(reads, startRead)}
  ${unroll(holders, g => `var w${g} = part * op.rows * op.summed + ${held(g)} * op.wo;`)}
  ${p.bias ? unroll(holders, g => `let bias${g} = bias[part * op.rows + ${held(g)}];`) : ''}
  ${unroll(tile, i => `var c${i} = vec4f(${p.bias ? broadcast('bias', i) : '0.0'});`, ' ')}
  for (var c = 0; c < op.summed; c += 4) {
${unroll(holders, g => `    ${unroll(4, z => `let a${g}_${z} = weight[w${g} + ${z} * op.wc];`, ' ')}`)}
${unroll(4, load)}
${unroll(tile, i => unroll(4, z => `    c${i} += ${broadcast('a', i, `_${z}`)} * b${z};`))}
    ${unroll(reads, j => `p${j} += 4 * op.sourcePlane;`, ' ')}
    ${unroll(holders, g => `w${g} += 4 * op.wc;`, ' ')}
  }
  if (first < op.pixels) {
  ${unroll(writes, startWrite)}
${storeInTurns({
  items: tile,
  turns: written && !p.epilogue?.length ? 4 : 8,
  first: 'o0',
  end: 'op.rows',
  sums: i => [`c${i}`],
  store,
})}
  }
}`
  );
}
