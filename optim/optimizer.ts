/** A rule and the pieces around it as one update: its numbers, and its kernels on the pages of parameters. */
import { check, kindOf } from '../engine/check.ts';
import type { Graph } from '../engine/graph.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { Layout } from '../engine/plan.ts';
import { flatReduce, PARTS } from '../shaders/update/flat.ts';
import { fusedUpdate, inGroup, type Update } from '../shaders/update/update.ts';
import { unscale } from './loss-scale.ts';
import { factorAt, groupsOf, hasEnded, type GroupOptions, type Groups } from './groups.ts';
import { groupTable } from './pages.ts';
import { mean, type Average, type Inputs, type Piece, type Reduce } from './pieces.ts';
import type { Privacy } from './accountant.ts';
import { hyperParameters, needsGradientAlone, type Hyper, type Rule } from './rule.ts';

/** A rule with its hyper-parameters, added to a training graph as one fused update per page of parameters. */
export interface Optimizer {
  readonly rule: Rule;
  readonly hyper: Hyper;
  /** WGSL of the update, its pieces included. */
  readonly body: string;
  /** All states, those of pieces included. */
  readonly state: readonly string[];
  /** What is evaluated in place of the weights, if anything. */
  readonly average: Average | undefined;
  /** How private its updates are, where they are that. */
  readonly privacy: Privacy | undefined;
  /**
   * Whether the rate of a parameter has come to its end before update number `t`: its gradient is for nothing any more. Undefined where no
   * rate ends, and where the gradients of all parameters together decide how each moves.
   */
  readonly rests: ((parameter: string, t: number) => boolean) | undefined;
  addTo(g: Graph, layout: Layout, gradients?: Gradients): void;
  /**
   * Step values of update number `t`, from 1, at learning rate `lr`. `momentum` replaces the hyper-parameter that the rule calls `cycled`.
   * The gradient is the sum of `summed` gradients, of micro-batches and batches.
   */
  values(t: number, lr: number, momentum?: number, summed?: number): Record<string, number>;
}

/** What the gradients of a run are. */
export interface Gradients {
  /** Sums over micro-batches, or over several batches (Smith et al. 2018). */
  readonly summed?: boolean;
  /** Those of a scaled loss; updates whose gradients overflowed are skipped (see shaders/update/loss-scale.ts). */
  readonly scaled?: boolean;
}

/**
 * The optimizer of the rule `chosen` with `options` in place of its defaults, and with `pieces` around it, in order; some parameters may have
 * other rates and decay than the others.
 */
export function optimizer(
  chosen: Rule,
  options: Readonly<Record<string, unknown>> = {},
  pieces: readonly Piece[] = [],
  grouped: GroupOptions = {},
): Optimizer {
  check(typeof chosen?.update === 'string' && chosen.hyper, `optimizer: ${kindOf(chosen)} is no rule`, 'give one of rules, as rules.adam');
  const hyper = hyperParameters(chosen.name, chosen.hyper, options);
  const { state, update } = chosen.form?.(hyper) ?? chosen;
  const rule: Rule = { ...chosen, state, update };
  const chain = [...pieces, ...(rule.pieces?.(hyper) ?? [])];
  const averages = chain.flatMap(p => p.average ?? []);
  check(averages.length < 2, `${rule.name}: ema and swa both average the weights`, 'leave one out');

  const groups = groupsOf(
    grouped,
    chain.some(p => p.decays),
  );
  const isGrouped = groups.all.length > 1;
  const valuesOf = (t: number, lr: number, decay: number, momentum?: number, summed = 1): Record<string, number> => {
    const h = momentum === undefined || !rule.cycled ? hyper : { ...hyper, [rule.cycled]: momentum };
    const around: Record<string, number> = Object.assign({}, ...chain.map(p => p.values?.(t, lr, decay)));
    return { ...h, lr, t, g_scale: 1 / summed, ...rule.values?.(h, t, lr), ...around, ...(isGrouped && { decay }) };
  };
  const doneBefore = (t: number): number => grouped.epochsBefore?.(t) ?? 0;
  const { lr: rates } = grouped;
  const canRest = needsGradientAlone(rule) && !chain.some(piece => piece.reduces ?? piece.privacy);
  const values: Optimizer['values'] = (t, lr, momentum, summed) => {
    if (!isGrouped) return valuesOf(t, lr, 1, momentum, summed); // asked at each step
    const done = doneBefore(t);
    const each = groups.all.map((group, k) => {
      const own = valuesOf(t, lr * factorAt(group.lr, done), factorAt(group.decay, done), momentum, summed);
      return Object.entries(own).map(([name, value]) => [inGroup(name, k), value] as const);
    });
    return Object.fromEntries(each.flat());
  };

  return {
    rule,
    hyper,
    body: code(rule, chain),
    values,
    state: [...rule.state, ...statesOf(chain)],
    average: averages[0] ?? (rule.average === undefined ? undefined : { state: rule.average, from: 1 }),
    privacy: chain.find(p => p.privacy)?.privacy,
    rests:
      canRest && rates?.factors.some(factor => typeof factor === 'object')
        ? (parameter, t) => hasEnded(rates.of(parameter), doneBefore(t))
        : undefined,
    addTo(g, layout, { summed = false, scaled = false } = {}) {
      const ofRun = [...(scaled ? [unscale(rule.state)] : []), ...(summed ? [mean] : [])];
      addUpdate(g, layout, rule, [...ofRun, ...chain], { fields: Object.keys(valuesOf(1, hyper.lr, 1)), groups });
    },
  };
}

/** Whether two updates differ in their numbers alone, so that the kernels of one do the other. */
export function hasSameKernels(a: Optimizer, b: Optimizer): boolean {
  const fields = ({ hyper, values }: Optimizer) => Object.keys(values(1, hyper.lr)).join();
  const beside = ({ rule, hyper }: Optimizer) => (needsGradientAlone(rule) ? '' : JSON.stringify({ ...hyper, lr: 0 })); // read where it is made
  return a.body === b.body && fields(a) === fields(b) && beside(a) === beside(b);
}

const statesOf = (pieces: readonly Piece[]): string[] => pieces.flatMap(p => p.state ?? []);

/** The reductions of the gradients, and the dispatches of each page: the fused update, and what cannot be part of it. */
function addUpdate(
  g: Graph,
  layout: Layout,
  rule: Rule,
  pieces: readonly Piece[],
  { fields, groups }: { readonly fields: readonly string[]; readonly groups: Groups },
): void {
  const grads = layout.pages('grad').map(({ buffer, bytes }) => g.whole('grad', buffer, bytes));
  const inputs = reduceAll(g, grads, pieces);
  const count = groups.all.length;
  const always = 2 + rule.state.length + Object.keys(inputs).length + (count > 1 ? 1 : 0); // with weights, gradients and groups
  const { fused, late } = split(pieces, g.profile.maxBindings - always);
  const states = [...rule.state, ...statesOf(fused)];
  const update = fusedUpdate({
    name: `update_${rule.name}`,
    arrays: { w: 'write', g: 'read', ...written(states) },
    reads: Object.keys(inputs),
    fields,
    draws: fused.some(p => p.draws),
    groups: count,
    body: code(rule, count > 1 ? fused.map(unlessNone) : fused),
  });
  for (const [page, { buffer, bytes }] of layout.pages('param').entries()) {
    const w = g.whole('param', buffer, bytes);
    const arrays = (names: readonly string[]): Inputs =>
      Object.fromEntries(names.map(s => [`${s}_all`, g.whole('state', layout.page(stateBuffer(rule, s, page), bytes), bytes)]));
    const whole: Update = { n: bytes / 4, page };
    const table = count > 1 && { groups: groupTable(g, layout, buffer, bytes, groups.of) };
    g.run(update, whole, { w_all: w, g_all: grads[page]!, ...arrays(states), ...inputs, ...table });
    for (const piece of late) {
      const { after, state = [] } = count > 1 ? unlessNone(piece) : piece;
      piece.constrains?.(g, { w, buffer, layout });
      if (!after) continue;
      const kernel = fusedUpdate({ name: 'after_update', arrays: written(['w', ...state]), fields, groups: count, body: after });
      g.run(kernel, whole, { w_all: w, ...arrays(state), ...table });
    }
  }
}

/** The tensors that pieces make of all gradients, by name. */
function reduceAll(g: Graph, grads: readonly Tensor[], pieces: readonly Piece[]): Inputs {
  const reduce: Reduce = (name, f) => {
    const partial = g.persistent('state', name, [grads.length * PARTS]);
    grads.forEach((a, page) => g.run(flatReduce, { n: a.size, f, first: page * PARTS }, { a, partial }));
    return { partial, pages: grads.length };
  };
  let inputs: Inputs = {};
  for (const piece of pieces) inputs = { ...piece.reduces?.(g, reduce, inputs), ...inputs };
  return inputs;
}

/**
 * What the fused update does of pieces, and those whose `after` comes later: since it must see the rows that one of them constrained, or
 * since the adapter does not let one call bind more than `most` states of pieces.
 */
function split(pieces: readonly Piece[], most: number): { fused: Piece[]; late: Piece[] } {
  const constraint = pieces.findIndex(p => p.constrains);
  for (let from = constraint < 0 ? pieces.length : constraint; ; from--) {
    const late = pieces.slice(from);
    const whole = pieces.map(p => (late.includes(p) ? { ...p, after: undefined } : p));
    const fused = whole.filter(p => p.gradient ?? p.weight ?? p.after);
    if (statesOf(fused).length <= most || from === 0) return { fused, late };
  }
}

/** WGSL: what pieces do to gradient and weight, the rule, and what pieces do after it. */
const code = (rule: Rule, pieces: readonly Piece[]): string =>
  [
    'var t = op.t; var skip = false;',
    ...pieces.map(p => p.gradient),
    'let first = t < 1.5;',
    ...pieces.map(p => p.weight),
    rule.update,
    ...pieces.map(p => p.after),
  ]
    .filter(Boolean)
    .join('\n    ');

/** A piece that leaves groups alone whose decay is 0, if it decays. */
function unlessNone(piece: Piece): Piece {
  if (!piece.decays) return piece;
  const { gradient, weight, after } = piece;
  const unless = (text: string | undefined) => text && `if (op.decay > 0.0) { ${text} }`;
  return { ...piece, gradient: unless(gradient), weight: unless(weight), after: unless(after) };
}

const written = (names: readonly string[]) => Object.fromEntries(names.map(name => [name, 'write' as const]));

/** The buffer of one state of one page; its tensors lie where their parameters do in theirs. */
export const stateBuffer = (rule: { readonly name: string }, state: string, page: number): string => `state ${rule.name}.${state} ${page}`;
