/** Which activations stay until the backward pass reads them, where to make the others again may take so long and no longer. */
import { reads, writes, type Op } from '../op.ts';
import { bytesAlong, bytesOf, lives } from '../plan.ts';
import type { Tensor } from '../tensor.ts';
import type { Forward } from './forward.ts';
import { durationOf, isHeavy } from './duration.ts';

/** Levels into which memory is divided, and the most places at which segments begin. */
const LEVELS = 160;
const PLACES = 384;

/** How long segments take again is known when their ops are: sets are given of up to so many times what is allowed. */
const LOOSE = 1.1;

/** What becomes of the activations that are used within one segment alone: all stay; those of heavy ops do; all go. */
const WAYS = ['stay', 'heavy', 'go'] as const;
type Way = (typeof WAYS)[number];

/** A segment of the forward pass: from one place to another, by their numbers. */
interface Segment {
  readonly end: number;
  readonly way: Way;
  /** Bytes that stay of it, and that are there while the backward pass is in it. */
  readonly kept: number;
  readonly whole: number;
  /** How long its ops take that are done again. */
  readonly duration: number;
}

/** What sets of activations are looked for with. */
interface Bounds {
  /** Bytes that each is to need less than. */
  readonly bytes: number;
  readonly slowdown: number;
  /** The ops that are planned for those of a list. */
  readonly staged: (ops: readonly Op[]) => readonly Op[];
}

/** A set of activations that stay, and the bytes that a step is expected to need with it. */
interface Keeping {
  readonly stays: ReadonlySet<Tensor>;
  readonly need: number;
}

/**
 * Gives sets of activations that stay, from the least need below `bytes` on, each that with which a step is quickest in about so much.
 *
 * The forward pass is divided as Beaumont et al. 2019 (Rotor) divide a chain of layers, nothing being done more than twice: by dynamic
 * programming over where a segment begins and the bytes that are left there. What crosses an end of a segment stays. Where all that is
 * within it goes, a segment is there at once when the backward pass comes to it.
 */
export function* keptWithin(ops: readonly Op[], f: Forward, { bytes, slowdown, staged }: Bounds): Generator<Keeping> {
  const most = (slowdown - 1) * LOOSE * ops.reduce((n, op) => n + durationOf(op), 0);
  const places = placesOf(f);
  const last = places.length - 1;
  const segmentsFrom = segmentsOf(f, places, besideOf(staged, ops, f));

  /** By place and level of need: the bytes that all from there on needs, how long it then takes again, its first segment, and the level after. */
  const at = (place: number, level: number) => place * LEVELS + level;
  const needs = new Float64Array(at(last + 1, 0)).fill(Infinity);
  const durations = new Float64Array(needs.length).fill(Infinity);
  const firsts = new Uint32Array(needs.length);
  const levels = new Uint8Array(needs.length);
  [needs[at(last, 0)], durations[at(last, 0)]] = [0, 0];
  for (let place = last - 1; place >= 0; place--) {
    for (const { end, way, kept, whole, duration } of segmentsFrom(place, most)) {
      for (let level = 0; level < LEVELS; level++) {
        const need = Math.max(whole, kept + needs[at(end, level)]!);
        const sum = duration + durations[at(end, level)]!;
        const here = at(place, Math.floor((need / bytes) * LEVELS));
        if (need >= bytes || sum > durations[here]! || (sum === durations[here] && need >= needs[here]!)) continue;
        [needs[here], durations[here], firsts[here], levels[here]] = [need, sum, end * WAYS.length + WAYS.indexOf(way), level];
      }
    }
    for (let level = 1, best = Infinity; level < LEVELS; level++) {
      best = Math.min(best, durations[at(place, level - 1)]!);
      if (durations[at(place, level)]! >= best) [needs[at(place, level)], durations[at(place, level)]] = [Infinity, Infinity];
    }
  }

  for (let begun = 0; begun < LEVELS; begun++) {
    if (durations[at(0, begun)]! > most) continue;
    const stays = new Set<Tensor>();
    for (let place = 0, level = begun; place < last; ) {
      const here = at(place, level);
      const end = Math.floor(firsts[here]! / WAYS.length);
      staying(f, places[place]!, places[end]!, WAYS[firsts[here]! % WAYS.length]!).forEach(t => stays.add(t));
      level = levels[here]!;
      place = end;
    }
    yield { stays, need: needs[at(0, begun)]! };
  }
}

/** Where segments may begin and the last ends: before each op, or where the fewest bytes cross of several such places. */
function placesOf({ count, crossing }: Forward): number[] {
  const parts = Math.min(count, PLACES);
  const inner = Array.from({ length: parts - 1 }, (_, i) => {
    let best = Math.round(((i + 1) * count) / parts);
    const next = Math.round(((i + 2) * count) / parts);
    for (let place = best; place < next; place++) if (crossing[place]! < crossing[best]!) best = place;
    return best;
  });
  return [0, ...inner, count];
}

const isOfHeavy = (f: Forward, t: Tensor): boolean => f.writers.get(t)!.some(i => isHeavy(f.again[i]!));

/** The activations that are first touched in a segment and stay. */
function staying(f: Forward, from: number, end: number, way: Way): Tensor[] {
  const all = [...f.writers.keys()].filter(t => f.first.get(t)! >= from && f.first.get(t)! < end);
  return all.filter(t => way === 'stay' || f.last.get(t)! >= end || (way === 'heavy' && isOfHeavy(f, t)));
}

/** By forward op, what is first and last used there. */
const byOp = <T>(f: Forward, all: Iterable<T>, placeOf: (one: T) => number): T[][] => {
  const out: T[][] = Array.from({ length: f.count }, () => []);
  for (const one of all) out[placeOf(one)]!.push(one);
  return out;
};

/** What is done again where `stays` says of whose ops the outputs stay: the ops, and all that these give or read. */
function againOf(f: Forward, stays: (op: Op) => boolean): { ops: { i: number; until: number; duration: number }[]; used: Set<Tensor> } {
  const used = new Set(f.saved);
  const ops = f.again.flatMap((_, back) => {
    const i = f.count - 1 - back;
    const op = f.again[i]!;
    const given = stays(op) ? [] : writes(op).filter(t => used.has(t) && !f.once.has(t));
    if (!given.length) return [];
    for (const t of reads(op)) if (f.writers.has(t)) used.add(t);
    return [{ i, until: Math.min(...given.map(t => f.last.get(t)!)), duration: durationOf(op) }];
  });
  return { ops, used };
}

/** For each forward op the most bytes other than saved activations that are there while the backward pass reads what is first used there. */
function besideOf(staged: Bounds['staged'], ops: readonly Op[], f: Forward): Float64Array {
  const parts = ops.map(op => staged([op]));
  const all = parts.flat();
  const { first, last } = lives(all, new Set());
  const bytes = bytesAlong(all.length, new Map([...first].filter(([t]) => !f.saved.has(t))), last);
  const out = new Float64Array(f.count);
  let done = 0;
  ops.forEach((op, i) => {
    const from = done;
    done += parts[i]!.length;
    if (i < f.count) return;
    const most = bytes.subarray(from, done).reduce((a, b) => Math.max(a, b));
    for (const t of Object.values(op.tensors)) {
      const at = f.saved.has(t) ? f.first.get(t) : undefined;
      if (at !== undefined) out[at] = Math.max(out[at]!, most);
    }
  });
  return out;
}

/** Gives the segments that begin at a place and take at most so long again. */
function segmentsOf(f: Forward, places: readonly number[], beside: Float64Array): (place: number, most: number) => Generator<Segment> {
  const all = againOf(f, () => false);
  const light = againOf(f, isHeavy);
  const born = byOp(f, all.used, t => f.first.get(t)!);
  const dying = byOp(f, all.used, t => f.last.get(t)!);
  const endings = [all, light].map(({ ops }) => byOp(f, ops, op => op.until));
  const heavy = new Set([...all.used].filter(t => f.writers.has(t) && isOfHeavy(f, t)));

  return function* (place, most) {
    const from = places[place]!;
    let [saved, crossing, once, ofHeavy, others] = [0, 0, 0, 0, 0];
    const durations = [0, 0];
    for (let i = from, end = place + 1; end < places.length && Math.min(...durations) <= most; i++) {
      for (const t of born[i]!) {
        crossing += bytesOf(t);
        if (f.saved.has(t)) saved += bytesOf(t);
      }
      for (const t of dying[i]!) {
        if (f.first.get(t)! < from) continue;
        crossing -= bytesOf(t);
        if (f.once.has(t)) once += bytesOf(t);
        else if (heavy.has(t)) ofHeavy += bytesOf(t);
      }
      endings.forEach((ops, way) => {
        for (const op of ops[i]!) if (op.i >= from) durations[way]! += op.duration;
      });
      others = Math.max(others, beside[i]!);
      if (i + 1 < places[end]!) continue;
      const kept = crossing + once;
      const whole = Math.max(saved, kept + ofHeavy) + others;
      const [go, ofLight] = durations as [number, number];
      if (end === place + 1) yield { end, way: 'stay', kept: Math.max(saved, kept), whole, duration: 0 };
      if (go <= most) yield { end, way: 'go', kept, whole, duration: go };
      if (ofLight <= most) yield { end, way: 'heavy', kept: kept + ofHeavy, whole, duration: ofLight };
      end++;
    }
  };
}
