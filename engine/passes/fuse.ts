import { elementwise, type Elementwise } from '../../shaders/kernel/elementwise.ts';
import { draws, OPERANDS, type Epilogue } from '../../shaders/kernel/epilogue.ts';
import type { Profile } from '../../shaders/kernel/kernel.ts';
import { made, reads, usesOf, writes, type Op } from '../op.ts';
import type { Tensor } from '../tensor.ts';

/**
 * Kernels take over what calls after them would do, as their joins say. Then elementwise ops move into the kernel that produces their
 * input, where that kernel takes an epilogue and nothing else reads what it would have stored: bias + relu, residual add, the derivative of
 * an activation. An op whose other operand is computed between producer and op stays (or goes to that operand's producer, where the
 * function is symmetric), as does one whose input several calls write, or whose output is used between.
 */
export function fuse(ops: readonly Op[], kept: ReadonlySet<Tensor>, profile: Profile): Op[] {
  const out = joined(ops, kept, profile).map(op => ({ ...op }));
  const gone = new Set<Op>();
  const { writer, readers } = usesOf(out);
  const place = new Map(out.map((op, i) => [op, i]));
  /** Tensors that several ops write, each a part. */
  const inParts = new Set(out.flatMap(op => writes(op).filter(t => writer.get(t) !== op)));
  const isTouched = (t: Tensor, from: Op, to: Op): boolean =>
    out.slice(place.get(from)! + 1, place.get(to)).some(op => !gone.has(op) && Object.values(op.tensors).includes(t));

  const absorb = (op: Op, value: Tensor, operand: Tensor | undefined): boolean => {
    const producer = writer.get(value);
    const name = producer?.kernel.epilogue;
    if (!producer || !name || producer.tensors[name] !== value || value.role !== 'activation') return false;
    if (kept.has(value) || readers.get(value)!.length !== 1 || inParts.has(value) || value === operand) return false;
    const from = operand && writer.get(operand);
    if (from && place.get(from)! >= place.get(producer)!) return false; // not there yet when the producer runs
    const free = (Object.keys(OPERANDS) as (keyof typeof OPERANDS)[]).find(o => !producer.tensors[o]);
    if ((operand && !free) || (producer.kernel.unrolled && draws(op.params))) return false;

    const y = op.tensors.y!;
    if (isTouched(y, producer, op)) return false; // it would have its new values too early
    const step: Epilogue = { f: op.params.f, operand: operand && free, draws: op.params.draws };
    producer.params = { ...producer.params, epilogue: [...(producer.params.epilogue ?? []), step] };
    producer.tensors = { ...producer.tensors, [name]: y, ...(operand && { [free!]: operand }) };
    writer.set(y, producer);
    gone.add(op);
    return true;
  };

  for (const op of out) {
    const { symmetric, epilogue } = op.params as Elementwise;
    if (op.kernel !== elementwise || epilogue) continue;
    const { v, a } = op.tensors;
    if (!absorb(op, v!, a) && a && symmetric) absorb(op, a, v);
  }
  return joined(
    out.filter(op => !gone.has(op)),
    kept,
    profile,
  ).map(order);
}

/** The ops with those gone that the kernel before them takes over (see Join), as long as there are any. */
function joined(ops: readonly Op[], kept: ReadonlySet<Tensor>, profile: Profile): readonly Op[] {
  const out = join(ops, kept, profile);
  return out ? joined(out, kept, profile) : ops;
}

/** The same where each call takes over one; undefined where none does. */
function join(ops: readonly Op[], kept: ReadonlySet<Tensor>, profile: Profile): Op[] | undefined {
  const { writer, readers } = usesOf(ops);
  const instead = new Map<Op, readonly Op[]>();
  for (const op of ops) {
    for (const between of reads(op)) {
      const producer = writer.get(between);
      const found = producer?.kernel.joins?.find(j => j.op === op.kernel && j.when(op, producer, profile));
      if (!producer || !found || producer.pauses || instead.has(producer) || instead.has(op)) continue;
      if (found.replaces && (kept.has(between) || readers.get(between)!.length > 1)) continue;
      const { calls, reader } = found.gives<Tensor, Op>(op, producer, (name, shape) => made(producer, name, shape), profile);
      instead.set(producer, calls);
      instead.set(op, []);
      const after = writes(op).flatMap(t => readers.get(t) ?? []);
      if (reader) for (const next of after) instead.set(next, [reader(next)]);
    }
  }
  return instead.size ? ops.flatMap(op => instead.get(op) ?? [op]) : undefined;
}

/** Bindings back in the order that the kernel declares. */
function order(op: Op): Op {
  const names = Object.keys(op.kernel.bindings).filter(n => op.tensors[n]);
  return { ...op, tensors: Object.fromEntries(names.map(n => [n, op.tensors[n]!])) };
}
