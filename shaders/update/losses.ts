/** Losses that fewer runs take than cross-entropy; their WGSL is loaded. */
import { rowLoss } from './loss.ts';

const code = () => import('./losses-code.ts');

/** Negative log likelihood, of log-probabilities: dlogits = -target / rows. */
export const logLikelihood = rowLoss('log_likelihood', async p => (await code()).logLikelihood(p));

/** Weston & Watkins: the sum over classes k of target k times the sum over j != k of max(0, margin + x_j - x_k). */
export const hinge = rowLoss('hinge', async p => (await code()).hinge(p));

export const logistic = rowLoss('logistic', async p => (await code()).logistic(p));
export const squared = rowLoss('squared_error', async p => (await code()).squared(p));
export const absolute = rowLoss('absolute_error', async p => (await code()).absolute(p));
export const huber = rowLoss('huber', async p => (await code()).huber(p));
