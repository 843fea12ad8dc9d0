/** WGSL of broadcasts and of sums along repeated dimensions (broadcast.ts). */
import type { Target } from '../kernel/define.ts';
import { accumulated } from '../kernel/gradient.ts';
import { inRuns } from '../kernel/in-runs.ts';
import type { Profile } from '../kernel/kernel.ts';
import { entry, threads } from '../kernel/loops.ts';
import { keeping } from '../kernel/nan.ts';
import { product } from '../kernel/shape.ts';
import { total } from '../kernel/total.ts';
import { widthOf } from '../kernel/wgsl.ts';
import { operandsOf, repeatedLast, runsOf, type Broadcast, type BroadcastSum, type Rows, type Run } from './broadcast-shape.ts';

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

/** The body of `broadcast`: of each value `i`, or of four neighbours. */
export function broadcastBody(p: Broadcast, d: Target) {
  const whole = runsOf(p.shape, { ...p.of });
  const runs = whole.map((run, d0) => (d0 === whole.length - 1 ? { ...run, size: run.size / d.width } : run));
  const single = d.width === 4 ? repeatedLast(p) : [];
  const operands = operandsOf(p.of);
  const read = (name: string) => {
    const value = `${name}[${placeIn(name, runs, n => along(runs, n, 'i'))}]`;
    return single.includes(name) ? `${d.type}(${value})` : value;
  };
  return { declared: applied(p.f, operands, d.type), each: `    y[i] = finish(apply(${operands.map(read).join(', ')}), i);` };
}

/** The body of `broadcastSum`: the threads of a workgroup sum up what belongs to one value of out, number `row`. */
export function sumBody(p: BroadcastSum, d: Target) {
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
  const added = `own += apply(${operands.map(name => `${name}[${placeIn(name, runs, at)}]`).join(', ')});`;
  return {
    declared: applied(p.f, operands, 'f32') + keeping('f32') + declared,
    each: `
  var own = 0.0;
  ${inRuns('i', size, ['own'], added, { first: 'lane', step })}
  ${of('own')}
  if (lane == 0u) { let v = total; out[row] = ${accumulated(p.gradient, 'out[row]')}; }`,
  };
}

/** `broadcastSum` of rows by a lane each, which goes along its own, `vec4` four values at a time. */
export function rowSumsCode(p: BroadcastSum, { perRow, perValue }: Rows, d: Profile, vec4: boolean): string {
  const { type, sum } = widthOf(vec4);
  const operands = operandsOf(p.of);
  const read = (name: string) => {
    if (!perValue(name)) return `${type}(${name}[${perRow(name) ? 'row' : '0'}])`;
    return `${name}[${perRow(name) ? 'row * size + i' : 'i'}]`;
  };
  return (
    applied(p.f, operands, type) +
    keeping(type) +
    entry(
      d.lanes,
      `
  let size = u32(op.size); let first = group.x * u32(op.share);
  for (var row = first + lane; row < min(first + u32(op.share), u32(op.rows)); row += ${d.lanes}u) {
    var own = ${type}(0.0);
    for (var i = 0u; i < size; i++) { own += apply(${operands.map(read).join(', ')}); }
    let v = ${sum('own')};
    out[row] = ${accumulated(p.gradient, 'out[row]')};
  }`,
    )
  );
}
