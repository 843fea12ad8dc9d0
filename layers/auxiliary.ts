import { check, kindOf } from '../engine/check.ts';
import type { Layer } from '../engine/graph.ts';
import { applied } from './applied.ts';

/**
 * A head of its own on x, which goes on as it is (Lee et al. 2014; Szegedy et al. 2014): what `head` gives is trained on the labels as the
 * model's logits are, its loss times `share`. Evaluation has the parameters alone.
 */
export const auxiliary =
  (head: Layer, share: number): Layer =>
  (g, x) => {
    check(Number.isFinite(share), `${g.who('auxiliary')}: the share is ${kindOf(share)}`, 'give how much its loss counts, as 0.3');
    const logits = () => applied('auxiliary', 'head', head, g, x);
    if (g.training) g.auxiliary.push({ logits: logits(), share });
    else g.declare(logits);
    return x;
  };
