/**
 * Losses: value and gradient in one pass over the logits. One thread per row: that wins on software adapters by far, and the rows of a
 * batch are too few to matter on a GPU.
 */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { kernel } from '../kernel/define.ts';
import { inRuns } from '../kernel/in-runs.ts';
import { items } from '../kernel/loops.ts';
import { keeping, logarithms } from '../kernel/nan.ts';
import { float } from '../kernel/wgsl.ts';

/** Rows of `classes` logits, labels as class numbers (u32) or, with `soft`, as distributions (f32) or any numbers. */
export interface Loss {
  rows: number;
  classes: number;
  smoothing: number;
  soft: boolean;
  train: boolean;
  /** Whether classes have weights, `classWeights` [classes]. */
  weighted?: boolean;
  /**
   * Whether rows count by the step values `lossScale` and `countScale` (see LabelWeights), and not at all where their class number is none
   * of the classes.
   */
  scaled?: boolean;
  /** The labels are numbers to predict: the metrics of a row are errors. */
  regression?: boolean;
}

/** How many f32 the metrics of one row take: its loss, and whether its largest logit is the label's. */
export const ROW_METRICS = 2;
/** Of a regression: its loss, and the means over its outputs of the squared and of the absolute errors. */
export const ROW_ERRORS = 3;

/** WGSL: functions that keep NaN, since a loss must show one in any logit. */
export const functions = keeping('f32') + logarithms('f32');

/** WGSL that stores [loss, correct] of row `i`. The last batch of an evaluation may be padded. */
export const store = ({ scaled }: Pick<Loss, 'scaled'>) => wgsl`
  let counts = i < op.valid;
  row[i * ${ROW_METRICS}u] = select(0.0, loss, counts);
  row[i * ${ROW_METRICS}u + 1u] = select(0.0, ${scaled ? 'op.countScale' : '1.0'}, counts${scaled ? ' & known' : ''} & (best == truth));`;

/** WGSL: whether the class number of row `i` is one of the classes, and that number. */
export const known = ({ classes }: Pick<Loss, 'classes'>) => `let known = labels[i] < ${classes}u;`;
export const label = ({ scaled }: Pick<Loss, 'scaled'>) => (scaled ? 'select(0u, labels[i], known)' : 'labels[i]');

/** WGSL: the share of class `c`, times its weight. */
export const weighed = ({ weighted }: Pick<Loss, 'weighted'>, c: string, share = `goal(${c})`) =>
  weighted ? `${share} * classWeights[${c}]` : share;

/** The step values of a loss. */
export const step = ({ scaled }: Pick<Loss, 'scaled'>): Record<string, 'u32' | 'f32'> => ({
  valid: 'u32',
  ...(scaled && { lossScale: 'f32', countScale: 'f32' }),
});

/** WGSL: the number of classes, which is read at run time: drivers would unroll loops over it, and compile three times as long. */
export const CLASSES = 'u32(op.classes)';

/** WGSL that looks at logit `v` of class `c` for `largest` and `best`. */
export const look = 'if (v > largest) { largest = v; best = c; }';

/**
 * A loss of each row by itself. `body` is WGSL that sees the row's place `at`, `goal(c)`, the label's (smoothed) share of class c, `truth`
 * and `largest`; it adds to `loss` and, where `p.train`, stores `dlogits[at + c]`.
 */
export const rowLoss = (name: string, body: (p: Loss) => string | Promise<string>) =>
  kernel({
    name,
    bindings: {
      logits: 'read f32',
      labels: 'read u32?',
      shares: 'read f32?',
      classWeights: 'read f32?',
      row: 'write f32',
      dlogits: 'write f32?',
    },
    step,
    sizes: (p: Loss) => ({ classes: p.classes }),
    over: (p: Loss, d) => items(p.rows, d),
    body: async p => ({
      declared: `${functions}
var<private> truth : u32;
var<private> at : u32;
fn goal(c : u32) -> f32 {
  return ${p.soft ? 'shares[at + c]' : 'select(0.0, 1.0, c == truth)'} * ${float(1 - p.smoothing)} + ${float(p.smoothing / p.classes)};
}`,
      each: wgsl`
  at = i * ${p.classes}u;
  var largest : f32 = -3.4028234e38; var best = 0u;
  var loss = 0.0;
  for (var c = 0u; c < ${CLASSES}; c++) {
    let v = logits[at + c];
    ${look}
  }
  #if ${Boolean(p.regression)}
  #elif ${p.soft}
  var most : f32 = -1.0;
  for (var c = 0u; c < ${CLASSES}; c++) {
    if (shares[at + c] > most) { most = shares[at + c]; truth = c; }
  }
  ${p.scaled ? 'let known = true;' : ''}
  #else
  ${p.scaled ? known(p) : ''}
  truth = ${label(p)};
  #endif
  ${await body(p)}
  #if ${Boolean(p.scaled)}
  loss = select(0.0, loss * op.lossScale, known);
  #if ${p.train}
  for (var c = 0u; c < ${CLASSES}; c++) { dlogits[at + c] = select(0.0, dlogits[at + c] * op.lossScale, known); }
  #endif
  #endif
  ${p.regression ? (await import('./row-errors.ts')).storeErrors(p, CLASSES, ROW_ERRORS) : store(p)}`,
    }),
  });

/**
 * Softmax cross-entropy: dlogits = (softmax - target) / rows. Label smoothing as torch.nn.CrossEntropyLoss. The largest logit's own 1 is no
 * part of the sum, beside which a small loss, and the slope of what is almost sure, would lose their digits.
 */
export const crossEntropy = rowLoss(
  'cross_entropy',
  p => wgsl`
  var rest = 0.0;
  for (var c = 0u; c < ${CLASSES}; c++) {
    let v = logits[at + c] - largest;
    rest += select(exp_of(v), v, c == best); // of the largest 0, or what is not finite
  }
  let s = rest / (2.0 + rest);
  let norm = select(log_of(1.0 + rest), 2.0 * s * (1.0 + s * s * (1.0 / 3.0 + s * s * 0.2)), rest < 0.25); // 2 artanh(s)
  var mass = ${p.weighted ? '0.0' : '1.0'};
  #if ${Boolean(p.weighted)}
  for (var c = 0u; c < ${CLASSES}; c++) { mass += ${weighed(p, 'c')}; }
  #endif
  for (var c = 0u; c < ${CLASSES}; c++) {
    let t = ${weighed(p, 'c')}; let v = logits[at + c] - largest;
    loss += select(0.0, t * (norm - v), t != 0.0); // a class of no share may have a logit of -inf
    #if ${p.train}
    dlogits[at + c] = select(exp_of(v - norm) * mass - t, (mass - t - t * rest) / (1.0 + rest), c == best) * ${1 / p.rows};
    #endif
  }`,
);

/**
 * totals [metrics] += the sums of row metrics [rows, metrics]: a running loss and a count, or running errors, in a fixed order. One thread
 * for each: rows are few. With `share` so much of the loss, and nothing of the others.
 */
export const sumRows = kernel({
  name: 'sum_rows',
  bindings: { row: 'read', totals: 'write' },
  grid: () => [1, 1, 1],
  code: ({ metrics = ROW_METRICS, ...p }: { rows: number; metrics?: number | undefined; share?: number | undefined }) => wgsl`
@compute @workgroup_size(${metrics})
fn main(@builtin(local_invocation_index) metric : u32) {
  var sum = 0.0;
  ${inRuns('i', p.rows, ['sum'], `sum += row[i * ${metrics}u + metric];`)}
  totals[metric] += sum${p.share === undefined ? '' : ` * select(0.0, ${float(p.share)}, metric == 0u)`};
}`,
});
