/** Tiles of neighbouring outputs in the lanes of a software adapter: rows are loaded, summed up in named scalars, and stored. */
import type { Conv } from './shape.ts';
import { ceilDiv } from '../kernel/loops.ts';
import { areaOf } from '../kernel/pair.ts';
import { range, unroll, XYZW } from '../kernel/wgsl.ts';

/** How a row of the input is loaded: aligned vec4f with the halo from the neighbouring lane, the halo loaded, or scalars. */
export type Rows = 'shuffle' | 'vec4' | 'scalar';

/** The sizes of a call by which its weights are found: strides per output channel, per input channel, the first tap, per tap. */
export const weightStrides = ({ k, c, o, groups, flip }: Conv) => {
  const taps = areaOf(k);
  return flip ? { wo: taps, wc: (o / groups) * taps, w0: taps - 1, wt: -1 } : { wo: (c / groups) * taps, wc: taps, w0: 0, wt: 1 };
};

/** A number as part of a name. */
export const id = (offset: number) => String(offset).replace('-', 'm');

/** Numbers without repetition, in order. */
export const sorted = (numbers: readonly number[]) => [...new Set(numbers)].sort((a, b) => a - b);

export interface RowLoad {
  readonly buffer: string;
  readonly rows: Rows;
  /** Columns between neighbouring lanes. */
  readonly step: number;
  /** Columns to load, counted from `start`. */
  readonly offsets: readonly number[];
  /** No tile reaches over an edge. */
  readonly free?: boolean;
}

/**
 * WGSL that loads columns `start + offset` of one row into `x{row}_{offset}`, zeros outside the image. `e{row}` is the index of column
 * `start`, `ok{row}` says whether the row exists.
 */
export function loadRow(row: string, { buffer, rows, step, offsets, free }: RowLoad): string {
  if (rows === 'scalar')
    return offsets
      .map(o => {
        const value = `${buffer}[e${row} + ${o}]`;
        return `    let x${row}_${id(o)} = ${free ? value : `select(0.0, ${value}, ok${row} & (u32(start + ${o}) < u32(W)))`};`;
      })
      .join('\n');

  const vec4s = step / 4;
  const own = range(vec4s).map(q => `    let v${row}_${q} = select(vec4f(0.0), ${buffer}[e${row} / 4 + ${q}], ok${row});`);
  const columns = offsets.map(o => {
    const vec4 = Math.floor(o / 4);
    const part = XYZW[((o % 4) + 4) % 4];
    const value = () => {
      if (vec4 >= 0 && vec4 < vec4s) return `v${row}_${vec4}.${part}`;
      const exists = o < 0 ? '(tw > 0)' : '(tw + 1 < op.across)';
      if (rows === 'vec4') return `select(0.0, ${buffer}[e${row} / 4 + ${vec4}].${part}, ok${row} & ${exists})`;
      return o < 0
        ? `select(subgroupShuffleUp(v${row}_${vec4s - 1}.${part}, 1u), 0.0, tw == 0)`
        : `select(subgroupShuffleDown(v${row}_0.${part}, 1u), 0.0, tw + 1 == op.across)`;
    };
    return `    let x${row}_${id(o)} = ${value()};`;
  });
  return [...own, ...columns].join('\n');
}

/** WGSL: the sums of a tile, `c{channel}_{row}_{column}`. */
export const declareSums = (channels: number, height: number, width: number, start: (channel: number) => string): string =>
  unroll(channels, i => `  ${unroll(height, y => unroll(width, x => `var c${i}_${y}_${x} = ${start(i)};`, ' '), ' ')}`);

interface RowStore {
  readonly buffer: string;
  readonly width: number;
  readonly vector: boolean;
  /** WGSL: the columns of the image. */
  readonly columns: string;
}

/** WGSL that stores row `y` of channel `i` of a tile from place `out` on, as far as it is inside the image. */
export function storeRow(i: number, y: number, { buffer, width, vector, columns }: RowStore): string {
  const sum = (x: number) => `c${i}_${y}_${x}`;
  if (vector)
    return unroll(
      width / 4,
      q => `
        {
          let at = u32(out + ${4 * q}) / 4;
          ${buffer}[at] = finish(vec4f(${range(4)
            .map(x => sum(4 * q + x))
            .join(', ')}), at);
        }`,
    );
  return unroll(
    width,
    x => `
        if (column + ${x} < ${columns}) { let at = u32(out + ${x}); ${buffer}[at] = finish(${sum(x)}, at); }`,
  );
}

/** Tiles of th x tw in `n` images of h x w: across and down an image, and in all. */
export function tilesOf(n: number, h: number, w: number, th: number, tw: number) {
  const across = ceilDiv(w, tw);
  const down = ceilDiv(h, th);
  return { across, down, tiles: n * across * down };
}
