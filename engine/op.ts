/** One call of a kernel in a graph: what it is given, what it reads and what it writes. */
import { isWritten, type Kernel } from '../shaders/kernel/kernel.ts';
import type { Tensor } from './tensor.ts';
import { product, type Shape } from '../shaders/kernel/shape.ts';

/** The bindings that a call may leave out. */
export type Optional<B> = { [K in keyof B]: B[K] extends `${string}?` ? K : never }[keyof B];

/** The tensors that a kernel call is given, by binding. */
export type Tensors<B> = { [K in Exclude<keyof B, Optional<B>>]: Tensor } & { [K in Optional<B>]?: Tensor };

/** The part of a step that an op belongs to: `again` where a forward op is done a second time (see checkpoint). */
export type Pass = 'forward' | 'again' | 'backward' | 'update';

/** One kernel call. */
export interface Op {
  kernel: Kernel<any>;
  params: any;
  tensors: Record<string, Tensor>;
  /** The layer that it belongs to, as its parameters are named (`layer1.0.conv1`); empty outside all layers. */
  path: string;
  pass: Pass;
  /** Whether it computes gradients of a scaled loss: these may overflow, which the update looks for (see Graph.backward). */
  scaled?: true;
  /** Whether others may change what it writes before the ops after it run: it stays an op of its own. */
  pauses?: true;
}

/** An op as messages and tables name it, by layer and pass: `layer1.0.conv1 backward`. */
export const opName = ({ path, pass }: Op): string => `${path || 'model'} ${pass}`;

const bound = (op: Op, written: boolean): Tensor[] =>
  Object.keys(op.tensors).flatMap(name => (isWritten(op.kernel.bindings[name]!) === written ? [op.tensors[name]!] : []));
export const reads = (op: Op): Tensor[] => bound(op, false);
export const writes = (op: Op): Tensor[] => bound(op, true);

/** The op that writes each tensor, the last one where there are several, and those that read it. */
export function usesOf(ops: readonly Op[]): { writer: Map<Tensor, Op>; readers: Map<Tensor, Op[]> } {
  const writer = new Map<Tensor, Op>();
  const readers = new Map<Tensor, Op[]>();
  for (const op of ops) {
    for (const t of writes(op)) writer.set(t, op);
    for (const t of new Set(reads(op))) readers.set(t, [...(readers.get(t) ?? []), op]);
  }
  return { writer, readers };
}

/** The bindings of an op that hold f16. */
export const halves = (op: Op): string[] => Object.keys(op.tensors).filter(n => op.tensors[n]!.half);

/** A new activation that an op needs in another form of itself. */
export const made = (op: Op, name: string, shape: Shape): Tensor => ({
  name: `${opName(op)} ${name}`,
  shape,
  size: product(shape),
  role: 'activation',
});
