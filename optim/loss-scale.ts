/** Dynamic loss scaling in an update; the kernels and how the scale moves are in shaders/update/loss-scale.ts. */
import type { Graph } from '../engine/graph.ts';
import type { Tensor } from '../engine/tensor.ts';
import { adjustScale, FACTOR, FIRST_SCALE, SKIPPED, NOT_FINITE } from '../shaders/update/loss-scale.ts';
import type { Piece } from './pieces.ts';

/** The state of dynamic loss scaling. */
export const lossScale = (g: Graph): Tensor => g.persistent('state', LOSS_SCALE, [4], () => Float32Array.of(FIRST_SCALE, 0, 0, 0));
export const LOSS_SCALE = 'loss scale';

/**
 * Takes the scale out of the gradient. Where that overflowed the update is skipped: `w` and the rule's `state` stay as they were, and the
 * update does not count.
 */
export function unscale(state: readonly string[]): Piece {
  const moving = ['w', ...state];
  return {
    gradient: `
    skip = scaling[${FACTOR}] == 0.0;
    let before = array<vec4f, ${moving.length}>(${moving.join(', ')});
    g = select(g * scaling[${FACTOR}], vec4f(0.0), skip);
    t -= scaling[${SKIPPED}];`,
    after: `if (skip) { ${moving.map((x, j) => `${x} = before[${j}];`).join(' ')} }`,
    reduces(g, reduce) {
      const scaling = lossScale(g);
      const { partial, pages } = reduce('overflow partial', NOT_FINITE);
      g.run(adjustScale, { pages }, { partial, scaling });
      return { scaling };
    },
  };
}
