import { check, named, say } from '../check.ts';
import type { Graph } from '../graph.ts';

const RESHAPE = 'give reshape(g, x, shape)';

/**
 * Throws where a gradient is lost on its way back through layers of a program's own: parameters before them would keep their first values,
 * or learn by a part of it, and nothing would say so.
 */
export function checkReached({ cuts: [cut], ops, params }: Pick<Graph, 'cuts' | 'ops' | 'params'>): void {
  check(cut === undefined, `${cut || 'a layer'}: it takes g.view() of another layer's output, which passes no gradient on`, RESHAPE);
  const bound = new Set(ops.flatMap(op => Object.values(op.tensors)));
  const lost = Array.from(params.values()).find(({ grad }) => !bound.has(grad));
  check(
    !lost,
    `${lost?.value.name}: the loss has no gradient by it`,
    `${RESHAPE} where g.view() stands, and what g.map(), g.sum() and g.run() make to g.record()`,
    'leave out layers whose output nothing takes',
    say`${named('freeze')} what stands before detach() alone`,
  );
}
