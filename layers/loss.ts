/** Losses of logits [n, classes] against labels. */
import { check, show } from '../engine/check.ts';
import type { Graph } from '../engine/graph.ts';
import type { Tensor } from '../engine/tensor.ts';
import { float } from '../shaders/kernel/wgsl.ts';
import * as consistent from '../shaders/update/consistency.ts';
import * as kernels from '../shaders/update/loss.ts';

/** The WGSL of losses that fewer runs take than cross-entropy. */
const others = () => import('../shaders/update/losses.ts');

/** What losses take beside logits and labels. */
export interface LossOptions {
  /** Share of each label that is spread over all classes (Szegedy 2016). */
  smoothing?: number;
  /** How many views of each image a batch holds, and the weight of their divergence; for `jensenShannon` alone. */
  views?: number;
  consistency?: number;
  /** What the loss counts for: that of an auxiliary head less than 1, and then its correct answers do not count at all. */
  share?: number;
  /** Weights of the classes [classes], as PyTorch has them; see LabelWeights for the step values that make the mean. */
  classWeights?: Tensor | undefined;
  /** Whether some class numbers are none of the classes; their rows count for nothing, as by torch's ignore_index. */
  unlabelled?: boolean | undefined;
}

/**
 * The mean loss of logits [n, classes] against class numbers [n] or distributions [n, classes]: adds losses and correct answers to `totals`
 * [2], and returns dlogits where the graph trains. Where `totals` are [3] the labels are numbers to predict, and squared and absolute errors
 * are added in place of correct answers. Rows from the step value `valid` on do not count.
 */
export type Loss = (g: Graph, logits: Tensor, labels: Tensor, totals: Tensor, options?: LossOptions) => Tensor | undefined;

/**
 * The loss of a kernel of shaders/update/loss.ts, or of one's own that `rowLoss` makes:
 *
 *     const huber = lossOf(rowLoss('huber', p => `
 *       for (var c = 0u; c < ${p.classes}u; c++) {
 *         let d = logits[at + c] - goal(c);
 *         loss += select(abs(d) - 0.5, 0.5 * d * d, abs(d) < 1.0);
 *         ${p.train ? `dlogits[at + c] = clamp(d, -1.0, 1.0) * ${1 / p.rows};` : ''}
 *       }`));
 */
export const lossOf =
  (kernel: typeof kernels.crossEntropy): Loss =>
  (g, logits, labels, totals, { smoothing = 0, share, classWeights, unlabelled } = {}) => {
    const rows = logits.shape[0]!;
    const classes = logits.size / rows; // an image that is compared with one keeps its shape
    const soft = labels.shape.length === 2;
    check(labels.shape[0] === rows, `loss: labels are ${show(labels.shape)}, expected one for each of ${rows} rows of logits`);
    check(
      !soft || labels.shape[1] === classes,
      `loss: labels are ${show(labels.shape)}, expected class numbers or ${show([rows, classes])}`,
      'give a share for each class',
    );
    check(smoothing >= 0 && smoothing < 1, `loss: smoothing is ${smoothing}, expected 0 <= smoothing < 1`);
    const regression = totals.size === kernels.ROW_ERRORS;
    const metrics = regression ? kernels.ROW_ERRORS : kernels.ROW_METRICS;
    const row = g.tensor([rows, metrics]);
    const dlogits = g.differentiates ? g.tensor(logits.shape) : undefined;
    const answers = soft ? { shares: labels } : { labels };
    const p = { rows, classes, smoothing, soft, train: g.differentiates, regression, ...weighing(classWeights, unlabelled) };
    g.run(kernel, p, { logits, ...answers, ...(classWeights && { classWeights }), row, dlogits });
    g.run(kernels.sumRows, { rows, metrics, share }, { row, totals });
    return dlogits && ofShare(g, dlogits, share);
  };

/** What kernels must know of class weights and of rows without a label. */
const weighing = (classWeights: Tensor | undefined, unlabelled = false) =>
  classWeights || unlabelled ? { weighted: classWeights !== undefined, scaled: true } : {};

/** A gradient of a loss that counts for `share`. */
const ofShare = (g: Graph, dlogits: Tensor, share: number | undefined): Tensor =>
  share === undefined ? dlogits : g.map(`v * ${float(share)}`, dlogits);

/**
 * The loss of a model's logits, and those of its auxiliary heads by their shares, in `totals`; each output with its gradient where the
 * graph trains.
 */
export const lossesOf = (
  g: Graph,
  loss: Loss,
  logits: Tensor,
  labels: Tensor,
  totals: Tensor,
  options: LossOptions = {},
): (readonly [output: Tensor, dy: Tensor])[] =>
  [{ logits }, ...g.auxiliary].flatMap(head => {
    const dy = loss(g, head.logits, labels, totals, { ...options, ...('share' in head && { share: head.share }) });
    check(dy || !g.differentiates, 'loss: it returned no gradient', 'return that of the outputs where the graph trains');
    return dy ? [[head.logits, dy] as const] : [];
  });

/** Softmax cross-entropy, as torch.nn.CrossEntropyLoss with label smoothing and class probabilities. */
export const crossEntropy = lossOf(kernels.crossEntropy);

/** Negative log likelihood of the outputs as log-probabilities, as torch.nn.NLLLoss after logSoftmax; soft labels: its expectation. */
export const nll = lossOf(kernels.rowLoss('log_likelihood', async p => (await others()).logLikelihood(p)));

/**
 * Multiclass hinge (Weston & Watkins 1999): the sum over wrong classes of max(0, 1 + x_j - x_label); classes times
 * torch.nn.MultiMarginLoss. Soft labels: its expectation. A margin that is NaN has no gradient, as there, but shows in the loss, which
 * PyTorch's sum leaves out: a net that has diverged would have a loss of 0, and be kept as the best.
 */
export const hinge = lossOf(kernels.rowLoss('hinge', async p => (await others()).hinge(p)));

/**
 * Logistic loss: binary cross-entropy of sigmoid(x) against one-hot or soft labels, the mean over rows and classes, as
 * torch.nn.BCEWithLogitsLoss.
 */
export const logistic = lossOf(kernels.rowLoss('logistic', async p => (await others()).logistic(p)));

/** Squared error of the outputs (no softmax) against one-hot or soft labels or targets, the mean over rows and outputs, as torch.nn.MSELoss. */
export const mse = lossOf(kernels.rowLoss('squared_error', async p => (await others()).squared(p)));

/**
 * Absolute error of the outputs (no softmax) against one-hot or soft labels or targets, the mean over rows and outputs, as torch.nn.L1Loss:
 * NaN has no gradient.
 */
export const mae = lossOf(kernels.rowLoss('absolute_error', async p => (await others()).absolute(p)));

/** Half the squared error up to 1, linear beyond it; the mean over rows and outputs, as torch.nn.HuberLoss with delta 1. */
export const huber = lossOf(kernels.rowLoss('huber', async p => (await others()).huber(p)));

/**
 * AugMix (Hendrycks 2020): cross-entropy of the first view plus `consistency` (12) times the Jensen-Shannon divergence of the predictions
 * of `views` (3) augmentations. logits [views n, classes], all first views before all second ones; labels [n] (more are not read).
 * Evaluation: cross-entropy.
 */
export const jensenShannon: Loss = (g, logits, labels, totals, options = {}) => {
  const { smoothing = 0, views = 3, consistency = 12, share, classWeights, unlabelled } = options;
  if (!g.training) return crossEntropy(g, logits, labels, totals, { smoothing });
  const [all, classes] = logits.shape as [number, number];
  const rows = all / views;
  check(
    Number.isInteger(rows) && views >= 2,
    `jensenShannon: ${all} rows of logits are not ${views} views of each image`,
    `give a batch of a multiple of ${views}`,
  );
  check(
    labels.shape.length === 1 && labels.shape[0]! >= rows,
    `jensenShannon: labels are ${show(labels.shape)}, expected ${rows} class numbers`,
    'leave out mixup and cutmix',
  );
  const row = g.tensor([rows, kernels.ROW_METRICS]);
  const dlogits = g.tensor(logits.shape);
  const p = { rows, classes, views, smoothing, consistency, train: true, ...weighing(classWeights, unlabelled) };
  g.run(consistent.jensenShannon, p, { logits, labels, ...(classWeights && { classWeights }), row, dlogits });
  g.run(kernels.sumRows, { rows, share }, { row, totals });
  return ofShare(g, dlogits, share);
};

/** The losses by the names of the command line. */
export const losses: Readonly<Record<string, Loss>> = {
  'cross-entropy': crossEntropy,
  nll,
  hinge,
  logistic,
  mse,
  mae,
  huber,
  'jensen-shannon': jensenShannon,
};

/**
 * The losses whose classes may have weights, and what the mean of a batch is over: the weights of its labels, as torch.nn.CrossEntropyLoss
 * and NLLLoss, or its rows, as MultiMarginLoss and BCEWithLogitsLoss.
 */
export const weightedMeans: Readonly<Record<string, 'weights' | 'rows'>> = {
  'cross-entropy': 'weights',
  nll: 'weights',
  'jensen-shannon': 'weights',
  hinge: 'rows',
  logistic: 'rows',
};

/** Those that compare outputs with numbers, whatever these are: what a regression can be trained with. The first is the usual one. */
export const NUMERIC: readonly string[] = ['mse', 'mae', 'huber'];
