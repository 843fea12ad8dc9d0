/** The loss of several views of each image. */
import { kernel } from '../kernel/define.ts';
import { items } from '../kernel/loops.ts';
import type { Consistency } from './consistency-code.ts';
import { step } from './loss.ts';

/**
 * Cross-entropy of the first view and `consistency` times the Jensen-Shannon divergence of all views: 1/K sum_k KL(p_k || m), m the mean of
 * the softmaxes p_k. d/dx_k = p_k (g_k - sum p_k g_k) / K with g_k = log(p_k / m).
 */
export const jensenShannon = kernel({
  name: 'jensen_shannon',
  bindings: { logits: 'read f32', labels: 'read u32', classWeights: 'read f32?', row: 'write f32', dlogits: 'write f32?' },
  step,
  over: (p: Consistency, d) => items(p.rows, d),
  body: async p => (await import('./consistency-code.ts')).consistencyCode(p),
});
