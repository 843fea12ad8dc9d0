import { check, named, say, show, TooLarge } from './check.ts';
import type { Frozen } from './graph.ts';
import { opName, reads, writes, type Op } from './op.ts';
import type { Role, Tensor } from './tensor.ts';

/** Where a tensor lives: bytes `offset` … of the buffer called `buffer`. */
export interface Place {
  readonly buffer: string;
  readonly offset: number;
  readonly bytes: number;
}

/** WebGPU's alignment of what a binding shows of a buffer, storage or uniform: no two tensors of a buffer share so many bytes. */
const ALIGNMENT = 256;
/** Bytes rounded up to it. */
export const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Bytes rounded up to whole vec4s, at least one: kernels read and write in vec4s. */
export const inVec4s = (bytes: number): number => Math.max(16, Math.ceil(bytes / 16) * 16);

/** Bytes that a tensor's binding spans. */
export const bytesOf = (t: Tensor): number => inVec4s(t.size * (t.half ? 2 : 4));

/**
 * Where the persistent tensors of a run live, by role and name: parameters side by side in flat pages, gradients and each optimizer state
 * in the same places of pages of their own, so that an optimizer is one dispatch per page. Frozen parameters and buffers have pages apart,
 * which nothing that walks over the trained ones sees. Programs of one run share a layout.
 */
export class Layout {
  /** Bytes of each buffer. */
  readonly buffers = new Map<string, number>();
  readonly #places = new Map<string, Place>();
  /** The buffers of each role whose tensors lie side by side. */
  readonly #pages = new Map<Role | 'frozen', string[]>();
  readonly #limit: number;
  readonly frozen: Frozen;

  constructor(limit: number, frozen: Frozen = () => false) {
    this.#limit = limit;
    this.frozen = frozen;
  }

  /** Where a persistent tensor lies; it gets its place when it is first asked for. */
  place(t: Tensor): Place {
    if (t.whole) return { buffer: t.whole, offset: 0, bytes: bytesOf(t) };
    const key = `${t.role} ${t.name}`;
    const bytes = bytesOf(t);
    const known = this.#places.get(key);
    if (known) {
      check(
        known.bytes === bytes,
        `${t.name}: ${known.bytes / 4} values in one program, ${show(t.shape)} in another`,
        'a name is one tensor',
      );
      return known;
    }
    check(
      bytes <= this.#limit,
      `${t.name}: ${show(t.shape)} takes ${megabytes(bytes)}, more than this adapter binds at once (${megabytes(this.#limit)})`,
      'choose a smaller model, head or batch',
    );
    const isFrozen = (t.role === 'param' || t.role === 'buffer') && this.frozen(t.name);
    const buffer = t.role === 'input' || t.role === 'state' ? key : this.#pageFor(isFrozen ? 'frozen' : t.role, bytes);
    const place = { buffer, offset: this.buffers.get(buffer) ?? 0, bytes };
    this.#places.set(key, place);
    this.buffers.set(buffer, place.offset + aligned(bytes));
    return place;
  }

  /** The first page of a role that has room for `bytes`, else a new one. */
  #pageFor(role: Role | 'frozen', bytes: number): string {
    const pages = this.#pages.get(role) ?? [];
    const withRoom = pages.find(name => this.buffers.get(name)! + bytes <= this.#limit);
    if (withRoom !== undefined) return withRoom;
    const made = `${role}${pages.length}`;
    this.#pages.set(role, [...pages, made]);
    return made;
  }

  /** Reserves a buffer that goes with a page of parameters; returns its name. */
  page(name: string, bytes: number): string {
    this.buffers.set(name, bytes);
    return name;
  }

  /** Pages of a role and their bytes, in order. */
  pages(role: Role): { buffer: string; bytes: number }[] {
    return (this.#pages.get(role) ?? []).map(buffer => ({ buffer, bytes: this.buffers.get(buffer)! }));
  }
}

export const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 2 : 1)} MiB`;

/** Where the activations of a program lie. */
export interface Plan {
  /** Bytes of each slot, a buffer that activations share. */
  readonly slots: readonly number[];
  readonly placeOf: ReadonlyMap<Tensor, SlotPlace>;
  /** Bytes of all activations without reuse. */
  readonly sum: number;
  /** The most bytes alive at once. */
  readonly bound: number;
  /** Bytes that the slots take. */
  readonly peak: number;
  /** Bytes that the slots would take without checkpointing, and how many times as long a step takes by estimate, where the program does it. */
  readonly unchecked?: number;
  readonly slowdown?: number;
}

/** Where an activation lives: number of its slot, and bytes from its beginning. */
export interface SlotPlace {
  slot: number;
  offset: number;
}

export interface Lives {
  /** First and last op that touches each activation; kept ones last to the end. */
  first: Map<Tensor, number>;
  last: Map<Tensor, number>;
  /** Bytes alive at each op. */
  alive: Float64Array;
}

export function lives(ops: readonly Op[], kept: ReadonlySet<Tensor>): Lives {
  const first = new Map<Tensor, number>();
  const last = new Map<Tensor, number>();
  ops.forEach((op, i) => {
    for (const t of Object.values(op.tensors)) {
      if (t.role !== 'activation') continue;
      if (!first.has(t)) first.set(t, i);
      last.set(t, kept.has(t) ? ops.length : i);
    }
  });
  return { first, last, alive: bytesAlong(ops.length, first, last) };
}

/** Bytes of tensors at each of `length` places, each tensor being there from its first to its last place. */
export function bytesAlong(length: number, first: ReadonlyMap<Tensor, number>, last: ReadonlyMap<Tensor, number>): Float64Array {
  const changes = new Float64Array(length + 2);
  for (const [t, from] of first) {
    changes[from]! += bytesOf(t);
    changes[Math.min(last.get(t)! + 1, length + 1)]! -= bytesOf(t);
  }
  for (let at = 1; at < length; at++) changes[at]! += changes[at - 1]!;
  return changes.subarray(0, length);
}

const most = (bytes: Float64Array): number => bytes.reduce((a, b) => Math.max(a, b), 0);

/** The most bytes of activations alive at once: no plan takes less. */
export const aliveAtOnce = (ops: readonly Op[], kept: ReadonlySet<Tensor>): number => most(lives(ops, kept).alive);

/** At most TRIES moves of one tensor in the order of assignment; fewer for large graphs, so that moves x tensors stays below EFFORT. */
const TRIES = 400;
const EFFORT = 60_000;

/** A plan that takes at most this many times the bytes alive at once is good enough. */
const ENOUGH = 1.02;

/**
 * Assigns activations to ranges of slots so that no two alive at once overlap. WebGPU forbids reading one range of a buffer and writing
 * another in the same dispatch, so what an op reads never shares a slot with what it writes. Greedy in three orders (Pisarchyk & Lee 2020:
 * largest first is rarely beaten), then the best order is improved by moves until the plan is good enough.
 */
export function plan(ops: readonly Op[], kept: ReadonlySet<Tensor>, limit: number, bufferLimit = Infinity): Plan {
  const written = new Set<Tensor>();
  for (const op of ops) {
    for (const t of writes(op)) written.add(t);
    for (const t of Object.values(op.tensors)) {
      if (t.role !== 'activation') continue;
      check(written.has(t), `${opName(op)}: ${t.name} is read before any op writes it`, 'what the host writes is persistent');
      if (bytesOf(t) > limit)
        throw new TooLarge(
          `${opName(op)}: activation ${show(t.shape)} takes ${megabytes(bytesOf(t))}, more than this adapter binds at once ` +
            `(${megabytes(limit)})`,
          say`use a smaller ${named('batchSize')}`,
        );
    }
  }
  const life = lives(ops, kept);
  const { first, last, alive } = life;
  const apart = neverTogether(ops);
  const tensors = [...first.keys()];
  const bound = most(alive);
  const assigned = (order: readonly Tensor[]) => {
    const { slots, placeOf } = assign(order, life, apart, bufferLimit);
    return { order, slots, placeOf, bytes: slots.reduce((a, b) => a + b, 0) };
  };

  let best = assigned(tensors);
  const enough = () => best.bytes <= ENOUGH * bound;
  const bySize = () => [...tensors].sort((a, b) => bytesOf(b) - bytesOf(a) || first.get(a)! - first.get(b)!);
  const byBreadth = () => {
    const breadth = new Map(tensors.map(t => [t, most(alive.subarray(first.get(t)!, last.get(t)! + 1))]));
    return [...tensors].sort((a, b) => breadth.get(b)! - breadth.get(a)! || bytesOf(b) - bytesOf(a));
  };
  for (const order of [bySize, byBreadth]) {
    if (enough()) break;
    const next = assigned(order());
    if (next.bytes < best.bytes) best = next;
  }

  let random = 1;
  const draw = (n: number) => {
    // Numerical Recipes' linear congruential generator
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    return Math.floor((random / 2 ** 32) * n);
  };
  for (let i = 0; i < Math.min(TRIES, EFFORT / tensors.length) && !enough(); i++) {
    const order = [...best.order];
    const [moved] = order.splice(draw(order.length), 1);
    order.splice(draw(order.length + 1), 0, moved!);
    const tried = assigned(order);
    if (tried.bytes <= best.bytes) best = tried;
  }
  return { slots: best.slots, placeOf: best.placeOf, sum: tensors.reduce((n, t) => n + bytesOf(t), 0), bound, peak: best.bytes };
}

/** For each tensor those that may not share a buffer with it: some op reads one of the two and writes the other. */
function neverTogether(ops: readonly Op[]): Map<Tensor, Set<Tensor>> {
  const apart = new Map<Tensor, Set<Tensor>>();
  const add = (a: Tensor, b: Tensor) => apart.set(a, (apart.get(a) ?? new Set()).add(b));
  for (const op of ops)
    for (const w of writes(op))
      for (const r of reads(op)) {
        add(w, r);
        add(r, w);
      }
  return apart;
}

/** A range of bytes of a slot that is taken from op `from` to op `to`. */
interface Range {
  from: number;
  to: number;
  offset: number;
  end: number;
}

interface Slot {
  readonly number: number;
  bytes: number;
  /** By offset. */
  held: Range[];
  /** The tensor that was last found to be barred from it. */
  barred: Tensor | undefined;
}

/** The least offset at which `bytes` are free in `slot` from op `from` to op `to`. */
function freeOffset(slot: Slot, from: number, to: number, bytes: number): number {
  let offset = 0;
  for (const h of slot.held) {
    if (to < h.from || from > h.to) continue;
    if (offset + bytes <= h.offset) break;
    if (h.end > offset) offset = h.end;
  }
  return offset;
}

/** Marks a range of a slot as taken. */
function hold(slot: Slot, range: Range): void {
  slot.bytes = Math.max(slot.bytes, range.end);
  const after = slot.held.findLastIndex(h => h.offset <= range.offset);
  slot.held.splice(after + 1, 0, range);
}

/** Greedy: each tensor in turn goes where the slots grow least, and of such slots into the smallest. */
function assign(
  order: readonly Tensor[],
  { first, last }: Lives,
  apart: ReadonlyMap<Tensor, ReadonlySet<Tensor>>,
  bufferLimit: number,
): { slots: number[]; placeOf: Map<Tensor, SlotPlace> } {
  const slots: Slot[] = [];
  const placeOf = new Map<Tensor, SlotPlace>();
  for (const t of order) {
    const from = first.get(t)!;
    const to = last.get(t)!;
    const bytes = aligned(bytesOf(t));
    for (const other of apart.get(t) ?? []) {
      const place = placeOf.get(other);
      if (place) slots[place.slot]!.barred = t;
    }
    let best: { slot: Slot; offset: number; growth: number } | undefined;
    for (const slot of slots) {
      if (best && (bytes - slot.bytes > best.growth || (best.growth === 0 && slot.bytes >= best.slot.bytes))) continue;
      if (slot.barred === t) continue;
      const offset = freeOffset(slot, from, to, bytes);
      const growth = Math.max(0, offset + bytes - slot.bytes);
      if (growth && offset + bytes > bufferLimit) continue;
      if (!best || growth < best.growth || (growth === best.growth && slot.bytes < best.slot.bytes)) best = { slot, offset, growth };
    }
    if (!best || best.growth >= bytes) {
      const slot: Slot = { number: slots.length, bytes: 0, held: [], barred: undefined };
      slots.push(slot);
      best = { slot, offset: 0, growth: bytes };
    }
    hold(best.slot, { from, to, offset: best.offset, end: best.offset + bytes });
    placeOf.set(t, { slot: best.slot.number, offset: best.offset });
  }
  return { slots: slots.map(s => s.bytes), placeOf };
}
