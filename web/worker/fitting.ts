/** Which weights of a small net stay where the net changes. */
import type { Tensors } from '../../train/run/safetensors.ts';

/** The net `mlp` of so many units a hidden layer on inputs of these names, with one output. */
export interface NetShape {
  readonly features: readonly string[];
  readonly hidden: readonly number[];
}

/** What a layer is given: features by their names, units by their numbers. */
const inputsOf = ({ features, hidden }: NetShape, layer: number): readonly string[] =>
  layer === 1 ? features : Array.from({ length: hidden[layer - 2]! }, (_, unit) => String(unit));

/**
 * `fresh`, the first weights of the net `next`, with those of `before` between units that both nets have: a hidden layer is the same by its
 * number, the output by being the last. Where the number of layers changes, the output's weights stay where it is given as many units as
 * before.
 */
export function fitted(before: NetShape & { readonly weights: Tensors }, next: NetShape, fresh: Tensors): Tensors {
  const out: Record<string, { shape: readonly number[]; data: Float32Array }> = {};
  const last = next.hidden.length + 1;
  const lastBefore = before.hidden.length + 1;
  for (let layer = 1; layer <= last; layer++) {
    const from = layer === last ? lastBefore : layer < lastBefore ? layer : undefined;
    const { weight, bias } = { weight: fresh[`fc${layer}.weight`]!, bias: fresh[`fc${layer}.bias`]! };
    const own = inputsOf(next, layer);
    const theirs = from === undefined ? [] : inputsOf(before, from);
    const isSame = from !== undefined && (from === layer || (from > 1 && layer > 1 && own.length === theirs.length));
    const weights = Float32Array.from(weight.data);
    const biases = Float32Array.from(bias.data);
    if (isSame) {
      const old = before.weights[`fc${from}.weight`]!;
      const oldBias = before.weights[`fc${from}.bias`]!;
      for (let unit = 0; unit < Math.min(biases.length, oldBias.data.length); unit++) {
        biases[unit] = oldBias.data[unit]!;
        for (const [i, name] of own.entries()) {
          const place = theirs.indexOf(name);
          if (place >= 0) weights[unit * own.length + i] = old.data[unit * theirs.length + place]!;
        }
      }
    }
    out[`fc${layer}.weight`] = { shape: weight.shape, data: weights };
    out[`fc${layer}.bias`] = { shape: bias.shape, data: biases };
  }
  return out;
}
