import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { kernel, type Target } from '../kernel/define.ts';
import type { Epilogue } from '../kernel/epilogue.ts';
import { isSoftware } from '../kernel/kernel.ts';
import { planes, threads } from '../kernel/loops.ts';
import { areaOf, areBoth, declared, namesOf, reachOf, type Pair } from '../kernel/pair.ts';
import { unroll } from '../kernel/wgsl.ts';

/**
 * Pooling of `planes` (batch x channels) images h x w into oh x ow: windows of k taps `dilation` apart, `stride` apart, over `pad` rows and
 * columns of padding before the first; or `adaptive` ones, which divide the image into oh x ow parts.
 */
export interface Pool {
  max: boolean;
  planes: number;
  h: number;
  w: number;
  oh: number;
  ow: number;
  k: Pair;
  stride: Pair;
  pad: Pair;
  dilation?: Pair;
  adaptive?: boolean;
  /**
   * What a sum is divided by: all taps of a window, those inside the image, or those inside the image with its padding, of which there are
   * `behind` rows and columns after the last.
   */
  counts?: 'window' | 'inside' | { readonly behind: Pair };
  epilogue?: readonly Epilogue[];
}

const constants = (p: Pool) => `
const H = ${p.h}; const W = ${p.w};
const OH = ${p.oh}; const OW = ${p.ow};
${p.adaptive ? '' : `${declared('K', p.k)} ${declared('STRIDE', p.stride)} ${declared('PAD', p.pad)}${isDilated(p) ? ` ${declared('DIL', p.dilation)} ${declared('REACH', reachOf(p))}` : ''}`}
`;

const isDilated = (p: Pool): p is Pool & { dilation: Pair } => p.dilation !== undefined && !areBoth(p.dilation, 1);

/** WGSL of windows along the rows (axis 0) or the columns (axis 1) of an image. */
function axisOf(p: Pool, axis: 0 | 1) {
  const [size, out] = axis === 0 ? ['H', 'OH'] : ['W', 'OW'];
  const name = (constant: string, pair: Pair) => namesOf(constant, pair)[axis];
  if (p.adaptive)
    return {
      /** Where window `o` begins: before the image where it is padded. */
      start: (o: string) => `${o} * ${size} / ${out}`,
      /** Its first tap inside the image, the end of its taps, and what leads a tap to the next. */
      first: (start: string) => start,
      end: (_start: string, o: string) => `((${o} + 1) * ${size} + ${out} - 1) / ${out}`,
      next: (i: string) => `${i}++`,
      /** Taps by which its sum is divided, where that is not K * K. */
      taps: (o: string) => `(((${o} + 1) * ${size} + ${out} - 1) / ${out} - ${o} * ${size} / ${out})`,
      /** The place of a row of the image as windows see it, and the first and the last window that it is in. */
      seen: (at: string) => at,
      from: (seen: string) => `${seen} * ${out} / ${size}`,
      to: (seen: string) => `((${seen} + 1) * ${out} + ${size} - 1) / ${size} - 1`,
    };
  const dilated = isDilated(p);
  const k = name('K', p.k);
  const stride = name('STRIDE', p.stride);
  const pad = name('PAD', p.pad);
  const step = dilated ? name('DIL', p.dilation) : '';
  const reach = dilated ? name('REACH', reachOf(p)) : k;
  const { counts = 'window' } = p;
  const limit = typeof counts === 'object' ? `${size} + ${counts.behind[axis]}` : size;
  const least = (start: string) => (counts === 'inside' ? `max(${start}, 0)` : start);
  return {
    start: (o: string) => `${o} * ${stride} - ${pad}`,
    first: (start: string) => (dilated ? `(${start} + (max(-${start}, 0) + ${step} - 1) / ${step} * ${step})` : `max(${start}, 0)`),
    end: (start: string, _o: string) => `min(${start} + ${reach}, ${size})`,
    next: (i: string) => (dilated ? `${i} += ${step}` : `${i}++`),
    taps: (o: string) => `(min(${o} * ${stride} - ${pad} + ${k}, ${limit}) - ${least(`(${o} * ${stride} - ${pad})`)})`,
    seen: (at: string) => `${at} + ${pad}`,
    from: (seen: string) => `select(0, (${seen} - ${reach}) / ${stride} + 1, ${seen} >= ${reach})`,
    to: (seen: string) => `min(${seen} / ${stride}, ${out} - 1)`,
  };
}

/** WGSL: what the sum of window (oy, ox) is divided by. The padding counts in it unless `counts` says otherwise, as in PyTorch. */
function divisor(p: Pool, oy: string, ox: string): string {
  if (!p.adaptive && (p.counts ?? 'window') === 'window') return `f32(${namesOf('K', p.k).join(' * ')})`;
  return `f32(${axisOf(p, 0).taps(oy)} * ${axisOf(p, 1).taps(ox)})`;
}

/** The `size` values of each plane. */
const over = (p: Pool, size: number, d: Target) =>
  planes({ count: p.planes, size, threads: threads(d), perThread: isSoftware(d) ? 32 : 1 });

/** Whether all windows lie inside the image and are small: then their loads are written out, which spares loops and bounds. */
const unrolls = (p: Pool) =>
  !p.adaptive &&
  !isDilated(p) &&
  areBoth(p.pad, 0) &&
  areaOf(p.k) <= 9 &&
  (p.oh - 1) * p.stride[0] + p.k[0] <= p.h &&
  (p.ow - 1) * p.stride[1] + p.k[1] <= p.w;

/**
 * WGSL that takes one value of the window. The first of equals wins, and a NaN (by its bits: WGSL may assume there is none) beats all, as
 * in PyTorch.
 */
const visit = (p: Pool, at: string) =>
  p.max
    ? `{ let v = x[base + ${at}]; if ((v > value) | ((bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u)) { value = v; best = ${at}; } }`
    : `value += x[base + ${at}];`;

/** How much of the image is behind the last window, in rows (axis 0) or columns (1), where windows lie side by side; else negative. */
const behind = (p: Pool, axis: 0 | 1): number => (p.k[axis] === p.stride[axis] ? [p.h, p.w][axis]! - [p.oh, p.ow][axis]! * p.k[axis] : -1);

/** Whether each input is in one window at most, and no image is larger by a whole one. */
const tiles = (p: Pool) =>
  !p.adaptive && !isDilated(p) && areBoth(p.pad, 0) && ([0, 1] as const).every(i => behind(p, i) >= 0 && behind(p, i) < p.k[i]);

/** Windows of an image that they tile, with those that its edges cut off: down and across. */
const cells = (p: Pool): Pair => [p.oh + Math.sign(behind(p, 0)), p.ow + Math.sign(behind(p, 1))];

/** y [planes, oh, ow] from x [planes, h, w]; `argmax` [planes, oh, ow] is where in its plane each maximum stood. */
export const poolForward = kernel({
  name: 'pool_forward',
  bindings: { x: 'read', y: 'write', argmax: 'write u32?' },
  epilogue: 'y',
  over: (p: Pool, d) => over(p, p.oh * p.ow, d),
  body: p => {
    const [rows, columns] = [axisOf(p, 0), axisOf(p, 1)];
    const [oy, ox] = ['i32(at) / OW', 'i32(at) % OW'];
    const kw = p.k[1];
    return {
      declared: constants(p),
      each: wgsl`
    let base = i32(plane) * H * W;
    let top = ${rows.start(oy)}; let left = ${columns.start(ox)};
    #if ${unrolls(p)}
    var value = x[base + top * W + left]; var best = top * W + left;
    ${unroll(areaOf(p.k) - 1, i => visit(p, `top * W + left + ${Math.floor((i + 1) / kw)} * W + ${(i + 1) % kw}`))}
    #else
    ${p.max ? `var best = ${rows.first('top')} * W + ${columns.first('left')}; var value = x[base + best];` : 'var value = 0.0;'}
    for (var r = ${rows.first('top')}; r < ${rows.end('top', oy)}; ${rows.next('r')}) {
      for (var c = ${columns.first('left')}; c < ${columns.end('left', ox)}; ${columns.next('c')}) {
        ${visit(p, 'r * W + c')}
      }
    }
    #endif
    let out = plane * OH * OW + at;
  #if ${p.max}
    y[out] = finish(value, out);
    argmax[out] = u32(best);
  #else
    y[out] = finish(value / ${divisor(p, oy, ox)}, out);
  #endif`,
    };
  },
});

/** WGSL: a thread fills the window `at` of a plane, which it shares with no other, or with zeros what is left of one at an edge. */
function fillWindow(p: Pool): string {
  const [kh, kw] = namesOf('K', p.k);
  const [down, across] = cells(p);
  const [edgeRow, edgeColumn] = [down > p.oh, across > p.ow];
  const all = (conditions: readonly (string | false)[]) => conditions.filter(Boolean).join(' & ');
  const isWindow = all([edgeRow && '(oy < OH)', edgeColumn && '(ox < OW)']);
  const gradient = `dy[window]${p.max ? '' : ` / ${divisor(p, 'oy', 'ox')}`}`;
  const fill = (r: number, c: number) => {
    const exists = all([edgeRow && r >= behind(p, 0) && '(oy < OH)', edgeColumn && c >= behind(p, 1) && '(ox < OW)']);
    return `${exists && `if (${exists}) `}{
      let inside = corner + ${r} * W + ${c};
      let out = plane * H * W + u32(inside);
      dx[out] = finish(${p.max ? 'select(0.0, g, best == inside)' : 'g'}, out);
    }`;
  };
  return wgsl`
    let oy = i32(at) / ${across}; let ox = i32(at) % ${across};
    let window = plane * OH * OW + u32(${edgeRow ? 'min(oy, OH - 1)' : 'oy'} * OW + ${edgeColumn ? 'min(ox, OW - 1)' : 'ox'});
    let corner = oy * ${kh} * W + ox * ${kw};
    let g = ${isWindow ? `select(0.0, ${gradient}, ${isWindow})` : gradient};
    ${p.max ? 'let best = i32(argmax[window]);' : ''}
    ${unroll(areaOf(p.k), i => fill(Math.floor(i / p.k[1]), i % p.k[1]))}`;
}

/** WGSL: an input `at` of a plane gathers from the windows that it is in. */
function gatherFromWindows(p: Pool): string {
  const [rows, columns] = [axisOf(p, 0), axisOf(p, 1)];
  return wgsl`
    let row = ${rows.seen('i32(at) / W')}; let column = ${columns.seen('i32(at) % W')};
    var sum = 0.0;
    for (var oy = ${rows.from('row')}; oy <= ${rows.to('row')}; oy++) {
      for (var ox = ${columns.from('column')}; ox <= ${columns.to('column')}; ox++) {
        let window = plane * OH * OW + u32(oy * OW + ox);
    #if ${p.max}
        if (argmax[window] == at) { sum += dy[window]; }
    #else
        sum += dy[window] / ${divisor(p, 'oy', 'ox')};
    #endif
      }
    }
    let out = plane * H * W + at;
    dx[out] = finish(sum, out);`;
}

/** dx [planes, h, w] from dy [planes, oh, ow]. */
export const poolBackward = kernel({
  name: 'pool_backward',
  bindings: { dy: 'read', argmax: 'read u32?', dx: 'write' },
  epilogue: 'dx',
  over: (p: Pool, d) => over(p, tiles(p) ? areaOf(cells(p)) : p.h * p.w, d),
  body: p => ({ declared: constants(p), each: tiles(p) ? fillWindow(p) : gatherFromWindows(p) }),
});
