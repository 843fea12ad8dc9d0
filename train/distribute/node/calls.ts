/** What the thread that owns MPI is asked, and what it answers. */
import type { Fault } from '../../../engine/check.ts';
import type { Op } from '../exchange.ts';

/** How the values of a centre are reached: by one-sided calls, or by messages that each rank answers. */
export const ROUTES = ['rma', 'messages'] as const;
export type Route = (typeof ROUTES)[number];

/** What the thread is started with; `wake` is notified whenever something was asked. */
export interface Start {
  readonly route: Route;
  readonly wake: Int32Array<SharedArrayBuffer>;
}

export type Call =
  | { readonly name: 'mean'; readonly x: Float32Array; readonly weight: number }
  | { readonly name: 'broadcast'; readonly x: Float32Array | Uint8Array; readonly root: number }
  | { readonly name: 'centre'; readonly n: number; readonly regions: number }
  | { readonly name: 'read'; readonly centre: number; readonly x: Float32Array; readonly region: number }
  | { readonly name: 'add'; readonly centre: number; readonly d: Float32Array; readonly region: number }
  | {
      readonly name: 'exchange';
      readonly centre: number;
      readonly d: Float32Array;
      readonly before: Float32Array;
      readonly region: number;
      readonly op: Op;
    }
  | { readonly name: 'tick'; readonly centre: number; readonly by: number }
  | { readonly name: 'shared'; readonly n: number }
  | { readonly name: 'shared read'; readonly array: number; readonly x: Float32Array }
  | { readonly name: 'shared add'; readonly array: number; readonly d: Float32Array }
  | { readonly name: 'close' }
  | { readonly name: 'abort'; readonly code: number };

export interface Asked {
  readonly id: number;
  readonly call: Call;
}

/** The number of a new centre or array, or what the clock showed; undefined for the other calls. */
export type Answer = { readonly id: number; readonly value: number | undefined } | { readonly id: number; readonly fault: Fault };

/** The first message of the thread. */
export type Begun = { readonly rank: number; readonly size: number; readonly library: string } | { readonly fault: Fault };
