import type { Graph } from '../engine/graph.ts';
import type { Layout } from '../engine/plan.ts';
import { check, lookUp } from '../engine/check.ts';
import { ceilDiv, each, kernel, type Kernel } from '../shaders/kernel.ts';

/** Hyper-parameters, under PyTorch's names. */
export type Hyper = Readonly<Record<string, number>>;

/**
 * How one weight moves on its gradient. `update` is WGSL over vec4f `w` (weight), `g` (gradient) and the state, by name; it reads `op.lr`
 * and what `values` gives as `op.<name>`. Those are computed in float64 on the host: 1 - 0.999 in float32 is off by 1.3e-5.
 */
export interface Rule {
  readonly name: string;
  readonly state: readonly string[];
  readonly defaults: Hyper & { readonly lr: number };
  /** `t` counts updates from 1. */
  readonly values?: (h: Hyper, t: number) => Readonly<Record<string, number>>;
  readonly update: string;
}

/** A rule with its hyper-parameters, added to a training graph as one fused update per page of parameters. */
export interface Optimizer {
  readonly rule: Rule;
  readonly hyper: Hyper & { readonly lr: number };
  addTo(g: Graph, layout: Layout): void;
  /** Step values of update number `t`, from 1, at learning rate `lr`. */
  values(t: number, lr: number): Record<string, number>;
}

/** What is done to the gradient before any rule sees it. */
export interface Regularisation { weightDecay?: number }

/** The optimizer of `rule` with `options` in place of its defaults; a name that the rule does not have is an error. */
export function optimizer(rule: Rule, options: Readonly<Record<string, unknown>> = {}, { weightDecay = 0 }: Regularisation = {}): Optimizer {
  const accepted: Record<string, number> = { ...rule.defaults };
  for (const [name, value] of Object.entries(options)) {
    lookUp(`hyper-parameter of ${rule.name}`, name, accepted);
    check(typeof value === 'number' && Number.isFinite(value), `${rule.name}: ${name} is '${String(value)}'; give a number`);
    accepted[name] = value;
  }
  const hyper = accepted as Hyper & { lr: number };
  const values = (t: number, lr: number) => ({ lr, ...(weightDecay && { weight_decay: weightDecay }), ...rule.values?.(hyper, t) });
  const update = fused(rule, Object.keys(values(1, hyper.lr)), weightDecay !== 0);
  return {
    rule, hyper, values,
    addTo(g, layout) {
      const grads = layout.pages('grad');
      layout.pages('param').forEach(({ buffer, bytes }, page) => {
        const state = Object.fromEntries(rule.state.map(s => [`${s}_all`, g.whole('state', layout.page(stateBuffer(rule, s, page), bytes), bytes)]));
        g.run(update, { n: bytes / 4 }, { w_all: g.whole('param', buffer, bytes), g_all: g.whole('grad', grads[page]!.buffer, bytes), ...state });
      });
    },
  };
}

/** The buffer of one state of one page; its tensors lie where their parameters do in theirs. */
export const stateBuffer = (rule: Rule, state: string, page: number): string => `state ${rule.name}.${state} ${page}`;

/** The rule in its shell: read, regularise, update, write. One kernel whatever the number of tensors. */
function fused(rule: Rule, fields: readonly string[], decays: boolean): Kernel<{ n: number }> {
  return kernel({
    name: `update_${rule.name}`,
    bindings: { w_all: 'write', g_all: 'read', ...Object.fromEntries(rule.state.map(s => [`${s}_all`, 'write' as const])) } as Record<string, 'read' | 'write'>,
    vec4: ['w_all', 'g_all', ...rule.state.map(s => `${s}_all`)],
    step: () => Object.fromEntries(fields.map(f => [f, 'f32' as const])),
    grid: (p: { n: number }, d) => each(ceilDiv(p.n, 4), d).grid,
    code: (p, d) => each(ceilDiv(p.n, 4), d).main(`
    var w = w_all[i]; var g = g_all[i]; ${rule.state.map(s => `var ${s} = ${s}_all[i];`).join(' ')}
    ${decays ? 'g += op.weight_decay * w;' : ''}
    ${rule.update}
    w_all[i] = w; ${rule.state.map(s => `${s}_all[i] = ${s};`).join(' ')}`),
  });
}
