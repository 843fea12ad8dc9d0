/** A rule and the pieces around it as one update: its numbers, and its kernels on the pages of parameters. */
import { check } from '../engine/check.ts';
import type { Graph } from '../engine/graph.ts';
import type { Layout } from '../engine/plan.ts';
import { flatReduce, PARTS } from '../shaders/update/flat.ts';
import { fusedUpdate, type Update } from '../shaders/update/update.ts';
import { unscale } from './loss-scale.ts';
import { decayRuns } from './pages.ts';
import { mean, type Average, type Inputs, type Piece, type Reduce } from './pieces.ts';
import { hyperParameters, type Hyper, type Rule } from './rule.ts';

/** A rule with its hyper-parameters, added to a training graph as one fused update per page of parameters. */
export interface Optimizer {
  readonly rule: Rule;
  readonly hyper: Hyper;
  /** All states, those of pieces included. */
  readonly state: readonly string[];
  /** What is evaluated in place of the weights, if anything. */
  readonly average: Average | undefined;
  addTo(g: Graph, layout: Layout, gradients?: Gradients): void;
  /**
   * Step values of update number `t`, from 1, at learning rate `lr`. `momentum` replaces the rule's momentum or beta1; `summed` is how many
   * gradients of means the gradient is the sum of.
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
 * The optimizer of `rule` with `options` in place of its defaults, and with `pieces` around it, in order. Without `decayBias` no piece
 * that decays acts on biases and the parameters of normalisation, all of rank 1.
 */
export function optimizer(
  rule: Rule,
  options: Readonly<Record<string, unknown>> = {},
  pieces: readonly Piece[] = [],
  { decayBias = true }: { readonly decayBias?: boolean } = {},
): Optimizer {
  const hyper = hyperParameters(rule.name, rule.hyper, options);
  const chain = [...pieces, ...(rule.pieces?.(hyper) ?? [])];
  const averages = chain.flatMap(p => p.average ?? []);
  check(averages.length < 2, `${rule.name}: ema and swa both average the weights`, 'leave one out');
  const constraint = chain.findIndex(p => p.constrains);
  const late = constraint < 0 ? [] : chain.slice(constraint); // their `after` must see the rows that it constrained
  const early = chain.map(p => (late.includes(p) ? { ...p, after: undefined } : p));

  const values = (t: number, lr: number, momentum?: number, summed = 1): Record<string, number> => {
    const h = momentum === undefined || !rule.cycled ? hyper : { ...hyper, [rule.cycled]: momentum };
    return { ...h, lr, t, g_scale: 1 / summed, ...rule.values?.(h, t, lr), ...Object.assign({}, ...chain.map(p => p.values?.(t, lr))) };
  };
  const fields = Object.keys(values(1, hyper.lr));

  return {
    rule,
    hyper,
    values,
    state: [...rule.state, ...chain.flatMap(p => p.state ?? [])],
    average: averages[0] ?? (rule.average === undefined ? undefined : { state: rule.average, from: 1 }),
    addTo(g, layout, { summed = false, scaled = false } = {}) {
      const grads = layout.pages('grad').map(({ buffer, bytes }) => g.whole('grad', buffer, bytes));
      const reduce: Reduce = (name, f) => {
        const partial = g.lasting('state', name, [grads.length * PARTS]);
        grads.forEach((a, page) => g.run(flatReduce, { n: a.size, f, first: page * PARTS }, { a, partial }));
        return { partial, pages: grads.length };
      };
      const all = [...(scaled ? [unscale(rule.state)] : []), ...(summed ? [mean] : []), ...early];
      let inputs: Inputs = {};
      for (const piece of all) inputs = { ...piece.reduces?.(g, reduce, inputs), ...inputs };
      const update = fusedUpdate({ name: `update_${rule.name}`, fields, reads: Object.keys(inputs), ...codeOf(rule, all) });

      for (const [page, { buffer, bytes }] of layout.pages('param').entries()) {
        const w = g.whole('param', buffer, bytes);
        const states = (names: readonly string[]): Inputs =>
          Object.fromEntries(names.map(s => [`${s}_all`, g.whole('state', layout.page(stateBuffer(rule, s, page), bytes), bytes)]));
        const whole = { n: bytes / 4, first: 0, decays: true };
        const runs = decayBias || !all.some(p => p.decays) ? [whole] : decayRuns(g, layout, buffer, bytes);
        const tensors = { w_all: w, g_all: grads[page]!, ...states(statesOf(rule, all)), ...inputs };
        for (const run of runs) g.run(update, { ...run, page } satisfies Update, tensors);
        for (const piece of late) {
          piece.constrains?.(g, { w, buffer, layout });
          if (!piece.after) continue;
          const after = fusedUpdate({ name: 'after_update', fields, ...codeAfter(piece) });
          g.run(after, { ...whole, page } satisfies Update, { w_all: w, ...states(piece.state ?? []) });
        }
      }
    },
  };
}

const written = (names: readonly string[]) => Object.fromEntries(names.map(name => [name, 'write' as const]));

/** The states that a fused update needs: the rule's, and those of pieces that have a part in it. */
const statesOf = (rule: Rule, pieces: readonly Piece[]): string[] => [
  ...rule.state,
  ...pieces.flatMap(p => ((p.weight ?? p.gradient ?? p.after) && p.state) || []),
];

/** What pieces do to gradient and weight, the rule, and what pieces do after it. */
const codeOf = (rule: Rule, pieces: readonly Piece[]) => ({
  arrays: { w: 'write', g: 'read', ...written(statesOf(rule, pieces)) } as const,
  draws: pieces.some(p => p.draws),
  body(decays: boolean): string {
    const acting = pieces.filter(p => decays || !p.decays);
    return [
      'var t = op.t;',
      ...acting.map(p => p.gradient),
      'let first = t < 1.5;',
      ...acting.map(p => p.weight),
      rule.update,
      ...acting.map(p => p.after),
    ]
      .filter(Boolean)
      .join('\n    ');
  },
});

/** What one piece does after the rule. */
const codeAfter = ({ state = [], after }: Piece) => ({ arrays: written(['w', ...state]), body: () => after! });

/** The buffer of one state of one page; its tensors lie where their parameters do in theirs. */
export const stateBuffer = (rule: { readonly name: string }, state: string, page: number): string => `state ${rule.name}.${state} ${page}`;
