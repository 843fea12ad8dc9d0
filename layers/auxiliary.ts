import type { Layer } from '../engine/graph.ts';

/**
 * A head of its own on x, which goes on as it is (Lee et al. 2014; Szegedy et al. 2014): what `head` gives is trained on the labels as the
 * model's logits are, its loss times `share`. Evaluation has the parameters alone.
 */
export const auxiliary =
  (head: Layer, share: number): Layer =>
  (g, x) => {
    if (g.training) g.auxiliary.push({ logits: head(g, x), share });
    else g.declare(() => head(g, x));
    return x;
  };
