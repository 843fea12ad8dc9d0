import { reads, writes, type Op, type Pass } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { aliveAtOnce, bytesAlong, bytesOf, plan } from '../plan.ts';

/** How many budgets of a segment are tried, from the bytes of all saved activations downwards. */
const BUDGETS = 32;

/** How many of the best segmentations, by the bytes alive at once, are planned. */
const PLANNED = 3;
/** A graph of so many ops has only its best segmentation planned: planning takes seconds there. */
const MANY = 2000;

/**
 * Activation checkpointing (Chen et al. 2016): of the activations that the backward pass reads, only those at the borders of segments stay;
 * a segment's forward ops are done a second time, into new tensors, just before the backward pass first needs what they gave. The borders
 * are those, of a range of budgets of bytes a segment, with which the plan takes the least; `ops` itself comes back where none betters it.
 *
 * The same op on the same values gives the same bits (masks are functions of seed, step and element). Ops that write persistent tensors
 * (running statistics, totals) are done once: what they give is kept, or what a kernel makes it of again (see Kernel.repeated).
 */
export function checkpoint(ops: readonly Op[], kept: ReadonlySet<Tensor>): readonly Op[] {
  const f = forwardOf(ops, kept);
  const found = new Map<number, readonly Op[]>(); // by the bytes alive at once
  for (let i = 1; i <= BUDGETS; i++) {
    const tried = repeated(ops, f, borders(f, f.bytes * (1 - i / (BUDGETS + 1)) ** 2));
    const alive = aliveAtOnce(tried, kept);
    if (!found.has(alive)) found.set(alive, tried); // the earlier one has fewer ops
  }
  let best = { ops, bytes: plan(ops, kept, Infinity).peak };
  for (const [alive, tried] of [...found].sort(([a], [b]) => a - b).slice(0, ops.length < MANY ? PLANNED : 1)) {
    const bytes = alive < best.bytes ? plan(tried, kept, Infinity).peak : Infinity;
    if (bytes < best.bytes) best = { ops: tried, bytes };
  }
  return best.ops;
}

/** What the choice of borders depends on in the forward pass. */
interface Forward {
  /** Number of its ops. */
  readonly count: number;
  /** What is done in place of each where it is done again. */
  readonly again: readonly Op[];
  /** First and last forward op that touches an activation, and the ops that write it. */
  readonly first: ReadonlyMap<Tensor, number>;
  readonly last: ReadonlyMap<Tensor, number>;
  readonly writers: ReadonlyMap<Tensor, number[]>;
  /** Activations that the backward pass reads. */
  readonly saved: ReadonlySet<Tensor>;
  /** Activations that are kept in any case: the program keeps them, or they come from ops that write persistent tensors. */
  readonly once: ReadonlySet<Tensor>;
  /** Bytes of all saved activations, and those of each op that are first touched there. */
  readonly bytes: number;
  readonly savedAt: Float64Array;
  /** Bytes of activations that are touched both before each op and from it on. */
  readonly crossing: Float64Array;
}

const activations = (tensors: readonly Tensor[]) => tensors.filter(t => t.role === 'activation');

function forwardOf(ops: readonly Op[], kept: ReadonlySet<Tensor>): Forward {
  const end = ops.findIndex(op => op.pass !== 'forward');
  const count = end < 0 ? ops.length : end;
  const forward = ops.slice(0, count);
  const backward = ops.slice(count);
  const first = new Map<Tensor, number>();
  const last = new Map<Tensor, number>();
  const writers = new Map<Tensor, number[]>();
  const once = new Set(kept);
  const again = forward.map(op => op.kernel.repeated?.<Tensor, Op>(op) ?? op);
  const persistent = new Set(forward.flatMap(writes).filter(t => t.role !== 'activation'));
  forward.forEach((op, i) => {
    const written = activations(writes(op));
    for (const t of activations(Object.values(op.tensors))) {
      if (!first.has(t)) first.set(t, i);
      last.set(t, i);
    }
    for (const t of written) writers.set(t, [...(writers.get(t) ?? []), i]);
    const repeats = Object.values(again[i]!.tensors).some(t => persistent.has(t)) ? [] : writes(again[i]!);
    for (const t of written) if (!repeats.includes(t)) once.add(t);
  });
  const saved = new Set(backward.flatMap(op => activations(Object.values(op.tensors))).filter(t => first.has(t)));
  const savedAt = new Float64Array(count);
  for (const t of saved) savedAt[first.get(t)!]! += bytesOf(t);
  const behind = new Map(Array.from(first, ([t, i]) => [t, i + 1] as const));
  const crossing = bytesAlong(count + 1, behind, last);
  return { count, again, first, last, writers, saved, once, bytes: savedAt.reduce((a, b) => a + b, 0), savedAt, crossing };
}

/**
 * The places of the borders between segments; a border at i lies before op i. A segment ends where its saved activations exceed `budget`.
 * Its border then moves back, at most to half of those bytes, to where the fewest bytes cross: what is written before it and used after it.
 */
function borders({ count, savedAt, crossing }: Forward, budget: number): number[] {
  /** The first place at which the saved activations since `start` exceed the budget, and their bytes. */
  const filled = (start: number): { end: number; bytes: number } | undefined => {
    for (let end = start + 1, bytes = 0; end <= count; end++) {
      bytes += savedAt[end - 1]!;
      if (bytes > budget) return { end, bytes };
    }
    return undefined;
  };
  const narrowest = (start: number, end: number, bytes: number): number => {
    let best = end;
    for (let at = start + 1, before = 0; at <= end; at++) {
      before += savedAt[at - 1]!;
      if (before >= bytes / 2 && at < count && crossing[at]! <= crossing[best]!) best = at;
    }
    return best;
  };
  const out: number[] = [];
  for (let segment = filled(0); segment; segment = filled(out.at(-1)!)) {
    const border = narrowest(out.at(-1) ?? 0, segment.end, segment.bytes);
    if (border >= count) break;
    out.push(border);
  }
  return out;
}

/** The ops with the forward ops of each segment but the last done again where the backward pass first needs what they gave. */
function repeated(ops: readonly Op[], f: Forward, cuts: readonly number[]): Op[] {
  const segments = new Uint32Array(f.count);
  for (let i = 0, segment = 0; i < f.count; i++) segments[i] = i === cuts[segment] ? ++segment : segment;
  const segmentAt = (i: number) => segments[i]!;
  const segmentOf = (t: Tensor) => segmentAt(f.first.get(t)!);
  /** Whether a tensor is used within one segment alone, and that segment is done again. */
  const inside = (t: Tensor) =>
    f.writers.has(t) && !f.once.has(t) && segmentOf(t) === segmentAt(f.last.get(t)!) && segmentOf(t) < cuts.length;
  const fresh = new Map<Tensor, Tensor>();
  const renamed = (op: Op, pass: Pass = op.pass): Op => {
    const tensors = Object.entries(op.tensors).map(([n, t]) => [n, fresh.get(t) ?? t] as const);
    return { ...op, pass, tensors: Object.fromEntries(tensors) };
  };

  const repeat = (segment: number): Op[] => {
    const needed = new Set<number>();
    const want = (t: Tensor): void => {
      if (!inside(t)) return;
      for (const i of f.writers.get(t)!) {
        if (needed.has(i)) continue;
        needed.add(i);
        reads(f.again[i]!).forEach(want);
      }
    };
    for (const t of f.saved) if (inside(t) && segmentOf(t) === segment) want(t);
    const again = [...needed].sort((a, b) => a - b).map(i => f.again[i]!);
    for (const t of again.flatMap(writes)) fresh.set(t, { ...t, name: `${t.name} again` });
    return again.map(op => renamed(op, 'again'));
  };
  const out = ops.slice(0, f.count);
  const done = new Set<number>();
  for (const op of ops.slice(f.count)) {
    for (const t of Object.values(op.tensors)) {
      if (!inside(t) || done.has(segmentOf(t))) continue;
      done.add(segmentOf(t));
      out.push(...repeat(segmentOf(t)));
    }
    out.push(renamed(op));
  }
  return out;
}
