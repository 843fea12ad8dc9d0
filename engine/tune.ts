/** Finds the fastest variant of each kernel call by timing, once for an adapter. */
import { callKey, waysOf } from '../shaders/kernel/kernel.ts';
import { range } from '../shaders/kernel/wgsl.ts';
import type { Device, Tuning } from './device.ts';
import { Graph } from './graph.ts';
import { stagesBy } from './passes/stage.ts';
import { halves, type Op } from './op.ts';
import type { Tensor } from './tensor.ts';
import { Memory } from './memory.ts';
import { Program } from './program.ts';
import { platform, type TuneStore } from './platform.ts';
import { lostWhile, time, warmUp, type Job, type TimeOptions } from './timing.ts';

export interface TunerOptions {
  readonly store?: TuneStore;
  /** The versions of the engine and of WebGPU: findings of others do not count. */
  readonly version: string;
  /** Called before each call is timed, and once more when all are. */
  readonly progress?: (done: number, total: number) => void;
  readonly note?: (line: string) => void;
  /** What times jobs; tests have a clock of their own. */
  readonly time?: typeof time;
}

/** The variants that were timed, fastest first, by adapter and version and by call. */
type Findings = Record<string, Record<string, readonly string[]>>;

/** A variant must be faster by this much than one before it in the kernel's own order. */
const BETTER = 0.97;
/** A variant more than this many times slower than the fastest in the first look is dropped. */
const HOPELESS = 1.5;
/** The first look at all variants, and the race of those that are left; calls that take long, in ms, run fewer rounds. */
const FIRST_LOOK = { rounds: 1, target: 2 };
const RACE = { rounds: 5, target: 4 };
const LONG = 4;
const LONG_RACE = { rounds: 3, target: 4 };
/** A round takes so many ticks of the device's clock at least: 15 ms in a browser. */
const TICKS = 150;
/** Milliseconds of work before the first call of a GPU is timed. */
const WARM_UP = 100;
/** Milliseconds after which what was found is kept, though more calls are to come. */
const SAVE = 1000;
/** Above so many multiply-adds the reference variant, one thread per value, is not worth its time. */
const SMALL = 2e8;

/** A distinct call, and the ways to compute it (see waysOf) that may be the fastest for it. */
interface Call {
  readonly key: string;
  readonly op: Op;
  readonly candidates: readonly string[];
}

export class Tuner implements Tuning {
  #o: TunerOptions;
  #findings: Promise<Findings> | undefined;
  /** How many calls were timed, over the life of this tuner. */
  timed = 0;

  constructor(options: TunerOptions) {
    this.#o = options;
  }

  /** Has `device` take the fastest variant in each of `ops`: as found before, else by timing them now, on buffers of their own. */
  async tune(device: Device, ops: readonly Op[]): Promise<void> {
    const findings = await (this.#findings ??= this.#load());
    const here = (findings[this.#place(device)] ??= {});
    const calls = new Map<string, Call>();
    const unknown = new Set<string>();
    for (const op of withStages(device, ops)) {
      const { kernel, params } = op;
      const profile = device.profileFor(halves(op));
      const key = callKey(kernel, params, profile);
      if (calls.has(key)) continue;
      const heavy = (kernel.flops?.(params) ?? 0) > SMALL;
      const candidates = waysOf(kernel, params, profile).filter((name, i) => i === 0 || name !== 'plain' || !heavy);
      if (candidates.length < 2) continue;
      const known = [...kernel.variants, ...(kernel.staged ?? [])].map(way => way.name);
      for (const name of here[key] ?? []) if (!known.includes(name)) unknown.add(`${kernel.name} (${name})`);
      if (here[key] && [...here[key]].sort().join() !== [...candidates].sort().join()) delete here[key];
      calls.set(key, { key, op, candidates });
    }
    if (unknown.size) {
      const names = [...unknown].join(', ');
      this.#o.note?.(`${this.#o.store?.name ?? 'tuning'}: knows variants that this version has not, ${names}; their calls are timed again`);
    }
    const fresh = [...calls.values()].filter(c => !here[c.key]);
    if (fresh.length) await this.#time(device, fresh, here);
    device.choose(Object.fromEntries([...calls.keys()].filter(key => here[key]).map(key => [key, here[key]![0]!])));
  }

  /**
   * Adds to what was found `here` and keeps it as it goes: who is stopped midway goes on from there. Calls come after their stages: what is
   * timed of a call in stages is with the fastest variant of each, as found just now or before.
   */
  async #time(device: Device, calls: readonly Call[], here: Findings[string]): Promise<void> {
    // all at once, since drivers compile in parallel; a variant that the driver cannot compile is dropped
    const refused = new Set<string>();
    const tryToCompile = async ({ key, op }: Call, name: string): Promise<void> => {
      if (op.kernel.staged?.some(way => way.name === name)) return; // its stages compile when they are timed
      const alone = device.withProfile({ prefer: { [key]: name } });
      try {
        await alone.pipeline(op.kernel, op.params, Object.keys(op.tensors), halves(op));
      } catch (e) {
        refused.add(`${key} ${name}`);
        device.check();
        this.#o.note?.(`${(e as Error).message}; it is skipped`);
      }
    };
    await Promise.all(calls.flatMap(call => call.candidates.map(name => tryToCompile(call, name))));

    const found: Findings[string] = {};
    let saved = performance.now();
    try {
      for (const [i, call] of calls.entries()) {
        this.#o.progress?.(i, calls.length);
        const able = call.candidates.filter(name => !refused.has(`${call.key} ${name}`));
        const taken = Object.fromEntries(Object.entries(here).map(([key, [name]]) => [key, name!]));
        const ranked = () => rank(device, call, able, { ...this.#o, warm: i > 0, taken });
        const what = `${call.op.kernel.name} was timed by its variants ${able.join(', ')}`;
        const order = able.length > 1 ? await ranked().catch(lostWhile(what)) : able;
        here[call.key] = found[call.key] = [...order, ...call.candidates.filter(name => !order.includes(name))];
        this.timed++;
        if (performance.now() - saved < SAVE) continue;
        await this.#save(device, found);
        saved = performance.now();
      }
    } finally {
      if (Object.keys(found).length) await this.#save(device, found);
    }
    this.#o.progress?.(calls.length, calls.length);
  }

  #place({ report: { description, vendor, architecture }, profile: { lanes } }: Device): string {
    return [description, vendor, architecture, lanes ? `${lanes} lanes` : '', this.#o.version].filter(Boolean).join(' | ');
  }

  async #load(): Promise<Findings> {
    const { store, note } = this.#o;
    const text = await store?.load();
    if (text === undefined) return {};
    try {
      const read: unknown = JSON.parse(text);
      if (!areFindings(read)) throw new Error();
      return read;
    } catch {
      note?.(`${store!.name}: is damaged, variants are timed again and it is written anew`);
      return {};
    }
  }

  /** Adds to what is stored by now: other processes tune too. */
  async #save(device: Device, found: Record<string, readonly string[]>): Promise<void> {
    const { store, ...rest } = this.#o;
    const place = this.#place(device);
    if (!store) return;
    const stored = await new Tuner({ ...rest, note: undefined, store }).#load();
    try {
      await store.save(`${JSON.stringify({ ...stored, [place]: { ...stored[place], ...found } }, undefined, 1)}\n`);
    } catch (error) {
      rest.note?.(`${store.name}: the fastest variants are not kept, ${(error as Error).message}`); // the next start takes seconds longer
    }
  }
}

const isRecord = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v);
const isList = (v: unknown) => Array.isArray(v) && v.length > 0 && v.every(name => typeof name === 'string');
const areFindings = (v: unknown): v is Findings =>
  isRecord(v) && Object.values(v).every(calls => isRecord(calls) && Object.values(calls).every(isList));

/** The ops, each behind those that it would be in stages. */
const withStages = (device: Device, ops: readonly Op[]): Op[] =>
  ops.flatMap(op => {
    const profile = device.profileFor(halves(op));
    const ways = op.kernel.staged?.filter(way => way.fits(op.params, profile)) ?? [];
    return [
      ...withStages(
        device,
        ways.flatMap(way => stagesBy(way, op, profile)),
      ),
      op,
    ];
  });

/** How variants are ranked; `warm` is whether the device has worked just before, `taken` what its stages are computed by. */
interface Ranking extends Pick<TunerOptions, 'note' | 'time'> {
  readonly warm: boolean;
  readonly taken: Readonly<Record<string, string>>;
}

/** The variants of a call that can run, the fastest first. They run on buffers of their own, of the call's sizes. */
async function rank(device: Device, { key, op }: Call, all: readonly string[], how: Ranking): Promise<string[]> {
  const { note, time: clock = time, warm, taken } = how;
  const medians = async (jobs: readonly Job[], { rounds, target }: Required<Pick<TimeOptions, 'rounds' | 'target'>>): Promise<number[]> =>
    (await clock(bench, jobs, { rounds, target: Math.max(target, TICKS * platform().tick) })).map(t => t.median);
  const bench = device.withProfile({ prefer: undefined });
  const memory = new Memory(bench);
  const graph = new Graph({ training: false, profile: bench.profile });
  const bound = Object.entries(op.tensors);
  const copies = new Map(bound.map(([name, t]): [Tensor, Tensor] => [t, { ...t, role: 'input', name, whole: undefined, base: undefined }]));
  graph.ops.push({ ...op, tensors: Object.fromEntries(bound.map(([name, t]) => [name, copies.get(t)!])) });
  const programs: Program[] = [];
  const names: string[] = [];
  try {
    for (const name of all) {
      bench.choose({ ...taken, [key]: name });
      try {
        programs.push(await Program.compile(memory, graph, { fuse: false }));
        names.push(name);
      } catch (e) {
        device.check();
        note?.(`${(e as Error).message}; ${name} is skipped`);
      }
    }
    if (names.length < 2) return names;
    const jobs = programs.map(({ commands }): Job => ({ commands }));
    if (!warm && !bench.report.software) await warmUp(bench, jobs[0]!, WARM_UP);
    const look = await medians(jobs, FIRST_LOOK);
    const least = Math.min(...look);
    const hopeful = range(names.length).filter(i => look[i]! <= HOPELESS * least);
    const race = hopeful.map(i => jobs[i]!);
    const ms = race.length > 1 ? await medians(race, least > LONG ? LONG_RACE : RACE) : [least];
    let best = 0;
    ms.forEach((t, i) => {
      if (t < BETTER * ms[best]!) best = i;
    });
    const winner = hopeful[best]!;
    return [names[winner]!, ...names.filter((_, i) => i !== winner)];
  } finally {
    for (const p of programs) p.destroy();
    memory.destroy();
  }
}
