import { DescentError, show } from './check.ts';
import type { Op, Role, Tensor } from './graph.ts';

/** Where a tensor lives: bytes `offset` … of buffer number `buffer`. */
export interface Place { readonly buffer: string; readonly offset: number; readonly bytes: number }

/** 256 bytes: WebGPU's alignment of storage bindings. */
export const aligned = (bytes: number): number => Math.ceil(bytes / 256) * 256;
const bytesOf = (t: Tensor) => Math.max(16, Math.ceil(t.size * 4 / 16) * 16);

/**
 * Where the lasting tensors of a run live, by role and name: parameters side by side in flat pages, gradients and each optimizer state in the
 * same places of pages of their own, so that an optimizer is one dispatch per page. Programs of one run share a layout.
 */
export class Layout {
  readonly places = new Map<string, Place>();
  /** Bytes of each buffer. */
  readonly buffers = new Map<string, number>();
  readonly #limit: number;

  constructor(limit: number) { this.#limit = limit; }

  place(t: Tensor): Place {
    if (t.whole) return { buffer: t.whole, offset: 0, bytes: bytesOf(t) };
    const key = `${t.role} ${t.name}`, bytes = bytesOf(t);
    const known = this.places.get(key);
    if (known) {
      if (known.bytes !== bytes) throw new DescentError(`${t.name}: ${known.bytes / 4} values in one program, ${show(t.shape)} in another; a name is one tensor`);
      return known;
    }
    if (bytes > this.#limit) throw new DescentError(`${t.name}: ${show(t.shape)} takes ${megabytes(bytes)}, more than this adapter binds at once (${megabytes(this.#limit)}); choose a smaller model, head or batch`);
    const paged = t.role !== 'input' && t.role !== 'state';
    let page = 0;
    const named = () => (paged ? `${t.role}${page}` : key);
    if (paged) while (aligned(this.buffers.get(named()) ?? 0) + bytes > this.#limit) page++;
    const offset = aligned(this.buffers.get(named()) ?? 0);
    const place = { buffer: named(), offset, bytes };
    this.places.set(key, place);
    this.buffers.set(place.buffer, offset + aligned(bytes));
    return place;
  }

  /** Reserves a buffer that goes with a page of parameters; returns its name. */
  page(name: string, bytes: number): string {
    this.buffers.set(name, bytes);
    return name;
  }

  /** Pages of a role and their bytes, in order. */
  pages(role: Role): { buffer: string; bytes: number }[] {
    return [...this.buffers].filter(([name]) => new RegExp(`^${role}\\d+$`).test(name)).map(([buffer, bytes]) => ({ buffer, bytes }));
  }
}

export const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 2 : 1)} MiB`;

export interface Plan {
  /** Activations: slot number and bytes of each. */
  readonly slots: readonly number[];
  readonly slotOf: ReadonlyMap<Tensor, number>;
  /** Bytes of all activations without reuse, the most alive at once, and what the slots take. */
  readonly sum: number; readonly bound: number; readonly peak: number;
}

/**
 * Assigns activations to slots so that no two alive at once share one. A slot is a whole buffer, never a range of one: WebGPU forbids reading
 * one range of a buffer and writing another in the same dispatch. Of three greedy orders the one with the fewest bytes is kept
 * (Pisarchyk & Lee 2020: largest first is rarely beaten for shared objects).
 */
export function plan(ops: readonly Op[], kept: ReadonlySet<Tensor>, limit: number): Plan {
  const first = new Map<Tensor, number>(), last = new Map<Tensor, number>();
  ops.forEach((op, i) => {
    for (const t of Object.values(op.tensors)) {
      if (t.role !== 'activation') continue;
      if (!first.has(t)) first.set(t, i);
      last.set(t, kept.has(t) ? ops.length : i);
      if (bytesOf(t) > limit) throw new DescentError(`${op.node}: activation ${show(t.shape)} takes ${megabytes(bytesOf(t))}, more than this adapter binds at once (${megabytes(limit)}); use a smaller --batch-size`);
    }
  });
  const tensors = [...first.keys()];
  const alive = ops.map((_, i) => tensors.reduce((n, t) => (first.get(t)! <= i && i <= last.get(t)! ? n + bytesOf(t) : n), 0));
  const breadth = (t: Tensor) => Math.max(...ops.slice(first.get(t)!, last.get(t)! + 1).map((_, j) => alive[first.get(t)! + j]!));
  const orders = [
    tensors,
    [...tensors].sort((a, b) => bytesOf(b) - bytesOf(a) || first.get(a)! - first.get(b)!),
    [...tensors].sort((a, b) => breadth(b) - breadth(a) || bytesOf(b) - bytesOf(a)),
  ];
  const plans = orders.map(order => assign(order, first, last));
  const best = plans.reduce((a, b) => (total(b.slots) < total(a.slots) ? b : a));
  return { ...best, sum: tensors.reduce((n, t) => n + bytesOf(t), 0), bound: Math.max(0, ...alive), peak: total(best.slots) };
}

const total = (slots: readonly number[]) => slots.reduce((a, b) => a + b, 0);

function assign(order: readonly Tensor[], first: Map<Tensor, number>, last: Map<Tensor, number>): { slots: number[]; slotOf: Map<Tensor, number> } {
  const slots: { bytes: number; taken: [number, number][] }[] = [], slotOf = new Map<Tensor, number>();
  for (const t of order) {
    const from = first.get(t)!, to = last.get(t)!, bytes = bytesOf(t);
    const free = slots.filter(s => s.taken.every(([a, b]) => to < a || from > b));
    // A slot that must grow costs its growth, one that is too large costs nothing: least growth, then the tightest.
    const cost = (s: { bytes: number }) => Math.max(0, bytes - s.bytes);
    free.sort((a, b) => cost(a) - cost(b) || a.bytes - b.bytes);
    const slot = free[0] && cost(free[0]) < bytes ? free[0] : { bytes: 0, taken: [] };
    if (!slots.includes(slot)) slots.push(slot);
    slot.bytes = Math.max(slot.bytes, bytes);
    slot.taken.push([from, to]);
    slotOf.set(t, slots.indexOf(slot));
  }
  return { slots: slots.map(s => s.bytes), slotOf };
}
