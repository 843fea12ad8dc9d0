/** WGSL of the depthwise convolutions of planes-lanes.ts. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { stripOf, type PlaneForm, type PlaneOutput } from '../lane-tiles.ts';
import { imagesOf, type Conv, type ConvWeight } from '../shape.ts';
import { storeWeight } from './weight.ts';
import { findColumns, id, loadRow, readsAlong, sorted, storeRow, type RowLoad } from './rows.ts';
import { finish } from '../../kernel/epilogue.ts';
import type { Profile } from '../../kernel/kernel.ts';
import { areaOf, type Pair } from '../../kernel/pair.ts';
import { fitsVec4, range, unroll, XYZW } from '../../kernel/wgsl.ts';

/** A product of a sum: the tap, and the place of what it multiplies. */
interface Read {
  readonly tap: number;
  readonly row: number;
  readonly column: number;
}

/** All that an output reads. */
const readsOf = (output: PlaneOutput, p: Conv, y: number, x: number): Read[] =>
  readsAlong(output, p, 0, y).flatMap(({ r, place: row }) =>
    readsAlong(output, p, 1, x).map(({ r: s, place: column }) => ({ tap: r * p.k[1] + s, row, column })),
  );

/** WGSL up to the images of a workgroup: lane, channel, and the taps of that channel that are used, or their sums. */
const head = (output: PlaneOutput, p: Conv, d: Profile, perChannel: string, taps: readonly number[]) => `
@compute @workgroup_size(${d.lanes})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(local_invocation_index) index : u32) {
  let part = i32(group.y);
  let first = part * op.n / op.parts; let last = (part + 1) * op.n / op.parts;
  let item = i32(group.x) * ${d.lanes} + i32(index); let t = min(item, op.items - 1);
  let channel = t${perChannel};
  ${taps
    .map(tap =>
      output === 'dweight'
        ? `var w${tap} = 0.0;`
        : `let w${tap} = weight[channel * ${areaOf(p.k)} + ${p.flip ? areaOf(p.k) - 1 - tap : tap}];`,
    )
    .join(' ')}
  ${p.bias && output !== 'dweight' ? 'let start_value = bias[channel];' : ''}`;

/** WGSL: the value of an output, or what an output adds to the sums. */
const multiplied = (p: Conv, reads: readonly Read[], value: (read: Read) => string) =>
  [...(p.bias ? ['start_value'] : []), ...reads.map(read => `w${read.tap} * ${value(read)}`)].join(' + ') || '0.0';

/** WGSL: the sums of a channel, stored. */
const storeTaps = (p: Conv & Pick<ConvWeight, 'gradient'>, taps: readonly number[]) => `
  if (item < op.items) {
    let at = (part * op.c + channel) * ${areaOf(p.k)};
    ${range(areaOf(p.k))
      .map(tap => storeWeight(p, `at + ${tap}`, taps.includes(tap) ? `w${tap}` : '0.0'))
      .join(' ')}
  }`;

/**
 * Planes of few values, of which a lane holds all. For 3x3 on planes of 2x2, `v0` being the plane:
 *
 * ```wgsl
 * for (var n = first; n < last; n++) {
 *   let plane = n * op.c + channel;
 *   let v0 = x[plane * 1 + 0];
 *   let c0 = w4 * v0.x + w5 * v0.y + w7 * v0.z + w8 * v0.w;
 *   …
 *   if (item < op.items) {
 *     { let at = u32(plane * 1 + 0); y[at] = finish(vec4f(c0, c1, c2, c3), at); }
 *   }
 * }
 * ```
 */
function wholeCode(output: PlaneOutput, p: Conv, d: Profile): string {
  const [from, to] = output === 'dx' ? [imagesOf(p, 'y'), p] : [p, imagesOf(p, 'y')];
  const outputs = range(to.h * to.w).map(i =>
    readsOf(output, p, Math.floor(i / to.w), i % to.w).filter(
      ({ row, column }) => row >= 0 && row < from.h && column >= 0 && column < from.w,
    ),
  );
  const taps = sorted(outputs.flatMap(reads => reads.map(({ tap }) => tap)));
  /** WGSL that loads an image as `name`{…}, and its value `i`. */
  const image = (buffer: string, name: string, size: number) => {
    const vector = fitsVec4(size);
    const loads = vector ? size / 4 : size;
    return {
      load: unroll(loads, j => `let ${name}${j} = ${buffer}[plane * ${loads} + ${j}];`, ' '),
      value: (i: number) => (vector ? `${name}${i >> 2}.${XYZW[i % 4]}` : `${name}${i}`),
    };
  };
  const source = image(output === 'dx' ? 'dy' : 'x', 'v', from.h * from.w);
  const sourceOf = ({ row, column }: Read) => source.value(row * from.w + column);
  if (output === 'dweight') {
    const dy = image('dy', 'd', to.h * to.w);
    const sums = taps.map(tap => {
      const products = outputs.flatMap((reads, i) =>
        reads.filter(read => read.tap === tap).map(read => `${dy.value(i)} * ${sourceOf(read)}`),
      );
      return `    w${tap} += ${products.join(' + ')};`;
    });
    return wgsl`${head(output, p, d, '', taps)}
  for (var n = first; n < last; n++) {
    let plane = n * op.c + channel;
    ${source.load}
    ${dy.load}
${sums.join('\n')}
  }${storeTaps(p, taps)}
}`;
  }
  const vector = fitsVec4(to.h * to.w);
  const stores = (to.h * to.w) / (vector ? 4 : 1);
  const stored = (j: number) => (vector ? `vec4f(${unroll(4, i => `c${4 * j + i}`, ', ')})` : `c${j}`);
  return (
    finish(p.epilogue, vector ? 'vec4f' : 'f32') +
    wgsl`${head(output, p, d, '', taps)}
  for (var n = first; n < last; n++) {
    let plane = n * op.c + channel;
    ${source.load}
${outputs.map((reads, i) => `    let c${i} = ${multiplied(p, reads, sourceOf)};`).join('\n')}
    if (item < op.items) {
${unroll(stores, j => `      { let at = u32(plane * ${stores} + ${j}); ${output}[at] = finish(${stored(j)}, at); }`)}
    }
  }
}`
  );
}

/**
 * Strips of columns, down which a lane goes: of the rows that an output reads it holds those that it has loaded, so that each is loaded once.
 * Rounds before the first output load what is held then, which spares the code of other loads. For 3x3, stride 1, `x{row}_{column}` being
 * columns counted from the strip's first:
 *
 * ```wgsl
 * for (var i = -2; i < op.oh; i++) {
 *   let h2 = i * 1 + 1; let ok2 = u32(h2) < u32(H); let e2 = base + clamp(h2, 0, H - 1) * W;
 *   let v2_0 = select(vec4f(0.0), x[e2 / 4 + 0], ok2);
 *   let x2_m1 = select(0.0, x[e2 / 4 + -1].w, ok2 & (tw > 0));
 *   …
 *   let c0_0 = w0 * x0_m1 + w1 * x0_0 + w2 * x0_1 + w3 * x1_m1 + …
 *   …
 *   if ((i >= 0) & (item < op.items)) {
 *   …
 *   x0_m1 = x1_m1; x0_0 = x1_0; …
 * }
 * ```
 */
function stripsCode(output: PlaneOutput, rows: 'vec4' | 'scalar', p: Conv, d: Profile): string {
  const back = output === 'dx';
  const vector = rows === 'vec4';
  const { width, across } = stripOf(p, rows);
  const from = back ? imagesOf(p, 'y') : p;
  /** Outputs of a lane in one round, and by how much what is read moves on from one to the next. */
  const [outRows, outColumns]: Pair = back ? [p.stride[0], width * p.stride[1]] : [1, width];
  const [stepDown, step]: Pair = back ? [1, width] : [p.stride[0], width * p.stride[1]];
  const isLone = across === 1; // all columns are in the strip: those beside it are known to be zeros
  const isThere = ({ column }: Read) => !isLone || (column >= 0 && column < from.w);
  const outputs = range(outRows).map(y => range(outColumns).map(x => readsOf(output, p, y, x).filter(isThere)));
  const reads = outputs.flat(2);
  const above = Math.min(...reads.map(({ row }) => row));
  const height = Math.max(...reads.map(({ row }) => row)) - above + 1;
  const held = range(Math.max(0, height - stepDown));
  const source = back ? 'dy' : 'x';
  const load: RowLoad = { buffer: source, rows, step, offsets: sorted(reads.map(({ column }) => column)) };
  const name = (row: number | string, column: number) => `x${row}_${id(column)}`;
  const value = ({ row, column }: Read) => name(row - above, column);
  const readRow = (row: string, at: string) => `
      let h${row} = ${at}; let ok${row} = u32(h${row}) < u32(H); let e${row} = base + clamp(h${row}, 0, H - 1) * W;
${loadRow(row, load)}`;
  const taps = sorted(reads.map(({ tap }) => tap));
  const weights = output === 'dweight';

  const dy = (x: number) => (vector ? `d${x >> 2}.${XYZW[x % 4]}` : `d${x}`);
  const loadDy = vector
    ? unroll(width / 4, j => `let d${j} = select(vec4f(0.0), dy[(dy0 + i * op.ow) / 4 + ${j}], i >= 0);`, ' ')
    : unroll(width, x => `let d${x} = select(0.0, dy[dy0 + i * op.ow + ${x}], (i >= 0) & (column + ${x} < op.ow));`, ' ');
  const addTap = (tap: number) => {
    const products = outputs[0]!.flatMap((reads, x) => reads.filter(read => read.tap === tap).map(read => `${dy(x)} * ${value(read)}`));
    return `      w${tap} += ${products.join(' + ')};`;
  };
  const storeOut = (y: number) => {
    const store = `
        let out = ((n * op.c + channel) * ${back ? 'op.h' : 'op.oh'} + i * ${outRows} + ${y}) * ${back ? 'op.w' : 'op.ow'} + column;
        ${storeRow(y, { buffer: output, width: outColumns, vector, columns: back ? 'op.w' : 'op.ow' })}`;
    return y > 0 ? `if (i * ${outRows} + ${y} < op.h) {${store}\n      }` : `{${store}\n      }`;
  };
  const round = weights
    ? `
      ${loadDy}
${taps.map(addTap).join('\n')}`
    : `
${outputs.map((row, y) => row.map((reads, x) => `      let c${y}_${x} = ${multiplied(p, reads, value)};`).join('\n')).join('\n')}
      if ((i >= 0) & (item < op.items)) {
      ${unroll(outRows, storeOut)}
      }`;
  const strip = `
    let column = tw * ${outColumns}; let start = tw * ${step};
    ${findColumns(load)}
    let base = (n * op.c + channel) * H * W + start;
    ${weights ? 'let dy0 = (n * op.c + channel) * op.oh * op.ow + column;' : ''}
    ${held.map(r => load.offsets.map(o => `var ${name(r, o)} = 0.0;`).join(' ')).join(' ')}
    for (var i = ${-Math.ceil(held.length / stepDown)}; i < ${back ? `(op.h + ${outRows - 1}) / ${outRows}` : 'op.oh'}; i++) {
      ${range(height)
        .slice(held.length)
        .map(r => readRow(`${r}`, `i * ${stepDown} + ${above + r}`))
        .join('')}
${round}
      ${held.map(r => load.offsets.map(o => `${name(r, o)} = ${name(r + stepDown, o)};`).join(' ')).join(' ')}
    }`;
  const tail = weights ? storeTaps(p, taps) : '';
  return (
    (weights ? '' : finish(p.epilogue, vector ? 'vec4f' : 'f32')) +
    wgsl`${head(output, p, d, weights ? '' : ' / op.across', taps)}
  let H = ${back ? 'op.oh' : 'op.h'}; let W = ${back ? 'op.ow' : 'op.w'}; // of the image read here
  #if ${weights}
  for (var n = first; n < last; n++) {
    for (var tw = 0; tw < op.across; tw++) {
${strip}
    }
  }${tail}
  #else
  let tw = t % op.across;
  for (var n = first; n < last; n++) {
${strip}
  }
  #endif
}`
  );
}

/** The kernel of planes-lanes.ts that computes `output`. */
export const planesCode = (output: PlaneOutput, form: PlaneForm, p: Conv, d: Profile): string =>
  form === 'whole' ? wholeCode(output, p, d) : stripsCode(output, form, p, d);
