/** What a step does, for `descent train --plan`. */
import { show } from '../../engine/check.ts';
import { opName } from '../../engine/op.ts';
import { megabytes } from '../../engine/plan.ts';
import type { Program } from '../../engine/program.ts';
import { count, table } from '../output.ts';

/** Each dispatch of a step with its variant, grid, buffers and bytes, then the memory that the step takes; with `json` one object a line. */
export function describePlan({ commands, plan, memory }: Program, json = false): string {
  const dispatches = commands.map(({ op, pipeline }) => ({
    layer: opName(op),
    kernel: op.kernel.name,
    variant: pipeline.variant.name,
    workgroups: pipeline.grid,
    bytes: Object.values(op.tensors).reduce((n, t) => n + t.size * (t.half ? 2 : 4), 0),
    tensors: Object.entries(op.tensors).map(([binding, t]) => ({
      binding,
      shape: t.shape,
      half: Boolean(t.half),
      place: t.role === 'activation' ? `slot ${plan.placeOf.get(t)!.slot}` : memory.place(t).buffer,
    })),
  }));
  const { unchecked: bytes, slowdown = 1 } = plan;
  if (json) {
    const { slots, peak, sum, bound } = plan;
    const activations = { slots: slots.length, bytes: peak, withoutReuse: sum, aliveAtOnce: bound };
    const checkpointed = bytes !== undefined && { withoutCheckpoints: bytes, slowdown };
    const rest = { bytes: memory.bytes, buffers: memory.buffers.size };
    const total = { dispatches: commands.length, submits: 1, activations: { ...activations, ...checkpointed }, rest };
    return [...dispatches, total].map(line => JSON.stringify(line)).join('\n');
  }
  const rows = dispatches.map(({ layer, kernel, variant, workgroups, bytes, tensors }, i) => {
    const bound = tensors.map(({ binding, shape, half, place }) => `${binding} ${show(shape)}${half ? ' f16' : ''} in ${place}`);
    return [String(i + 1), layer, `${kernel} (${variant})`, workgroups.join('x'), count(bytes), bound.join(', ')];
  });
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
