/** What a step does, for `descent train --plan`. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { check, show } from '../../engine/check.ts';
import { opName } from '../../engine/op.ts';
import { megabytes } from '../../engine/plan.ts';
import type { Program } from '../../engine/program.ts';
import { laidOut } from '../../shaders/kernel/laid-out.ts';
import { makeFolder, writeWhole } from '../../train/run/node/files.ts';
import { count, table } from '../output.ts';

export interface PlanOptions {
  /** One object a line. */
  readonly json?: boolean;
  /** Folder that the WGSL of each dispatch is written to; dispatches of one text share a file. */
  readonly folder?: string;
}

/** Each dispatch of a step with its variant, grid, buffers and bytes, then the memory that the step takes. */
export function describePlan({ commands, plan, memory }: Program, { json, folder }: PlanOptions = {}): string {
  const files = folder === undefined ? [] : writeKernels(commands, folder);
  const dispatches = commands.map(({ op, pipeline }, i) => ({
    layer: opName(op),
    kernel: op.kernel.name,
    variant: pipeline.variant.name,
    workgroups: pipeline.grid,
    wgsl: files[i],
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
    ...(folder === undefined ? [] : [`their WGSL in ${new Set(files).size} files of ${folder}`]),
    `activations: ${plan.slots.length} slots of ${megabytes(plan.peak)} in all; ${megabytes(plan.sum)} without reuse, ` +
      `${megabytes(plan.bound)} alive at once at most${unchecked}`,
    `parameters, gradients, optimizer state and data: ${megabytes(memory.bytes)} in ${memory.buffers.size} buffers`,
  ].join('\n');
}

/** Writes the WGSL of dispatches, and tells the path of each. Above it stand its dispatches, by their numbers in the plan. */
function writeKernels(commands: Program['commands'], folder: string): string[] {
  const paths = new Map<string, string>();
  const taken = new Map<string, number>();
  for (const { op, pipeline } of commands) {
    if (paths.has(pipeline.code)) continue;
    const name = `${op.kernel.name} ${pipeline.variant.name}`.replace(/[^\w]+/g, '-');
    const number = (taken.get(name) ?? 0) + 1;
    taken.set(name, number);
    paths.set(pipeline.code, join(folder, `${name}${number > 1 ? `-${number}` : ''}.wgsl`));
  }
  for (const [code, path] of paths) {
    const uses = commands.flatMap(({ op, pipeline }, i) =>
      pipeline.code === code ? [`// ${i + 1}  ${opName(op)}, ${pipeline.grid.join(' x ')} workgroups`] : [],
    );
    writeWhole(path, `${uses.join('\n')}\n${laidOut(code)}`);
  }
  return commands.map(({ pipeline }) => paths.get(pipeline.code)!);
}

/** Makes a folder for `--plan`, or takes an empty one. What it returns takes it away again where nothing came to lie in it. */
export function planFolder(path: string): () => void {
  const leave = makeFolder(path, 'name another folder');
  check(!readdirSync(path).length, `--plan: ${path} holds files`, 'name a new or an empty folder');
  return leave;
}
