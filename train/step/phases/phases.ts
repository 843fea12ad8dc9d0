/** What moves the weights, and for how long: one optimizer, or several one after another. */
import { Graph } from '../../../engine/graph.ts';
import type { Memory } from '../../../engine/memory.ts';
import { Program } from '../../../engine/program.ts';
import type { Gradients, Optimizer } from '../../../optim/optimizer.ts';
import type { QuasiNewton } from '../../../optim/quasi-newton.ts';
import type { Hyper } from '../../../optim/rule.ts';
import type { Schedule } from '../../../optim/schedule.ts';
import type { Kfac } from '../../linear/kfac.ts';
import type { LastLayer } from '../../linear/last-layer.ts';
import { FirstOrderPhase } from './first-order.ts';
import type { Phase } from './phase.ts';
import type { QuasiNewtonPhase } from './quasi-newton.ts';
import type { Span } from '../step.ts';

/** A phase with what it needs on the device. */
export type ActivePhase = FirstOrderPhase | QuasiNewtonPhase;

const isFirstOrder = (o: Optimizer | QuasiNewton): o is Optimizer => 'rule' in o;

/** The optimizer whose update can be part of the program of the gradients: one of first order, one batch an update, nothing between. */
export function fusable(phases: readonly Phase[], { summed }: Gradients): Optimizer | undefined {
  const { optimizer } = phases[0]!;
  if (phases.length > 1 || summed) return undefined;
  return isFirstOrder(optimizer) && !optimizer.rule.probes && !optimizer.rule.factors && !optimizer.rule.direction ? optimizer : undefined;
}

/** What makes what some rules need beside gradients. */
export interface Beside {
  readonly lastLayer: (hyper: Hyper) => Promise<LastLayer>;
  readonly kfac: (hyper: Hyper) => Promise<Kfac>;
}

/** What phases are made active on. */
interface Activation {
  readonly memory: Memory;
  /** That of the gradients, compiled already. */
  readonly graph: Graph;
  /** That of the run, which its first phase has. */
  readonly schedule: Schedule | undefined;
  /** Undefined where `graph` has the update too. */
  readonly gradients: Gradients | undefined;
  readonly beside: Beside;
}

export async function activate(
  phases: readonly Phase[],
  { memory, graph, schedule, gradients, beside }: Activation,
): Promise<ActivePhase[]> {
  const out: ActivePhase[] = [];
  for (const { optimizer, steps = Infinity } of phases) {
    const start = out.at(-1)?.end ?? 0;
    const span: Span = { start, end: start + steps };
    const own = out.length ? undefined : schedule;
    if (isFirstOrder(optimizer)) {
      const factors = optimizer.rule.factors ? await beside.kfac(optimizer.hyper) : undefined;
      const update = gradients && (await updateProgram(optimizer, memory, graph, gradients, factors));
      const { probes } = optimizer.rule;
      const hessian =
        probes === undefined ? undefined : new (await import('./hessian-diagonal.ts')).HessianDiagonal(memory, optimizer, probes);
      const last = optimizer.rule.solves ? await beside.lastLayer(optimizer.hyper) : undefined;
      out.push(new FirstOrderPhase(memory, optimizer, span, { schedule: own, update, hessian, last, factors }));
    } else {
      const { QuasiNewtonPhase } = await import('./quasi-newton.ts');
      out.push(new QuasiNewtonPhase(memory, graph, optimizer, span, own));
    }
  }
  return out;
}

/** The update as a program of its own, after what `factors` make of the gradients. */
export async function updateProgram(
  optimizer: Optimizer,
  memory: Memory,
  graph: Graph,
  gradients: Gradients,
  factors?: Pick<Kfac, 'precondition'>,
): Promise<Program> {
  const update = new Graph({ training: true, profile: memory.device.profile });
  for (const [name, param] of graph.params) update.params.set(name, param);
  factors?.precondition(update);
  const orthogonal = optimizer.rule.direction === undefined ? undefined : await import('../../../optim/orthogonal.ts');
  optimizer.addTo(update, memory.layout, gradients, orthogonal);
  return Program.compile(memory, update);
}
