/** What a page and the worker of a run say to each other. */
import type { Dataset } from '../../datasets/dataset.ts';
import { DescentError, DeviceLost, faultOf, TooLarge, type Fault } from '../../engine/check.ts';
import { Diverged } from '../step/divergence.ts';
import type { Ended, RunEvent } from './events.ts';
import type { FitOptions } from './options.ts';

/** Options that are data: the others stay with the page. */
export type PlainOptions = Omit<FitOptions, 'device' | 'worker' | 'signal' | 'onStep' | 'onEpoch' | 'onCheckpoint' | 'onWarning'>;

/** What a worker is asked, under a number that its answer bears. */
export type Request = { readonly id: number } & (
  | {
      readonly method: 'run';
      /** A name, or the address of a module. */
      readonly model: { readonly name: string } | { readonly href: string };
      readonly data: string | Dataset;
      readonly options: PlainOptions;
    }
  | { readonly method: 'pause' | 'resume' | 'stop' | 'checkpoint' }
);

export type Reply =
  /** It is loaded; `hasGpu` is whether workers have WebGPU in this browser. */
  | { readonly ready: true; readonly hasGpu: boolean }
  | { readonly event: RunEvent }
  | { readonly id: number; readonly result: Ended | Uint8Array<ArrayBuffer> | undefined }
  | { readonly id: number; readonly error: SentError };

/** Errors whose class says something. */
const KINDS = { DeviceLost, TooLarge, Diverged } as const;

export interface SentError extends Fault {
  readonly kind: keyof typeof KINDS | undefined;
}

export function sent(error: unknown): SentError {
  const kind = (Object.keys(KINDS) as (keyof typeof KINDS)[]).find(name => error instanceof KINDS[name]);
  return { ...faultOf(error), kind };
}

export const received = ({ kind, problem, advice }: SentError): DescentError =>
  new (kind ? KINDS[kind] : DescentError)(problem as string, ...advice);
