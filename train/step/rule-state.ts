/** The states of update rules, between device and host. */
import { check, show } from '../../engine/check.ts';
import type { Graph } from '../../engine/graph.ts';
import type { Memory } from '../../engine/memory.ts';
import { stateBuffer, type Optimizer } from '../../optim/optimizer.ts';
import type { Tensors } from '../run/safetensors.ts';
import { ruleState } from '../run/state-keys.ts';

/** The states of first-order rules, by parameter. */
export async function readRules(memory: Memory, graph: Graph, optimizers: readonly Optimizer[]): Promise<Tensors> {
  const tensors: Tensors = {};
  for (const { rule, state: states } of optimizers) {
    for (const [page, { buffer, bytes }] of memory.layout.pages('param').entries()) {
      for (const state of states) {
        const all = await memory.download(memory.buffers.get(stateBuffer(rule, state, page))!, 0, bytes);
        for (const { value } of graph.params.values()) {
          const place = memory.place(value);
          if (place.buffer !== buffer) continue;
          const data = new Float32Array(all, place.offset, value.size).slice();
          tensors[ruleState(rule.name, state).key(value.name)] = { shape: value.shape, data };
        }
      }
    }
  }
  return tensors;
}

/** Puts back what `readRules` gave. Throws where it is of other rules or parameters. */
export function writeRules(memory: Memory, graph: Graph, optimizers: readonly Optimizer[], tensors: Tensors): void {
  const pages = memory.layout.pages('param').map(p => p.buffer);
  for (const { rule, state: states } of optimizers) {
    for (const state of states) {
      for (const { value } of graph.params.values()) {
        const key = ruleState(rule.name, state).key(value.name);
        const saved = tensors[key];
        const place = memory.place(value);
        check(
          saved && saved.data.length === value.size,
          `optimizer state: '${key}' ${show(value.shape)} is missing or of another size`,
          'the checkpoint is of another optimizer or model',
        );
        const target = memory.buffers.get(stateBuffer(rule, state, pages.indexOf(place.buffer)))!;
        memory.upload(target, place.offset, saved.data);
      }
    }
  }
}
