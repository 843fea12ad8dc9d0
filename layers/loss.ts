import type { Graph, Tensor } from '../engine/graph.ts';
import { crossEntropy as kernel, ROW_METRICS, sumRows } from '../shaders/loss.ts';

export interface LossOptions { smoothing?: number }

/**
 * Mean softmax cross-entropy of logits [n, classes] against class numbers [n] (or `target` distributions [n, classes]): adds loss and
 * correct answers to `totals` [2], and returns dlogits where the graph trains. Rows from `op.valid` on do not count.
 */
export function crossEntropy(g: Graph, logits: Tensor, labels: Tensor, totals: Tensor, { smoothing = 0 }: LossOptions = {}): Tensor | undefined {
  const [rows, classes] = logits.shape as [number, number];
  const row = g.tensor([rows, ROW_METRICS]);
  const dlogits = g.training ? g.tensor(logits.shape) : undefined;
  const soft = labels.shape.length === 2;
  g.run(kernel, { rows, classes, smoothing, soft, train: g.training }, { logits, ...(soft ? { target: labels } : { labels }), row, dlogits });
  g.run(sumRows, { rows }, { row, totals });
  return dlogits;
}
