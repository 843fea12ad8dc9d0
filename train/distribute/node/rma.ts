/** A centre by one-sided calls: each rank holds a range of every region in a window, and rank 0 the clock before its own. */
import { lengthOf, rangeOf } from '../../data/share.ts';
import type { Op } from '../exchange.ts';
import type { Job, ServedCentre } from './job.ts';

/** Bytes of the clock, before the regions of each rank. */
const CLOCK = 8;

export function rmaCentre({ mpi, rank, size }: Job, n: number, regions: number): ServedCentre {
  // each holds a range, so that no rank has to answer for all
  const bytesOf = (r: number) => 4 * lengthOf(n, { rank: r, size });
  const window = mpi.window(CLOCK + regions * bytesOf(rank));
  const none = new Float32Array(1);

  /** Calls `f` for the range of each rank that holds any: what of `x` it is, and where it begins there; then waits until all is done. */
  const each = (region: number, f: (start: number, end: number, to: number, at: number) => void) => {
    for (let k = 0; k < size; k++) {
      const to = (rank + k) % size; // not all at one rank first
      const { start, end } = rangeOf(n, { rank: to, size });
      if (end > start) f(start, end, to, CLOCK + region * bytesOf(to));
    }
    mpi.flush(window);
  };
  return {
    read(x, region) {
      // atomic for each value, which a plain MPI_Get beside an accumulate is not
      each(region, (start, end, to, at) => mpi.getAccumulate(window, none, x.subarray(start, end), to, at, 'none'));
      return undefined;
    },
    add(d, region) {
      each(region, (start, end, to, at) => mpi.accumulate(window, d.subarray(start, end), to, at));
      return undefined;
    },
    exchange(d, before, region, op: Op) {
      each(region, (start, end, to, at) => mpi.getAccumulate(window, d.subarray(start, end), before.subarray(start, end), to, at, op));
      return undefined;
    },
    tick(by) {
      const before = new BigInt64Array(1);
      mpi.fetchAndAdd(window, BigInt64Array.of(BigInt(by)), before, 0, 0);
      mpi.flush(window);
      return { test: () => true, value: () => Number(before[0]) };
    },
    free: () => mpi.free(window),
  };
}
