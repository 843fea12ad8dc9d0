/** What a step does, for `descent train --plan`. */
import { show } from '../../engine/check.ts';
import { opName } from '../../engine/op.ts';
import { megabytes } from '../../engine/plan.ts';
import type { Program } from '../../engine/program.ts';
import { count, table } from '../output.ts';

/** Each dispatch of a step with its variant, grid, buffers and bytes, then the memory that the step takes. */
export function describePlan({ commands, plan, memory }: Program): string {
  const rows = commands.map(({ op, pipeline }, i) => {
    const tensors = Object.entries(op.tensors).map(([binding, t]) => {
      const where = t.role === 'activation' ? `slot ${plan.placeOf.get(t)!.slot}` : memory.place(t).buffer;
      return `${binding} ${show(t.shape)}${t.half ? ' f16' : ''} in ${where}`;
    });
    const bytes = Object.values(op.tensors).reduce((n, t) => n + t.size * (t.half ? 2 : 4), 0);
    const kernel = `${op.kernel.name} (${pipeline.variant.name})`;
    return [String(i + 1), opName(op), kernel, pipeline.grid.join('x'), count(bytes), tensors.join(', ')];
  });
  const { unchecked: bytes, slowdown = 1 } = plan;
  const times = `with which a step takes ${slowdown.toFixed(2)} times as long by estimate`;
  const unchecked = bytes === undefined ? '' : `; ${megabytes(bytes)} without --checkpoint-activations, ${times}`;
  return [
    table([['#', 'layer', 'kernel (variant)', 'workgroups', 'bytes', 'tensors'], ...rows]),
    '',
    `${commands.length} dispatches in 1 submit`,
    `activations: ${plan.slots.length} slots of ${megabytes(plan.peak)} in all; ${megabytes(plan.sum)} without reuse, ` +
      `${megabytes(plan.bound)} alive at once at most${unchecked}`,
    `parameters, gradients, optimizer state and data: ${megabytes(memory.bytes)} in ${memory.buffers.size} buffers`,
  ].join('\n');
}
