/** The calls at which tests run every variant of the kernels, and benchmarks time them. */
import { calls as conv } from './conv/calls.ts';
import { calls as elementwise } from './kernel/calls.ts';
import type { CallRow } from './kernel/row.ts';
import { calls as move } from './move/calls.ts';
import { calls as norm } from './norm/calls.ts';
import { calls as pool } from './pool/calls.ts';
import { calls as product } from './product/calls.ts';
import { calls as update } from './update/calls.ts';

/** By the folder in which their kernels lie. */
export const callsIn: Readonly<Record<string, readonly CallRow[]>> = { conv, product, kernel: elementwise, pool, norm, move, update };

export const calls: readonly CallRow[] = Object.values(callsIn).flat();
