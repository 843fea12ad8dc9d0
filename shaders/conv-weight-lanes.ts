import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import type { ConvWeight } from './conv.ts';
import { ceilDiv, range, unroll, XYZW, type Variant } from './kernel.ts';

// Weight gradients of software adapters (S = lanes of one subgroup = one workgroup): dweight[o][c][tap] = sum over pixels of
// dy[o][pixel] x[c][pixel + tap], for the images of one slice. dy is held one output channel per lane and broadcast.

const sizes = (p: ConvWeight) => ({
  n: p.n, c: p.c, h: p.h, w: p.w, o: p.o, oh: p.oh, ow: p.ow, cg: p.c / p.groups, og: p.o / p.groups, pad: p.pad, split: p.split,
});

const head = (S: number) => `
@compute @workgroup_size(${S})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) index : u32) {
  let lane = i32(index); let H = op.h; let W = op.w; let OW = op.ow;
  let slice = i32(group.z) % op.split; let part = i32(group.z) / op.split; // slice of the batch, group of channels
  let first = slice * op.n / op.split; let last = (slice + 1) * op.n / op.split;`;

/** Most columns of one lane, and output channels of one subgroup, in the general form. */
const columnTile = (p: ConvWeight, S: number) => {
  const columns = p.c / p.groups * p.k * p.k, og = p.o / p.groups;
  const perLane = ceilDiv(ceilDiv(columns, S), ceilDiv(columns, 7 * S));
  return { columns, perLane, channels: ceilDiv(og, ceilDiv(og, 16)) };
};

/**
 * Any kernel, stride and dilation: a lane holds the columns (c, r, s) of the unfolded input, which it gathers pixel by pixel;
 * a gather costs no more than a contiguous load there. `quads`: dy is read four pixels at a time.
 */
export const backwardWeightColumns = (quads: boolean): Variant<ConvWeight> => ({
  name: `lanes columns${quads ? ' vec4' : ''}`,
  fits: (p, d) => d.lanes > 0 && (!quads || p.ow % 4 === 0),
  ...(quads && { vec4: ['dy'] }),
  sizes,
  grid: (p, d) => { const { columns, perLane, channels } = columnTile(p, d.lanes);
    return [ceilDiv(columns, d.lanes * perLane), ceilDiv(p.o / p.groups, channels), p.split * p.groups]; },
  code: (p, d) => {
    const S = d.lanes, { perLane, channels } = columnTile(p, S), kk = p.k * p.k, holders = ceilDiv(channels, S);
    const pixels = quads ? 4 : 1; // more would unroll past the instruction cache
    const free = p.pad === 0;
    const dyOf = (i: number, px: number) => `subgroupBroadcast(d${Math.floor(i / S)}${quads ? `.${XYZW[px]}` : `_${px}`}, ${i % S}u)`;
    return head(S) + wgsl`
  let columns = op.cg * ${kk}; let o0 = i32(group.y) * ${channels};
  ${unroll(perLane, j => `let q${j} = i32(group.x) * ${perLane * S} + ${j * S} + lane; let at${j} = min(q${j}, columns - 1);
  let r${j} = at${j} / ${p.k} % ${p.k} * ${p.dilation} - op.pad; let s${j} = at${j} % ${p.k} * ${p.dilation} - op.pad; let plane${j} = part * op.cg + at${j} / ${kk};`)}
  ${unroll(channels, i => unroll(perLane, j => `var c${i}_${j} = 0.0;`, ' '), ' ')}
  for (var n = first; n < last; n++) {
    for (var y = 0; y < op.oh; y++) {
      ${unroll(perLane, j => `let h${j} = y * ${p.stride} + r${j}; var x${j} = ((n * op.c + plane${j}) * H + h${j}) * W + s${j};${free ? '' : ` let limit${j} = select(0u, u32(W), u32(h${j}) < u32(H)); var w${j} = s${j};`}`)}
      ${unroll(holders, g => `var dy${g} = ((n * op.o + part * op.og + min(o0 + ${g * S} + lane, op.og - 1)) * op.oh + y) * OW;`)}
      for (var column = 0; column < OW; column += ${pixels}) {
${unroll(holders, g => quads ? `        let d${g} = dy[dy${g} / 4];` : unroll(pixels, px => `        let d${g}_${px} = dy[dy${g} + ${px}];`))}
${unroll(pixels, px => `        {\n${unroll(perLane, j => `          let v${j} = ${free ? `x[x${j} + ${px * p.stride}]` : `select(0.0, x[x${j} + ${px * p.stride}], u32(w${j} + ${px * p.stride}) < limit${j})`};`)}
${unroll(channels, i => `          { let a = ${dyOf(i, px)}; ${unroll(perLane, j => `c${i}_${j} += a * v${j};`, ' ')} }`)}\n        }`)}
        ${unroll(perLane, j => `x${j} += ${pixels * p.stride};${free ? '' : ` w${j} += ${pixels * p.stride};`}`, ' ')} ${unroll(holders, g => `dy${g} += ${pixels};`, ' ')}
      }
    }
  }
${unroll(perLane, j => `  if (q${j} < columns) {\n${unroll(channels, i => `    if (o0 + ${i} < op.og) { dweight[(slice * op.o + part * op.og + o0 + ${i}) * columns + q${j}] = c${i}_${j}; }`)}\n  }`)}
}`;
  },
});

const threeByThree = (p: ConvWeight) => p.k === 3 && p.pad === 1 && p.dilation === 1 && p.c / p.groups >= 8;

/** Stores the nine taps of each output channel; a lane holds one input channel. */
const storeTaps = (channels: number) => `
  if (c0 + lane < op.cg) {
${unroll(channels, i => `    if (o0 + ${i} < op.og) { let at = ((slice * op.o + part * op.og + o0 + ${i}) * op.cg + c0 + lane) * 9; ${unroll(9, t => `dweight[at + ${t}] = c${i}_${t};`, ' ')} }`)}
  }
}`;

const channelsOf = (p: ConvWeight, most: number) => { const og = p.o / p.groups; return ceilDiv(og, ceilDiv(og, most)); };

/** 3 x 3 of stride 1 or 2: a lane holds one input channel and slides along its rows, four outputs at a time. */
export const backwardWeightChannels: Variant<ConvWeight> = {
  name: 'lanes channels',
  fits: (p, d) => d.lanes > 0 && threeByThree(p) && p.stride <= 2 && p.w % 4 === 0 && p.ow % 4 === 0 && p.w === p.ow * p.stride,
  vec4: ['x', 'dy'],
  sizes,
  grid: (p, d) => [ceilDiv(p.c / p.groups, d.lanes), ceilDiv(p.o / p.groups, channelsOf(p, 16)), p.split * p.groups],
  code: (p, d) => {
    const S = d.lanes, st = p.stride, channels = channelsOf(p, 16), holders = ceilDiv(channels, S);
    // Column `o` relative to the first of this strip of 4 * stride: from the strip before, this one or the next.
    const column = (r: number, o: number) => (o < 0 ? `before${r}` : o >= 4 * st ? `next${r}.${XYZW[o - 4 * st]}`
      : `now${r}_${Math.floor(o / 4)}.${XYZW[o % 4]}`);
    const carried = st === 1; // stride 2 with padding 1 never reads the next strip
    return head(S) + wgsl`
  let c0 = i32(group.x) * ${S}; let o0 = i32(group.y) * ${channels}; let plane = part * op.cg + min(c0 + lane, op.cg - 1);
  ${unroll(channels, i => unroll(9, t => `var c${i}_${t} = 0.0;`, ' '), '\n  ')}
  for (var n = first; n < last; n++) {
    for (var y = 0; y < op.oh; y++) {
      ${unroll(3, r => `let h${r} = y * ${st} + ${r} - 1; let ok${r} = u32(h${r}) < u32(H); let x${r} = ((n * op.c + plane) * H + clamp(h${r}, 0, H - 1)) * W / 4; var before${r} = 0.0;${carried ? ` var now${r}_0 = select(vec4f(0.0), x[x${r}], ok${r}); var next${r} = vec4f(0.0);` : ''}`)}
      ${unroll(holders, g => `let dy${g} = ((n * op.o + part * op.og + min(o0 + ${g * S} + lane, op.og - 1)) * op.oh + y) * OW / 4;`)}
      for (var q = 0; q < OW / 4; q++) {
        #if ${carried}
        let more = q + 1 < OW / 4; let following = select(q, q + 1, more);
        ${unroll(3, r => `next${r} = select(vec4f(0.0), x[x${r} + following], ok${r} & more);`)}
        #else
        ${unroll(3, r => unroll(st, v => `let now${r}_${v} = select(vec4f(0.0), x[x${r} + q * ${st} + ${v}], ok${r});`, ' '))}
        #endif
        ${unroll(holders, g => `let d${g} = dy[dy${g} + q];`)}
${unroll(channels, i => unroll(4, j => `        { let a = subgroupBroadcast(d${Math.floor(i / S)}.${XYZW[j]}, ${i % S}u); ${unroll(9, t => `c${i}_${t} += a * ${column(Math.floor(t / 3), j * st + t % 3 - 1)};`, ' ')} }`))}
        ${unroll(3, r => `before${r} = now${r}_${st - 1}.w;${carried ? ` now${r}_0 = next${r};` : ''}`)}
      }
    }
  }
${storeTaps(channels)}`;
  },
};

/** 3 x 3 of stride 1 on images 4 or 8 wide: three whole rows are held and slide down the image, so that x is loaded once. */
export const backwardWeightRows: Variant<ConvWeight> = {
  name: 'lanes rows',
  fits: (p, d) => d.lanes > 0 && threeByThree(p) && p.stride === 1 && (p.w === 8 || p.w === 4),
  vec4: ['x', 'dy'],
  sizes,
  grid: (p, d) => [ceilDiv(p.c / p.groups, d.lanes), ceilDiv(p.o / p.groups, channelsOf(p, 64 / p.w)), p.split * p.groups],
  code: (p, d) => {
    const S = d.lanes, quads = p.w / 4, channels = channelsOf(p, 64 / p.w), holders = ceilDiv(channels, S);
    const taps = (pixel: number) => range(9).filter(t => pixel + t % 3 - 1 >= 0 && pixel + t % 3 - 1 < p.w);
    const value = (t: number, pixel: number) => { const o = pixel + t % 3 - 1;
      return `row${Math.floor(t / 3)}_${Math.floor(o / 4)}.${XYZW[o % 4]}`; };
    return head(S) + wgsl`
  let c0 = i32(group.x) * ${S}; let o0 = i32(group.y) * ${channels}; let plane = part * op.cg + min(c0 + lane, op.cg - 1);
  ${unroll(channels, i => unroll(9, t => `var c${i}_${t} = 0.0;`, ' '), '\n  ')}
  for (var n = first; n < last; n++) {
    let x0 = (n * op.c + plane) * H * ${quads};
    ${unroll(holders, g => `let dy${g} = (n * op.o + part * op.og + min(o0 + ${g * S} + lane, op.og - 1)) * H * ${quads};`)}
    ${unroll(quads, q => `var row0_${q} = vec4f(0.0); var row1_${q} = x[x0 + ${q}]; var row2_${q} = vec4f(0.0);`)}
    for (var y = 0; y < H; y++) {
      let more = y + 1 < H; let following = select(y, y + 1, more) * ${quads};
      ${unroll(quads, q => `row2_${q} = select(vec4f(0.0), x[x0 + following + ${q}], more);`)}
      ${unroll(holders, g => unroll(quads, q => `let d${g}_${q} = dy[dy${g} + y * ${quads} + ${q}];`, ' '))}
${unroll(channels, i => unroll(p.w, px => `      { let a = subgroupBroadcast(d${Math.floor(i / S)}_${Math.floor(px / 4)}.${XYZW[px % 4]}, ${i % S}u); ${taps(px).map(t => `c${i}_${t} += a * ${value(t, px)};`).join(' ')} }`))}
      ${unroll(quads, q => `row0_${q} = row1_${q}; row1_${q} = row2_${q};`)}
    }
  }
${storeTaps(channels)}`;
  },
};

/** Output channels of one subgroup in the form for single channels: at most 150 sums are held. */
const pixelChannels = (p: ConvWeight) => channelsOf(p, Math.max(1, Math.floor(150 / (p.k * p.k))));

/**
 * One input channel a group (grey images, depthwise convolutions), stride 1: there are too few columns to fill the lanes, so a lane takes
 * strips of four pixels, holds all taps of some output channels, and the lanes are added up at the end.
 */
export const backwardWeightPixels: Variant<ConvWeight> = {
  name: 'lanes pixels',
  fits: (p, d) => d.lanes > 0 && p.c === p.groups && p.stride === 1 && p.dilation === 1 && p.k % 2 === 1 && p.k <= 5
    && p.pad === (p.k - 1) / 2 && p.w % 4 === 0,
  vec4: ['x', 'dy'],
  sizes,
  grid: p => [1, ceilDiv(p.o / p.groups, pixelChannels(p)), p.split * p.groups],
  code: (p, d) => {
    const S = d.lanes, { k, pad } = p, channels = pixelChannels(p);
    const column = (r: number, o: number) => (o < 0 || o > 3 ? `h${r}_${o < 0 ? `m${-o}` : o}` : `x${r}.${XYZW[o]}`);
    const halo = (r: number, o: number) =>
      `let ${column(r, o)} = select(0.0, x[e${r} ${o < 0 ? '- 1' : '+ 1'}].${XYZW[(o + 4) % 4]}, ok${r} & ${o < 0 ? '(q > 0)' : '(q + 1 < across)'});`;
    const outside = [...range(pad).map(i => i - pad), ...range(pad).map(i => 4 + i)];
    return head(S) + wgsl`
  let o0 = i32(group.y) * ${channels}; let across = OW / 4;
  ${unroll(channels, i => unroll(k * k, t => `var c${i}_${t} = 0.0;`, ' '), '\n  ')}
  for (var n = first; n < last; n++) {
    let plane = (n * op.c + part) * H * across; let dy0 = (n * op.o + part * op.og + o0) * op.oh * across;
    for (var t = lane; t < op.oh * across; t += ${S}) {
      let y = t / across; let q = t % across;
      ${unroll(k, r => `let h${r} = y + ${r - pad}; let ok${r} = u32(h${r}) < u32(H); let e${r} = plane + clamp(h${r}, 0, H - 1) * across + q; let x${r} = select(vec4f(0.0), x[e${r}], ok${r}); ${outside.map(o => halo(r, o)).join(' ')}`)}
      ${unroll(channels, i => `{ let d = dy[dy0 + min(${i}, op.og - 1 - o0) * op.oh * across + t];
        ${unroll(k * k, tap => `c${i}_${tap} += ${unroll(4, j => `d.${XYZW[j]} * ${column(Math.floor(tap / k), j + tap % k - pad)}`, ' + ')};`, ' ')} }`)}
    }
  }
${unroll(channels, i => `  if (o0 + ${i} < op.og) { let at = (slice * op.o + part * op.og + o0 + ${i}) * ${k * k}; ${unroll(k * k, t => `{ let sum = subgroupAdd(c${i}_${t}); if (lane == 0) { dweight[at + ${t}] = sum; } }`, ' ')} }`)}
}`;
  },
};
