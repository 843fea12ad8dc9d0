/** What a host and its members say to each other, once a member has the run's configuration. */
import { DescentError } from '../../../engine/check.ts';

/** Who trains together. */
export interface Who {
  /** 1 is the host. */
  readonly id: number;
  readonly adapter: string;
  /** `opens` its data and programs, `waits` for its group, trains or `rests`. */
  readonly state: 'opens' | 'waits' | 'trains' | 'rests';
  readonly imagesPerSecond: number;
  /** Seconds since weights were last exchanged. */
  readonly exchanged?: number;
  /** Exchanges of others between its last two. */
  readonly stale?: number;
}

/** Calls of an exchange that a member makes of the host. */
export type Call = 'mean' | 'broadcast' | 'texts' | 'centre' | 'read' | 'add' | 'exchange' | 'tick' | 'close';

export type FromMember =
  /**
   * Wants to be in the next group; `needs` is whether it has to be told what to go on from. `digest` is that of its images, `after` the last
   * group that it was in.
   */
  | { readonly kind: 'ready'; readonly adapter: string; readonly digest: string; readonly needs: boolean; readonly after: number }
  /** Wants to be in none for now. */
  | { readonly kind: 'away' }
  | { readonly kind: 'ask'; readonly group: number; readonly id: number; readonly call: Call; readonly args: readonly (number | string)[] }
  | { readonly kind: 'pulse'; readonly imagesPerSecond: number };

export type FromHost =
  | { readonly kind: 'refused'; readonly why: string }
  /** A group begins; its body is a checkpoint where one was needed. */
  | { readonly kind: 'group'; readonly group: number; readonly rank: number; readonly size: number }
  | { readonly kind: 'answer'; readonly group: number; readonly id: number; readonly value?: number | readonly string[] | undefined }
  /** A group is over before its time. */
  | { readonly kind: 'ended'; readonly group: number }
  | { readonly kind: 'who'; readonly who: readonly Who[]; readonly you: number };

/** Those who train together until one comes or goes. */
export class GroupEnded extends DescentError {
  override readonly name: string = 'GroupEnded';
  constructor() {
    super('one of those who train together is gone', 'the others go on');
  }
}

export class HostLeft extends DescentError {
  override readonly name: string = 'HostLeft';
}

/** Milliseconds between signs of life, and how long one who gives none is waited for. */
export const PULSE = 2000;
export const SILENCE = 30_000;
