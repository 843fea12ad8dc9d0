/** WGSL of pooling by any windows, a thread for each value. */
import type { LoopParts } from '../kernel/define.ts';
import { declared, namesOf, reachOf, type Pair } from '../kernel/pair.ts';
import { isDilated, type Pool } from './shape.ts';
import { sizesOf, stored, visit } from './written-out.ts';

/** WGSL of windows that do not adapt. */
export const windowConstants = (p: Pool) => `${declared('K', p.k)} ${declared('STRIDE', p.stride)} ${declared('PAD', p.pad)}`;

const constants = (p: Pool) =>
  `${sizesOf(p)}${p.adaptive ? '' : windowConstants(p)}${isDilated(p) ? ` ${declared('DIL', p.dilation)} ${declared('REACH', reachOf(p))}` : ''}`;

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
export function divisor(p: Pool, oy: string, ox: string): string {
  if (!p.adaptive && (p.counts ?? 'window') === 'window') return `f32(${namesOf('K', p.k).join(' * ')})`;
  return `f32(${axisOf(p, 0).taps(oy)} * ${axisOf(p, 1).taps(ox)})`;
}

/** A value of y. */
export function forward(p: Pool): LoopParts {
  const [rows, columns] = [axisOf(p, 0), axisOf(p, 1)];
  const [oy, ox] = ['i32(at) / OW', 'i32(at) % OW'];
  return {
    declared: constants(p),
    each: `
    let base = i32(plane) * H * W;
    let top = ${rows.start(oy)}; let left = ${columns.start(ox)};
    ${p.max ? `var best = ${rows.first('top')} * W + ${columns.first('left')}; var value = x[base + best];` : 'var value = 0.0;'}
    for (var r = ${rows.first('top')}; r < ${rows.end('top', oy)}; ${rows.next('r')}) {
      for (var c = ${columns.first('left')}; c < ${columns.end('left', ox)}; ${columns.next('c')}) {
        ${visit(p, 'r * W + c')}
      }
    }
    ${stored(p, divisor(p, oy, ox))}`,
  };
}

/** A value of dx: an input gathers from the windows that it is in. */
export function backward(p: Pool): LoopParts {
  const [rows, columns] = [axisOf(p, 0), axisOf(p, 1)];
  return {
    declared: constants(p),
    each: `
    let row = ${rows.seen('i32(at) / W')}; let column = ${columns.seen('i32(at) % W')};
    var sum = 0.0;
    for (var oy = ${rows.from('row')}; oy <= ${rows.to('row')}; oy++) {
      for (var ox = ${columns.from('column')}; ox <= ${columns.to('column')}; ox++) {
        let window = plane * OH * OW + u32(oy * OW + ox);
        ${p.max ? 'if (argmax[window] == at) { sum += dy[window]; }' : `sum += dy[window] / ${divisor(p, 'oy', 'ox')};`}
      }
    }
    let out = plane * H * W + at;
    dx[out] = finish(sum, out);`,
  };
}
