/** A rule and the pieces around it as one update: its numbers, and its kernels on the pages of parameters. */
import { check, kindOf, named, onlyOptions, say } from '../engine/check.ts';
import type { Graph } from '../engine/graph.ts';
import type { Param, Tensor } from '../engine/tensor.ts';
import type { Layout } from '../engine/plan.ts';
import { flatReduce, PARTS } from '../shaders/update/flat.ts';
import { fusedUpdate, inGroup } from '../shaders/update/update.ts';
import { unscale } from './loss-scale.ts';
import { factorAt, GROUPS, groupsOf, hasEnded, type GroupOptions, type Groups } from './groups.ts';
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
  /** `orthogonal` makes the gradients of matrices orthogonal (see orthogonal.ts), where the rule has a direction. */
  addTo(g: Graph, layout: Layout, gradients?: Gradients, orthogonal?: Orthogonal): void;
  /**
   * Step values of update number `t`, from 1, at learning rate `lr`. `momentum` replaces the hyper-parameter that the rule calls `cycled`.
   * The gradient is the sum of `summed` gradients, of micro-batches and batches.
   */
  values(t: number, lr: number, momentum?: number, summed?: number): Record<string, number>;
}

/** What makes the gradients of matrices orthogonal. */
export interface Orthogonal {
  /** The parameters that are such matrices. */
  matrices(params: Iterable<Param>): readonly Param[];
  /** Adds to the graph of an update what replaces their gradients. */
  orthogonalise(g: Graph, matrices: readonly Param[], hyper: Hyper): void;
  /** Adds what leaves no noise in the gaps between gradients, where the next ones are not written, and which norms take in. */
  clearGaps(g: Graph, layout: Layout): void;
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
  checkGiven(chosen, options, pieces, grouped);
  const hyper = hyperParameters(chosen.name, chosen.hyper, options);
  const { state, update } = chosen.form?.(hyper) ?? chosen;
  const hidden = ['w', 'g'].find(name => state.includes(name));
  check(!hidden, `${chosen.name}: a state is called ${hidden}`, 'w is the weight, and g its gradient');
  const rule: Rule = { ...chosen, state, update };
  const chain = [...pieces, ...(rule.pieces?.(hyper) ?? [])];
  const averages = chain.flatMap(p => p.average ?? []);
  check(averages.length < 2, `${rule.name}: ema and swa both average the weights`, 'leave one out');

  const groups = groupsOf(
    grouped,
    chain.some(p => p.decays),
    rule.direction !== undefined,
  );
  const doneBefore = (t: number): number => grouped.epochsBefore?.(t) ?? 0;
  const { values, fields } = numbersOf({ rule, hyper, chain, groups, doneBefore });
  const { lr: rates } = grouped;
  const canRest = needsGradientAlone(rule) && !chain.some(piece => piece.reduces ?? piece.privacy);
  return {
    rule,
    hyper,
    body: code(`${rule.direction ?? ''}${rule.update}`, chain),
    values,
    state: [...rule.state, ...statesOf(chain)],
    average: averages[0] ?? (rule.average === undefined ? undefined : { state: rule.average, from: 1 }),
    privacy: chain.find(p => p.privacy)?.privacy,
    rests:
      canRest && rates?.factors.some(factor => typeof factor === 'object')
        ? (parameter, t) => hasEnded(rates.of(parameter), doneBefore(t))
        : undefined,
    addTo(g, layout, { summed = false, scaled = false } = {}, orthogonal = undefined) {
      const ofRun = [...(scaled ? [unscale(rule.state)] : []), ...(summed ? [mean] : [])];
      check(
        !scaled || !rule.direction,
        say`${named('optimizer', rule.name)}: makes matrices orthogonal in f32, which ${named('precision', 'f16')} does not go with`,
        'leave one of the two out',
      );
      const matrices = orthogonal?.matrices(g.params.values()) ?? [];
      const orthogonalise = () => {
        if (chain.some(p => p.draws)) orthogonal!.clearGaps(g, layout);
        orthogonal!.orthogonalise(g, matrices, hyper);
      };
      const around = { groups, matrices, orthogonalise };
      addUpdate(g, layout, rule, [...ofRun, ...chain], { fields: fields(), ...around });
    },
  };
}

/** Throws where what was given is no rule, options, list of pieces or groups, as a program without types may. */
function checkGiven(chosen: Rule, options: unknown, pieces: readonly Piece[], grouped: GroupOptions): void {
  check(typeof chosen?.update === 'string' && chosen.hyper, `optimizer: ${kindOf(chosen)} is no rule`, 'give one of rules, as rules.adam');
  onlyOptions('optimizer', grouped, GROUPS);
  check(typeof options === 'object' && options, `${chosen.name}: got ${kindOf(options)}`, 'give options, as { lr: 0.01 }');
  const isList = Array.isArray(pieces);
  const wrong = isList ? pieces.find(piece => typeof piece !== 'object') : pieces;
  check(isList && !wrong, `${chosen.name}: ${kindOf(wrong)} is no list of pieces`, 'give one, as [ema(0.999)]');
}

/** What the numbers of an update come from. */
interface Sources {
  readonly rule: Rule;
  readonly hyper: Hyper;
  readonly chain: readonly Piece[];
  readonly groups: Groups;
  /** Epochs before an update. */
  readonly doneBefore: (t: number) => number;
}

/** The step values of each update, of all groups, and the names of those of one. */
function numbersOf({ rule, hyper, chain, groups, doneBefore }: Sources): { values: Optimizer['values']; fields: () => string[] } {
  const isGrouped = groups.all.length > 1;
  const valuesOf = (own: Hyper, t: number, lr: number, decay = 1, momentum?: number, summed = 1): Record<string, number> => {
    const h = momentum === undefined || !rule.cycled ? own : { ...own, [rule.cycled]: momentum };
    const around: Record<string, number> = Object.assign({}, ...chain.map(p => p.values?.(t, lr, decay)));
    return { ...h, lr, t, g_scale: 1 / summed, ...rule.values?.(h, t, lr), ...around, ...(isGrouped && { decay }) };
  };
  const beside = rule.beside && { ...hyper, ...rule.beside(hyper) };
  return {
    fields: () => Object.keys(valuesOf(hyper, 1, hyper.lr)),
    values(t, lr, momentum, summed) {
      if (!isGrouped) return valuesOf(hyper, t, lr, 1, momentum, summed); // asked at each step
      const done = doneBefore(t);
      const each = groups.all.map((group, k) => {
        const [h, cycled] = beside && !group.orthogonal ? [beside, undefined] : [hyper, momentum];
        const own = valuesOf(h, t, lr * factorAt(group.lr, done), factorAt(group.decay, done), cycled, summed);
        return Object.entries(own).map(([name, value]) => [inGroup(name, k), value] as const);
      });
      return Object.fromEntries(each.flat());
    },
  };
}

/** Whether two updates differ in their numbers alone, so that the kernels of one do the other. */
export function hasSameKernels(a: Optimizer, b: Optimizer): boolean {
  const fields = ({ hyper, values }: Optimizer) => Object.keys(values(1, hyper.lr)).join();
  // hyper-parameters of what stands beside the update are read when that is made
  const beside = ({ rule, hyper }: Optimizer) => (needsGradientAlone(rule) && !rule.direction ? '' : JSON.stringify({ ...hyper, lr: 0 }));
  return a.body === b.body && fields(a) === fields(b) && beside(a) === beside(b);
}

const statesOf = (pieces: readonly Piece[]): string[] => pieces.flatMap(p => p.state ?? []);

/** A dispatch for each page: what the rule does in it, and the pieces of which it does all that they still have. */
interface Part {
  readonly name: string;
  readonly does: string;
  readonly state: readonly string[];
  readonly pieces: readonly Piece[];
  /** Which of weights and gradients it stores. */
  readonly stores: 'w' | 'g';
}

/** One part, or the way to the direction of a rule that has one, and the update by what is made of that. */
function partsOf({ name, state, direction, update }: Rule, pieces: readonly Piece[]): [Part, Part?] {
  if (direction === undefined)
    return [{ name: `update_${name}`, does: update, state: [...state, ...statesOf(pieces)], pieces, stores: 'w' }];
  const before = pieces.filter(p => p.gradient).map(({ gradient, state, draws, decays }): Piece => ({ gradient, state, draws, decays }));
  const after = pieces
    .filter(p => p.weight ?? p.after)
    .map(({ weight, after, state, decays }): Piece => ({ weight, after, state, decays }));
  return [
    { name: `direction_${name}`, does: direction, state: [...state, ...statesOf(before)], pieces: before, stores: 'g' },
    { name: `update_${name}`, does: update, state: statesOf(after), pieces: after, stores: 'w' },
  ];
}

/** What holds of all dispatches of an update. */
interface Around {
  readonly fields: readonly string[];
  readonly groups: Groups;
  readonly matrices: readonly Param[];
  readonly orthogonalise: () => void;
}

/** The reductions of the gradients, and the dispatches of each page: the fused update, and what cannot be part of it. */
function addUpdate(
  g: Graph,
  layout: Layout,
  rule: Rule,
  pieces: readonly Piece[],
  { fields, groups, matrices, orthogonalise }: Around,
): void {
  const grads = layout.pages('grad').map(({ buffer, bytes }) => g.whole('grad', buffer, bytes));
  const inputs = reduceAll(g, grads, pieces);
  const count = groups.all.length;
  const orthogonal = new Set(matrices.map(({ value }) => value));
  const groupOf = (parameter: Tensor) => groups.of(parameter, orthogonal.has(parameter));
  const always = 2 + rule.state.length + Object.keys(inputs).length + (count > 1 ? 1 : 0); // with weights, gradients and groups
  const { fused, late } = split(pieces, g.profile.maxBindings - always);
  const pages = layout.pages('param').map(({ buffer, bytes }, page) => {
    const arrays = (names: readonly string[]): Inputs =>
      Object.fromEntries(names.map(s => [`${s}_all`, g.whole('state', layout.page(stateBuffer(rule, s, page), bytes), bytes)]));
    const table = count > 1 && { groups: groupTable(g, layout, buffer, bytes, groupOf) };
    return { buffer, w: g.whole('param', buffer, bytes), whole: { n: bytes / 4, page }, arrays, table };
  });
  const [first, second] = partsOf(rule, fused);
  const run = ({ name, does, state, pieces, stores }: Part, reads: Inputs) => {
    const update = fusedUpdate({
      name,
      arrays: { w: stores === 'w' ? 'write' : 'read', g: stores === 'g' ? 'write' : 'read', ...written(state) },
      reads: Object.keys(reads),
      fields,
      draws: pieces.some(p => p.draws),
      groups: count,
      body: code(does, count > 1 ? pieces.map(unlessNone) : pieces),
    });
    for (const { w, whole, arrays, table } of pages)
      g.run(update, whole, { w_all: w, g_all: grads[whole.page]!, ...arrays(state), ...reads, ...table });
  };
  run(first, inputs);
  if (second) {
    orthogonalise();
    run(second, {});
  }
  for (const { buffer, w, whole, arrays, table } of pages) {
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

/** WGSL: what pieces do to gradient and weight, what the rule `does`, and what pieces do after it. */
const code = (does: string, pieces: readonly Piece[]): string =>
  [
    'var t = op.t; var skip = false;',
    ...pieces.map(p => p.gradient),
    'let first = t < 1.5;',
    ...pieces.map(p => p.weight),
    does,
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
