/** Functions of tensors of which some are repeated along some dimensions, and sums along these: both as numpy broadcasts. */
import { kernel, type Looped, type Target } from '../kernel/define.ts';
import { inRuns } from '../kernel/in-runs.ts';
import type { Epilogue } from '../kernel/epilogue.ts';
import { accumulated, accumulates, type Gradient } from '../kernel/gradient.ts';
import { isSoftware, type Profile, type Variant } from '../kernel/kernel.ts';
import { ceilDiv, rows, threads, values } from '../kernel/loops.ts';
import { keeping } from '../kernel/nan.ts';
import { product, type Shape } from '../kernel/shape.ts';
import { total, totalNeeds } from '../kernel/total.ts';
import { fitsVec4, widthOf } from '../kernel/wgsl.ts';

/** The operands of a function in the rank of its result: 1 where they are repeated. */
export interface Operands {
  v: Shape;
  a?: Shape;
  b?: Shape;
}

/** y of `shape` = f(v, a, b). `f` is WGSL over `v`, `a`, `b`, `zero` and `one`, of f32 or vec4f, and passes NaN on. */
export interface Broadcast {
  shape: Shape;
  of: Operands;
  f: string;
  epilogue?: readonly Epilogue[];
}

/** A run of dimensions along which the same operands are repeated, as one. */
interface Run {
  size: number;
  repeats: Readonly<Record<string, boolean>>;
}

/** The names of those that there are. */
const operandsOf = (of: Operands): string[] => named({ ...of }).map(([name]) => name);

const named = (of: Readonly<Record<string, Shape | undefined>>) =>
  Object.entries(of).flatMap(([name, shape]) => (shape ? [[name, shape] as const] : []));

/** The dimensions of `shape` in as few runs as `operands` allow; those of size 1 are in none. */
function runsOf(shape: Shape, operands: Readonly<Record<string, Shape | undefined>>): Run[] {
  const out: Run[] = [];
  shape.forEach((size, d) => {
    if (size === 1) return;
    const repeats = Object.fromEntries(named(operands).map(([name, own]) => [name, own[d] === 1]));
    const last = out.at(-1);
    if (last && Object.keys(repeats).every(name => last.repeats[name] === repeats[name])) last.size *= size;
    else out.push({ size, repeats });
  });
  return out.length ? out : [{ size: 1, repeats: {} }];
}

/** WGSL: the number along run `d` of value `i` of all values of `runs`. */
function along(runs: readonly Run[], d: number, i: string): string {
  const behind = product(runs.slice(d + 1).map(r => r.size));
  const number = behind === 1 ? i : `${i} / ${behind}u`;
  return d === 0 ? number : `${number} % ${runs[d]!.size}u`;
}

/** WGSL: the place in operand `name` that `at` along each run is. */
function placeIn(name: string, runs: readonly Run[], at: (d: number) => string): string {
  const own = runs.flatMap((run, d) => (run.repeats[name] ? [] : [d]));
  const terms = own.map((d, j) => {
    const stride = product(own.slice(j + 1).map(later => runs[later]!.size));
    return stride === 1 ? `(${at(d)})` : `(${at(d)}) * ${stride}u`;
  });
  return terms.join(' + ') || '0u';
}

/** WGSL of the function. */
const applied = (f: string, operands: readonly string[], type: string) => `
fn apply(${operands.map(name => `${name} : ${type}`).join(', ')}) -> ${type} {
  let zero = ${type}(0.0); let one = ${type}(1.0);
  return ${f};
}`;

/** The operands that are repeated along the last run. */
const splat = (p: Broadcast): string[] => {
  const last = runsOf(p.shape, { ...p.of }).at(-1)!;
  return named({ ...p.of }).flatMap(([name]) => (last.repeats[name] ? [name] : []));
};

/** Whether rows can be taken four at a time, `repeated` being what is one number along them. */
const wide = (repeated: readonly string[]) => (p: Broadcast) =>
  fitsVec4(runsOf(p.shape, { ...p.of }).at(-1)!.size) && splat(p).join() === repeated.join();

const form = {
  over: (p: Broadcast, d: Target) => values(product(p.shape) / d.width, d),
  body: (p: Broadcast, d: Target) => {
    const whole = runsOf(p.shape, { ...p.of });
    const runs = whole.map((run, d0) => (d0 === whole.length - 1 ? { ...run, size: run.size / d.width } : run));
    const single = d.width === 4 ? splat(p) : [];
    const operands = operandsOf(p.of);
    const read = (name: string) => {
      const value = `${name}[${placeIn(name, runs, n => along(runs, n, 'i'))}]`;
      return single.includes(name) ? `${d.type}(${value})` : value;
    };
    return { declared: applied(p.f, operands, d.type), each: `    y[i] = finish(apply(${operands.map(read).join(', ')}), i);` };
  },
};

/** y of `shape` from its operands, a thread for each value, or for four along the last run. */
export const broadcast = kernel({
  name: 'broadcast',
  bindings: { v: 'read', a: 'read?', b: 'read?', y: 'write' },
  epilogue: 'y',
  variants: [
    { ...form, name: 'vec4, a repeated', vec4: ['v', 'b', 'y'], fits: wide(['a']) },
    { ...form, name: 'vec4, b repeated', vec4: ['v', 'a', 'y'], fits: wide(['b']) },
    { ...form, name: 'vec4', vec4: ['v', 'a', 'b', 'y'], fits: wide([]) },
    form,
  ],
});

/** out of shape `kept` = the sum of f(v, a, b) over `shape` along the dimensions where `kept` is 1; written as a gradient. */
export interface BroadcastSum extends Omit<Broadcast, 'epilogue'> {
  kept: Shape;
  gradient?: Gradient;
}

/** Rows of neighbouring values that are summed up, one for each value of out. */
interface Rows {
  readonly count: number;
  readonly size: number;
  /** Whether an operand differs between rows, and in one. */
  readonly perRow: (name: string) => boolean;
  readonly perValue: (name: string) => boolean;
}

/** The rows that a call sums up, if they are that. */
function rowsOf(p: BroadcastSum): Rows | undefined {
  const [kept, summed, ...others] = runsOf(p.shape, { ...p.of, out: p.kept });
  if (!kept || kept.repeats.out || (summed && !summed.repeats.out) || others.length) return undefined;
  return {
    count: kept.size,
    size: summed?.size ?? 1,
    perRow: name => !kept.repeats[name],
    perValue: name => summed !== undefined && !summed.repeats[name],
  };
}

/** Workgroups that fill a processor. */
const ENOUGH = 64;
/** Values of the longest row that one lane adds up, to 1e-5. */
const LONGEST = 1 << 14;

/** The rows of each. */
const shareOf = ({ count }: Rows, { lanes }: Profile) => ceilDiv(ceilDiv(count, ENOUGH), lanes) * lanes;

/** A lane for each value of out on software adapters: a workgroup costs as much there as a row of hundreds. */
const inLanes = (vec4: boolean): Variant<BroadcastSum> => ({
  name: vec4 ? 'lanes vec4' : 'lanes',
  fits: (p, d) => {
    const rows = isSoftware(d) ? rowsOf(p) : undefined;
    return rows !== undefined && rows.count >= ENOUGH && rows.size <= LONGEST && (!vec4 || fitsVec4(rows.size));
  },
  vec4: p => (vec4 ? operandsOf(p.of).filter(rowsOf(p)!.perValue) : []),
  sizes: (p, d) => {
    const rows = rowsOf(p)!;
    return { rows: rows.count, size: rows.size / widthOf(vec4).width, share: shareOf(rows, d) };
  },
  grid: (p, d) => {
    const rows = rowsOf(p)!;
    return [ceilDiv(rows.count, shareOf(rows, d)), 1, 1];
  },
  code: async (p, d) => {
    const operands = operandsOf(p.of);
    const sums = { ...rowsOf(p)!, operands, applied: (type: string) => applied(p.f, operands, type), gradient: p.gradient };
    return (await import('./row-sums-code.ts')).rowSumsCode(sums, d, vec4);
  },
});

/** A workgroup for each value of out. */
const ofWorkgroups: Looped<BroadcastSum> = {
  needs: totalNeeds,
  over: (p, d) => rows(product(p.kept), threads(d, 256)),
  body: (p, d) => {
    const runs = runsOf(p.shape, { ...p.of, out: p.kept });
    const operands = operandsOf(p.of);
    const isKept = (run: Run) => !run.repeats.out;
    const [kept, summed] = [runs.filter(isKept), runs.filter(run => !isKept(run))];
    const at = (n: number) => {
      const run = runs[n]!;
      return isKept(run) ? along(kept, kept.indexOf(run), 'row') : along(summed, summed.indexOf(run), 'i');
    };
    const size = product(summed.map(r => r.size));
    const step = threads(d, 256);
    const { declared, of } = total(d, step);
    return {
      declared: applied(p.f, operands, 'f32') + keeping('f32') + declared,
      each: `
  var own = 0.0;
  ${inRuns('i', size, ['own'], `own += apply(${operands.map(name => `${name}[${placeIn(name, runs, at)}]`).join(', ')});`, { first: 'lane', step })}
  ${of('own')}
  if (lane == 0u) { let v = total; out[row] = ${accumulated(p.gradient, 'out[row]')}; }`,
    };
  },
};

export const broadcastSum = kernel({
  name: 'broadcast_sum',
  bindings: { v: 'read', a: 'read?', b: 'read?', out: 'write' },
  step: (p: BroadcastSum) => accumulates(p.gradient),
  variants: [inLanes(true), inLanes(false), ofWorkgroups],
});
