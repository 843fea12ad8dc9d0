import { reads, writes, type Op, type Pass } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { aliveAtOnce, plan } from '../plan.ts';
import { slowdownOf } from './duration.ts';
import { forwardOf, type Forward } from './forward.ts';
import { keptWithin } from './keeping.ts';

/** How many budgets of a segment are tried, from the bytes of all saved activations downwards. */
const BUDGETS = 32;

/** How many of the best segmentations, by the bytes alive at once, are planned. */
const PLANNED = 3;
/** A graph of so many ops has only its best segmentation planned: planning takes seconds there. */
const MANY = 2000;
/** A plan takes at least this share of what was expected (see keptWithin). */
const SURE = 0.9;

/**
 * Activation checkpointing (Chen et al. 2016): of the activations that the backward pass reads, only those at the borders of segments stay;
 * a segment's forward ops are done a second time, into new tensors, just before the backward pass first needs what they gave. The borders
 * are those, of a range of budgets of bytes a segment, with which the plan takes the least; `ops` itself comes back where none betters it.
 *
 * The same op on the same values gives the same bits (masks are functions of seed, step and element). Ops that write persistent tensors
 * (running statistics, totals) are done once: what they give is kept, or what a kernel makes it of again (see Kernel.repeated).
 */
export function checkpoint(ops: readonly Op[], kept: ReadonlySet<Tensor>): readonly Op[] {
  const whole = { ops, bytes: plan(ops, kept, Infinity).peak };
  const tried = segmentations(ops, forwardOf(ops, kept));
  return leastOf(tried, kept, whole, ops.length < MANY ? PLANNED : 1).ops;
}

/**
 * As `checkpoint`, where a step may take `slowdown` times as long and no longer (see slowdownOf), 1 or more: of what `checkpoint` gives and
 * what keptWithin finds, that whose plan takes the least. `staged` gives the ops that are planned for those of a list.
 */
export function checkpointWithin(
  ops: readonly Op[],
  kept: ReadonlySet<Tensor>,
  slowdown: number,
  staged: (ops: readonly Op[]) => readonly Op[] = ops => ops,
): readonly Op[] {
  const bytesOf = (tried: readonly Op[]) => plan(staged(tried), kept, Infinity).peak;
  const bytes = bytesOf(ops);
  let best = { ops, bytes, slowdown: 1 };
  const offer = (tried: readonly Op[]) => {
    const ratio = slowdownOf(tried);
    if (ratio > slowdown || aliveAtOnce(staged(tried), kept) > best.bytes) return;
    const bytes = bytesOf(tried);
    if (bytes < best.bytes || (bytes === best.bytes && ratio < best.slowdown)) best = { ops: tried, bytes, slowdown: ratio };
  };
  offer(checkpoint(ops, kept));
  const f = forwardOf(ops, kept);
  for (const { stays, need } of keptWithin(ops, f, { bytes, slowdown, staged })) {
    if (SURE * need > best.bytes) break;
    offer(repeatedWhereNeeded(ops, f, stays));
  }
  return best.ops;
}

/** The ops by `checkpoint`, or where `how` is a number by `checkpointWithin`, and how many times as long a step then takes by estimate. */
export function checkpointed(
  ops: readonly Op[],
  kept: ReadonlySet<Tensor>,
  how: true | number,
  staged: (ops: readonly Op[]) => readonly Op[],
): { readonly ops: readonly Op[]; readonly slowdown: number } {
  const made = how === true ? checkpoint(ops, kept) : checkpointWithin(ops, kept, how, staged);
  return { ops: made, slowdown: slowdownOf(made) };
}

/** A list of ops, and the bytes that its plan takes. */
interface Planned {
  readonly ops: readonly Op[];
  readonly bytes: number;
}

/** Of lists of ops what plans least, `best` where none betters it. At most `count` of them are planned, by the bytes alive at once. */
function leastOf(tried: readonly (readonly Op[])[], kept: ReadonlySet<Tensor>, best: Planned, count: number): Planned {
  const found = new Map<number, readonly Op[]>(); // by the bytes alive at once
  for (const ops of tried) {
    const alive = aliveAtOnce(ops, kept);
    if (!found.has(alive)) found.set(alive, ops); // the earlier one has fewer ops
  }
  for (const [alive, ops] of [...found].sort(([a], [b]) => a - b).slice(0, count)) {
    if (alive >= best.bytes) break;
    const bytes = plan(ops, kept, Infinity).peak;
    if (bytes < best.bytes) best = { ops, bytes };
  }
  return best;
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

/** The ops in segments of several budgets: the forward ops of each but the last are done again where the backward pass first needs one. */
function segmentations(ops: readonly Op[], f: Forward): Op[][] {
  return Array.from({ length: BUDGETS }, (_, i) => {
    const cuts = borders(f, f.bytes * (1 - (i + 1) / (BUDGETS + 1)) ** 2);
    const segments = new Uint32Array(f.count);
    for (let i = 0, segment = 0; i < f.count; i++) segments[i] = i === cuts[segment] ? ++segment : segment;
    const segmentOf = (t: Tensor) => segments[f.first.get(t)!]!;
    /** Whether a tensor is used within one segment alone, and that segment is done again. */
    const inside = (t: Tensor) => segmentOf(t) === segments[f.last.get(t)!] && segmentOf(t) < cuts.length;
    const bySegment = Array.from({ length: cuts.length }, (): Tensor[] => []);
    for (const t of f.saved) if (inside(t)) bySegment[segmentOf(t)]!.push(t);
    return repeated(ops, f, inside, t => bySegment[segmentOf(t)]!);
  });
}

/** The ops with what is neither in `stays` nor kept in any case made again, each activation where the backward pass first needs it. */
const repeatedWhereNeeded = (ops: readonly Op[], f: Forward, stays: ReadonlySet<Tensor>): Op[] =>
  repeated(
    ops,
    f,
    t => !stays.has(t),
    t => [t],
  );

/** The ops with forward ops done again where the backward pass first reads a tensor that `goes`: those that give all of `together` with it. */
function repeated(ops: readonly Op[], f: Forward, goes: (t: Tensor) => boolean, together: (t: Tensor) => readonly Tensor[]): Op[] {
  const fresh = new Map<Tensor, Tensor>();
  const isWanted = (t: Tensor) => f.writers.has(t) && !f.once.has(t) && goes(t) && !fresh.has(t);
  const renamed = (op: Op, pass: Pass = op.pass): Op => {
    const tensors = Object.entries(op.tensors).map(([n, t]) => [n, fresh.get(t) ?? t] as const);
    return { ...op, pass, tensors: Object.fromEntries(tensors) };
  };
  const repeat = (tensors: readonly Tensor[]): Op[] => {
    const needed = new Set<number>();
    const want = (t: Tensor): void => {
      if (!isWanted(t)) return;
      for (const i of f.writers.get(t)!) {
        if (needed.has(i)) continue;
        needed.add(i);
        reads(f.again[i]!).forEach(want);
      }
    };
    tensors.forEach(want);
    const again = [...needed].sort((a, b) => a - b).map(i => f.again[i]!);
    for (const t of again.flatMap(writes)) fresh.set(t, { ...t, name: `${t.name} again` });
    return again.map(op => renamed(op, 'again'));
  };
  const out = ops.slice(0, f.count);
  for (const op of ops.slice(f.count)) {
    for (const t of Object.values(op.tensors)) if (isWanted(t)) out.push(...repeat(together(t)));
    out.push(renamed(op));
  }
  return out;
}
