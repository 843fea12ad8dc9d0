/** Ranks that live in one process: `alone` is a job of one rank, and several of them serve tests. */
import { DescentError } from '../../engine/check.ts';
import type { Centre, Exchange, Op, Shared } from './exchange.ts';

/** A job of one rank. */
export const alone = (): Exchange => together(1)[0]!;

/** What ranks have brought to a call that all of them make, and how each goes on. */
interface Meeting {
  readonly brought: unknown[];
  readonly goOn: ((all: readonly unknown[]) => void)[];
}

/** The ranks of a job in one process. */
export function together(size: number): Exchange[] {
  const meetings = new Map<number, Meeting>();
  const centres: Centre[] = [];
  const arrays: Shared[] = [];

  const member = (rank: number): Exchange => {
    let calls = 0;
    /** Waits until all ranks have made as many calls as this one, and gives what each brought. */
    const meet = <T>(own: T): Promise<readonly T[]> => {
      const call = calls++;
      const meeting = meetings.get(call) ?? { brought: [], goOn: [] };
      meetings.set(call, meeting);
      meeting.brought[rank] = own;
      return new Promise(resolve => {
        meeting.goOn.push(all => resolve(all as readonly T[]));
        if (meeting.goOn.length < size) return;
        meetings.delete(call);
        for (const goOn of meeting.goOn) goOn(meeting.brought);
      });
    };
    let made = { centres: 0, arrays: 0 };
    return {
      rank,
      size,
      vector: n => new Float32Array(n),
      async mean(x, weight = 1 / size) {
        const all = await meet(weight === 1 ? x.slice() : x.map(v => v * weight));
        x.set(all[0]!);
        for (const other of all.slice(1)) for (const [i, v] of other.entries()) x[i]! += v;
      },
      async broadcast(x, root = 0) {
        const all = await meet(rank === root ? x.slice() : x);
        x.set(all[root]!);
      },
      texts: async own => [...(await meet(own))],
      async centre(n, regions) {
        const number = made.centres;
        made = { ...made, centres: number + 1 };
        centres[number] ??= centreOf(n, regions);
        await meet(undefined);
        return centres[number]!;
      },
      async shared(n) {
        const number = made.arrays;
        made = { ...made, arrays: number + 1 };
        arrays[number] ??= sharedOf(n);
        await meet(undefined);
        return arrays[number]!;
      },
      close: async () => void (await meet(undefined)),
      abort: code => Promise.reject(new DescentError(`the job was ended with code ${code}`)),
    };
  };
  return Array.from({ length: size }, (_, rank) => member(rank));
}

function centreOf(n: number, regions: number): Centre {
  const values = Array.from({ length: regions }, () => new Float32Array(n));
  let clock = 0;
  return {
    async read(x, region = 0) {
      x.set(values[region]!);
    },
    async add(d, region = 0) {
      apply(values[region]!, d, 'sum');
    },
    async exchange(d, before, region = 0, op = 'sum') {
      const kept = values[region]!.slice();
      apply(values[region]!, d, op);
      before.set(kept);
    },
    async tick(by) {
      clock += by;
      return clock - by;
    },
  };
}

function sharedOf(n: number): Shared {
  const values = new Float32Array(n);
  return {
    async read(x) {
      x.set(values);
    },
    async add(d) {
      apply(values, d, 'sum');
    },
  };
}

/** Adds `d` to `x`, or takes the larger of the two. */
export function apply(x: Float32Array, d: Float32Array, op: Op): void {
  if (op === 'sum') for (let i = 0; i < x.length; i++) x[i]! += d[i]!;
  else for (let i = 0; i < x.length; i++) x[i] = Math.max(x[i]!, d[i]!);
}
