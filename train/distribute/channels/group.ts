/** Those who train together, as one of them has it: groups of fixed members, each of which lasts until somebody comes or goes. */
import type { Exchange } from '../exchange.ts';
import type { Who } from './protocol.ts';

export interface Group {
  readonly exchange: Exchange;
  /** The checkpoint that this member is to begin from, where it said that it needs one. */
  readonly checkpoint?: Uint8Array<ArrayBuffer> | undefined;
}

export interface Party {
  /**
   * The next group. `needs` is whether this one is to be told what the run has come to; `checkpoint` gives it, on the host. Undefined where
   * this one came to rest meanwhile; throws HostLeft.
   */
  gather(needs: boolean, checkpoint: () => Uint8Array): Promise<Group | undefined>;
  /** Whether the group is to end at the next meeting, since others wait to join or are gone. */
  readonly isDue: boolean;
  /** Images that this one has trained on, told now and then. */
  count(images: number): void;
  /** Is in no group for now: it rests, or has failed. */
  rest(): void;
  /** Leaves for good; of the host it is the end for all. */
  leave(): void;
}

export type Told = (who: readonly Who[], own: number) => void;

/** Images a second since the last call. */
export function imageMeter(): { count(images: number): void; rate(): number } {
  let images = 0;
  let since = performance.now();
  return {
    count: n => {
      images += n;
    },
    rate() {
      const now = performance.now();
      const rate = (1000 * images) / Math.max(1, now - since);
      images = 0;
      since = now;
      return rate;
    },
  };
}
