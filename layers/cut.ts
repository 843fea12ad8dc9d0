/** Nets in two: those whose first part is frozen, and computes features of which the second learns. */
import type { Layer } from '../engine/graph.ts';
import { sequential } from './compose.ts';

/** A net in two, which one after another are the net itself: parameters keep their names. */
export interface Cut {
  readonly trunk: Layer;
  readonly head: Layer;
}

/**
 * A net cut before the layer called `path`, as its parameters are named (`classifier.6`); undefined where none of that name is one of layers
 * one after another, as inside of a residual block.
 */
export function cutBefore({ stages = {} }: Layer, path: string): Cut | undefined {
  const [name, ...rest] = path.split('.');
  const all = Object.entries(stages);
  const at = all.findIndex(([key]) => key === name);
  if (at < 0) return undefined;
  const within = rest.length ? cutBefore(all[at]![1], rest.join('.')) : undefined;
  if (rest.length && !within) return undefined;
  const part = (from: number, to?: number) => all.slice(from, to);
  const [before, after] = [within ? [[name!, within.trunk] as const] : [], [[name!, within?.head ?? all[at]![1]] as const]];
  return {
    trunk: sequential(Object.fromEntries([...part(0, at), ...before])),
    head: sequential(Object.fromEntries([...after, ...part(at + 1)])),
  };
}
