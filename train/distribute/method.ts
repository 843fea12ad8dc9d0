/** What the asynchronous methods have in common: each rank trains on batches of its own, and speaks with the others between its steps. */
import type { Memory } from '../../engine/memory.ts';
import type { Centre, Exchange } from './exchange.ts';
import { Transfer } from './transfer.ts';

export interface Method {
  /** Before each step of this rank. */
  before?(): Promise<void>;
  /** After each step of this rank, whose weights (or gradients) the device holds once it is done. */
  after(): Promise<void>;
  /** What this rank has not told the others yet is told. The others do the same before anyone goes on. */
  finish?(): Promise<void>;
  /** The device holds what is evaluated and kept. Nobody changes it meanwhile. */
  show(): Promise<void>;
  /** The device holds what this rank trains again. */
  hide?(): Promise<void>;
  /** What the ranks hold together beside the weights that are shown, by name; and its way back, on rank 0. */
  state?(): Promise<Vectors>;
  load?(state: Vectors): Promise<void>;
  /** What this rank holds beside its trainer's state, by name. */
  ownState?(): Promise<Vectors>;
  loadOwn?(state: Vectors): Promise<void>;
}

export type Vectors = Readonly<Record<string, Float32Array>>;

/** A vector that the device holds. */
export type OnDevice = Pick<Transfer, 'length' | 'read' | 'write'>;

/** A rank of a method. */
export interface Rank {
  readonly exchange: Exchange;
  /** All trained weights on the device, and their gradients. */
  readonly weights: OnDevice;
  readonly gradients: OnDevice;
  /** The learning rate of the step that is done or about to be. */
  readonly rate: () => number;
  /** Counts the changes by others that lie between what this rank's last change was computed from and that change. */
  readonly stale: (changes: number) => void;
}

/** A centre of so many regions, the first of which begins as the weights of rank 0; `x` becomes this rank's weights. */
export async function centreOf({ exchange, weights }: Rank, x: Float32Array, regions = 1): Promise<Centre> {
  const centre = await exchange.centre(weights.length, regions);
  await weights.read(x);
  if (exchange.rank === 0) await centre.add(x);
  await exchange.texts(''); // the weights are there before anyone takes them
  return centre;
}

/** All pages of parameters, of gradients or of running statistics as one vector. */
export const pagesOf = (memory: Memory, role: 'param' | 'grad' | 'buffer'): Transfer =>
  new Transfer(
    memory,
    memory.layout.pages(role).map(({ buffer, bytes }) => ({ buffer, offset: 0, bytes })),
  );

/**
 * `d` += the number that added to `from` gives `to` to the bit, wherever there is one: their difference, or where that is rounded one of
 * its neighbours.
 */
export function addDifference(d: Float32Array, to: Float32Array, from: Float32Array): void {
  const { fround } = Math;
  for (let i = 0; i < d.length; i++) {
    const a = from[i]!;
    const b = to[i]!;
    let step = fround(b - a);
    const miss = fround(a + step) - b;
    if (miss !== 0 && Number.isFinite(miss)) {
      const near = fround(step - Math.sign(miss) * Math.abs(step) * 2 ** -24 * 1.5);
      if (fround(a + near) === b) step = near;
    }
    d[i] = d[i] === 0 ? step : d[i]! + step;
  }
}
