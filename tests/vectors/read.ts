/** The vectors made with PyTorch, described in README.md. */
import { readFileSync } from 'node:fs';
import { decodeSafetensors } from '../../train/run/read-safetensors.ts';
import type { Tensors } from '../../train/run/safetensors.ts';

const file = (name: string): Buffer => readFileSync(new URL(name, import.meta.url));
export const readJson = <T>(name: string): T => JSON.parse(file(name).toString()) as T;
export const readTensors = (name: string): Tensors => decodeSafetensors(file(name), name).tensors;

/** ops.json. */
export interface OperationCase {
  op: string;
  name: string;
  options: Record<string, any>;
  inputs: Record<string, { shape: number[]; scale: number; offset: number }>;
  given: Record<string, number[]>;
  outputs: Record<string, { shape: number[]; data: number[] }>;
  gradients: Record<string, number[]>;
}
export const readOperations = () => readJson<{ cases: OperationCase[] }>('ops.json').cases;

/** optimizers.json: `after` has the weights after some of the updates. */
export interface Followed {
  name: string;
  lr: number;
  options: Record<string, number>;
  after: Record<string, number[]>;
  average?: number[];
}
export const readOptimizers = () => readJson<{ weights: number; updates: number; optimizers: Followed[] }>('optimizers.json');

/** schedules.json: `metrics` are what ReduceLROnPlateau sees. */
export interface Scheduled {
  name: string;
  lr: number;
  options: Record<string, number | number[] | string>;
  lrs: number[];
  momenta?: number[];
}
export const readSchedules = () => readJson<{ metrics: number[]; schedules: Scheduled[] }>('schedules.json');
