import { elementwise } from '../shaders/kernel/elementwise.ts';
import { draws, type Profile } from '../shaders/kernel/kernel.ts';
import type { Epilogue } from '../shaders/kernel/epilogue.ts';
import { fold, joinStatistics } from './fold.ts';
import { reads, writes, type Op, type Tensor } from './graph.ts';

const OPERANDS = ['e0', 'e1'] as const;

/**
 * Takes batch normalisation, or its statistics, into the convolution before it where that can be (see fold.ts), then moves elementwise ops
 * into the kernel that produces their input, where that kernel takes an epilogue and nothing else reads what it would have stored: bias +
 * relu, residual add, the derivative of an activation. An op whose other operand is computed between producer and op stays (or goes to that
 * operand's producer, where the function is symmetric).
 */
export function fuse(ops: readonly Op[], kept: ReadonlySet<Tensor>, profile: Profile): Op[] {
  const out = joinStatistics(fold(ops, kept), profile).map(op => ({ ...op }));
  const gone = new Set<Op>();
  const writer = new Map<Tensor, Op>();
  const readers = new Map<Tensor, number>();
  for (const op of out) {
    for (const t of writes(op)) writer.set(t, op);
    for (const t of new Set(reads(op))) readers.set(t, (readers.get(t) ?? 0) + 1);
  }
  const place = new Map(out.map((op, i) => [op, i]));

  const absorb = (op: Op, value: Tensor, operand: Tensor | undefined): boolean => {
    const producer = writer.get(value);
    const name = producer?.kernel.epilogue;
    if (!producer || !name || producer.tensors[name] !== value || value.role !== 'activation') return false;
    if (kept.has(value) || readers.get(value) !== 1 || value === operand) return false;
    const from = operand && writer.get(operand);
    if (from && place.get(from)! >= place.get(producer)!) return false; // not there yet when the producer runs
    const free = OPERANDS.find(o => !producer.tensors[o]);
    if ((operand && !free) || (producer.kernel.unrolled && draws(op.params))) return false;

    const y = op.tensors.y!;
    const step: Epilogue = { f: op.params.f, operand: operand && free };
    producer.params = { ...producer.params, epilogue: [...(producer.params.epilogue ?? []), step] };
    producer.tensors = { ...producer.tensors, [name]: y, ...(operand && { [free!]: operand }) };
    writer.set(y, producer);
    gone.add(op);
    return true;
  };

  for (const op of out) {
    if (op.kernel !== (elementwise as unknown) || op.params.epilogue) continue;
    const { v, a } = op.tensors;
    if (!absorb(op, v!, a) && a && op.params.f === 'v + a') absorb(op, a, v);
  }
  return out.filter(op => !gone.has(op)).map(order);
}

/** Bindings back in the order that the kernel declares. */
function order(op: Op): Op {
  const names = Object.keys(op.kernel.bindings).filter(n => op.tensors[n]);
  return { ...op, tensors: Object.fromEntries(names.map(n => [n, op.tensors[n]!])) };
}
