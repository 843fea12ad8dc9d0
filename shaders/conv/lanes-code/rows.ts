/** WGSL of tiles of neighbouring outputs (lane-tiles.ts): rows are loaded, summed up in named scalars, and stored. */
import { isVector, type PlaneOutput, type Rows } from '../lane-tiles.ts';
import type { Conv } from '../shape.ts';
import { range, unroll, XYZW } from '../../kernel/wgsl.ts';

/** A number as part of a name. */
export const id = (offset: number) => String(offset).replace('-', 'm');

/** Numbers without repetition, in order. */
export const sorted = (numbers: readonly number[]) => [...new Set(numbers)].sort((a, b) => a - b);

/**
 * What an output reads along an axis (0 down, 1 across): taps of a window, and places counted from where the image read begins; of an input's
 * gradient (`dx`) those of the outputs that it is in.
 */
export function readsAlong(output: PlaneOutput, { k, stride, pad }: Pick<Conv, 'k' | 'stride' | 'pad'>, axis: 0 | 1, at: number) {
  const taps = range(k[axis]);
  if (output !== 'dx') return taps.map(r => ({ r, place: at * stride[axis] + r - pad[axis] }));
  return taps.filter(r => (at + pad[axis] - r) % stride[axis] === 0).map(r => ({ r, place: (at + pad[axis] - r) / stride[axis] }));
}

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

/** Columns that a lane loads one by one. */
const single = ({ rows, step, offsets }: RowLoad) => (rows === 'neighbours' ? range(step) : rows === 'scalar' ? offsets : []);

/** WGSL before the loops: whether the columns that a lane loads one by one exist, as `in{offset}`. */
export const findColumns = (load: RowLoad): string =>
  load.free
    ? ''
    : single(load)
        .map(o => `let in${id(o)} = u32(start + ${o}) < u32(W);`)
        .join(' ');

/**
 * WGSL that loads columns `start + offset` of one row into `x{row}_{offset}`, zeros outside the image. `e{row}` is the index of column
 * `start`, `ok{row}` says whether the row exists.
 */
export function loadRow(row: string, load: RowLoad): string {
  const { buffer, rows, step, offsets, free } = load;
  const scalar = (o: number) => {
    const value = `${buffer}[e${row} + ${o}]`;
    return free ? value : `select(0.0, ${value}, ok${row} & in${id(o)})`;
  };
  if (rows === 'scalar') return offsets.map(o => `    let x${row}_${id(o)} = ${scalar(o)};`).join('\n');

  const vec4s = step / 4;
  const wide = isVector(rows);
  const own = wide
    ? range(vec4s).map(q => `    let v${row}_${q} = select(vec4f(0.0), ${buffer}[e${row} / 4 + ${q}], ok${row});`)
    : range(step).map(o => `    let v${row}_${o} = ${scalar(o)};`);
  /** A column that some lane has loaded itself, counted from its own first. */
  const held = (o: number) => (wide ? `v${row}_${Math.floor(o / 4)}.${XYZW[o % 4]}` : `v${row}_${o}`);
  const value = (o: number) => {
    if (o >= 0 && o < step) return held(o);
    const exists = o < 0 ? '(tw > 0)' : '(tw + 1 < op.across)';
    if (rows === 'vec4')
      return `select(0.0, ${buffer}[e${row} / 4 + ${Math.floor(o / 4)}].${XYZW[((o % 4) + 4) % 4]}, ok${row} & ${exists})`;
    return o < 0
      ? `select(subgroupShuffleUp(${held(step + o)}, 1u), 0.0, tw == 0)`
      : `select(subgroupShuffleDown(${held(o - step)}, 1u), 0.0, tw + 1 == op.across)`;
  };
  return [...own, ...offsets.map(o => `    let x${row}_${id(o)} = ${value(o)};`)].join('\n');
}

interface RowStore {
  readonly buffer: string;
  readonly width: number;
  readonly vector: boolean;
  /** WGSL: the columns of the image. */
  readonly columns: string;
}

interface SumsStore extends RowStore {
  readonly height: number;
  /** WGSL: the rows of the image. */
  readonly rows: string;
  /** WGSL: a channel's number in all, of that in its group, `channel`. */
  readonly plane: string;
}

/**
 * WGSL that stores the sums of `channel`, the first of them number `first`, as far as they are inside the image. Loops begin at what is known
 * when they run, else drivers would unroll them.
 */
export function storeSums({ buffer, width, height, vector, columns, rows, plane }: SumsStore): string {
  const wide = vector ? 4 : 1;
  const sum = (i: number) => `sums[first + (h - row) * ${width} + w - column${i ? ` + ${i}` : ''}]`;
  const lone = `let w = column;`;
  const loop = `for (var w = column; w < min(column + ${width}, ${columns}); w += ${wide})`;
  return `
      for (var h = row; h < min(row + ${height}, ${rows}); h++) {
        ${width > wide ? `${loop} {` : lone}
          let at = u32((${plane} * ${rows} + h) * ${columns} + w)${vector ? ' / 4' : ''};
          ${buffer}[at] = finish(${vector ? `vec4f(${unroll(4, sum, ', ')})` : sum(0)}, at);
        ${width > wide ? '}' : ''}
      }`;
}

/** WGSL that stores row `y` of a tile, `c{row}_{column}`, from place `out` on, as far as it is inside the image. */
export function storeRow(y: number, { buffer, width, vector, columns }: RowStore): string {
  const sum = (x: number) => `c${y}_${x}`;
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
