/**
 * Losses: value and gradient in one pass over the logits. One thread per row: that wins on software adapters by far, and the rows of a
 * batch are too few to matter on a GPU.
 */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { kernel } from '../kernel/define.ts';
import { items } from '../kernel/loops.ts';
import { keeping, logarithms } from '../kernel/nan.ts';
import { float, unroll } from '../kernel/wgsl.ts';

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
const functions = keeping('f32') + logarithms('f32');

/** WGSL that stores [loss, correct] of row `i`. The last batch of an evaluation may be padded. */
const store = ({ scaled }: Pick<Loss, 'scaled'>) => wgsl`
  let counts = i < op.valid;
  row[i * ${ROW_METRICS}u] = select(0.0, loss, counts);
  row[i * ${ROW_METRICS}u + 1u] = select(0.0, ${scaled ? 'op.countScale' : '1.0'}, counts${scaled ? ' & known' : ''} & (best == truth));`;

/** WGSL: whether the class number of row `i` is one of the classes, and that number. */
const known = ({ classes }: Pick<Loss, 'classes'>) => `let known = labels[i] < ${classes}u;`;
const label = ({ scaled }: Pick<Loss, 'scaled'>) => (scaled ? 'select(0u, labels[i], known)' : 'labels[i]');

/** WGSL: the share of class `c`, times its weight. */
const weighed = ({ weighted }: Pick<Loss, 'weighted'>, c: string, share = `goal(${c})`) =>
  weighted ? `${share} * classWeights[${c}]` : share;

const step = ({ scaled }: Pick<Loss, 'scaled'>): Record<string, 'u32' | 'f32'> => ({
  valid: 'u32',
  ...(scaled && { lossScale: 'f32', countScale: 'f32' }),
});

/** As `store`, [loss, squared error, absolute error]. */
const storeErrors = ({ classes }: Loss) => wgsl`
  var squares = 0.0; var sizes = 0.0;
  for (var c = 0u; c < ${classes}u; c++) {
    let d = logits[at + c] - shares[at + c];
    squares += d * d;
    sizes += abs(d);
  }
  let counts = i < op.valid;
  row[i * ${ROW_ERRORS}u] = select(0.0, loss, counts);
  row[i * ${ROW_ERRORS}u + 1u] = select(0.0, squares * ${1 / classes}, counts);
  row[i * ${ROW_ERRORS}u + 2u] = select(0.0, sizes * ${1 / classes}, counts);`;

/** WGSL that looks at logit `v` of class `c` for `largest` and `best`. */
const look = 'if (v > largest) { largest = v; best = c; }';

/**
 * A loss of each row by itself. `body` is WGSL that sees the row's place `at`, `goal(c)`, the label's (smoothed) share of class c, `truth`
 * and `largest`; it adds to `loss` and, where `p.train`, stores `dlogits[at + c]`.
 */
export const rowLoss = (name: string, body: (p: Loss) => string) =>
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
    over: (p: Loss, d) => items(p.rows, d),
    body: p => ({
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
  for (var c = 0u; c < ${p.classes}u; c++) {
    let v = logits[at + c];
    ${look}
  }
  #if ${Boolean(p.regression)}
  #elif ${p.soft}
  var most : f32 = -1.0;
  for (var c = 0u; c < ${p.classes}u; c++) {
    if (shares[at + c] > most) { most = shares[at + c]; truth = c; }
  }
  ${p.scaled ? 'let known = true;' : ''}
  #else
  ${p.scaled ? known(p) : ''}
  truth = ${label(p)};
  #endif
  ${body(p)}
  #if ${Boolean(p.scaled)}
  loss = select(0.0, loss * op.lossScale, known);
  #if ${p.train}
  for (var c = 0u; c < ${p.classes}u; c++) { dlogits[at + c] = select(0.0, dlogits[at + c] * op.lossScale, known); }
  #endif
  #endif
  ${p.regression ? storeErrors(p) : store(p)}`,
    }),
  });

/** Softmax cross-entropy: dlogits = (softmax - target) / rows. Label smoothing as torch.nn.CrossEntropyLoss. */
export const crossEntropy = rowLoss(
  'cross_entropy',
  p => wgsl`
  var sum = 0.0;
  for (var c = 0u; c < ${p.classes}u; c++) { sum += exp_of(logits[at + c] - largest); }
  let norm = log_of(sum) + largest;
  #if ${Boolean(p.weighted)}
  var mass = 0.0;
  for (var c = 0u; c < ${p.classes}u; c++) { mass += ${weighed(p, 'c')}; }
  #endif
  for (var c = 0u; c < ${p.classes}u; c++) {
    let t = ${weighed(p, 'c')}; let v = logits[at + c];
    loss += select(0.0, t * (norm - v), t != 0.0); // a class of no share may have a logit of -inf
    #if ${p.train}
    dlogits[at + c] = (exp_of(v - norm)${p.weighted ? ' * mass' : ''} - t) * ${1 / p.rows};
    #endif
  }`,
);

/** Negative log likelihood, of log-probabilities: dlogits = -target / rows. */
export const logLikelihood = rowLoss(
  'log_likelihood',
  p => wgsl`
  for (var c = 0u; c < ${p.classes}u; c++) {
    let t = ${weighed(p, 'c')};
    loss -= select(0.0, t * logits[at + c], t != 0.0);
    #if ${p.train}
    dlogits[at + c] = -t * ${1 / p.rows};
    #endif
  }`,
);

/** Weston & Watkins: the sum over classes k of target k times the sum over j != k of max(0, margin + x_j - x_k). */
export const hinge = rowLoss(
  'hinge',
  p => wgsl`
  #if ${p.train}
  for (var c = 0u; c < ${p.classes}u; c++) { dlogits[at + c] = 0.0; }
  #endif
  #if ${p.soft || p.smoothing > 0}
  for (var k = 0u; k < ${p.classes}u; k++) {
  #else
  { let k = truth;
  #endif
    let t = ${weighed(p, 'k')}; let own = logits[at + k];
    var over = 0.0;
    for (var c = 0u; c < ${p.classes}u; c++) {
      let margin = 1.0 + logits[at + c] - own;
      if (!(margin <= 0.0) & (c != k)) { // NaN comes in, and shows in the loss alone
        let slope = select(0.0, 1.0, margin > 0.0);
        loss += t * margin;
        over += slope;
        #if ${p.train}
        dlogits[at + c] += t * slope * ${1 / p.rows};
        #endif
      }
    }
    #if ${p.train}
    dlogits[at + k] -= t * over * ${1 / p.rows};
    #endif
  }`,
);

/** The mean over classes of f(x, t); `df` is its derivative. */
const elementwise = (name: string, f: string, df: string) =>
  rowLoss(
    name,
    p => wgsl`
  for (var c = 0u; c < ${p.classes}u; c++) {
    let t = goal(c); let v = logits[at + c];
    loss += ${weighed(p, 'c', `(${f})`)} * ${1 / p.classes};
    #if ${p.train}
    dlogits[at + c] = ${weighed(p, 'c', `(${df})`)} * ${1 / p.classes / p.rows};
    #endif
  }`,
  );

/** Binary cross-entropy of sigmoid(x), each class by itself. */
export const logistic = elementwise(
  'logistic',
  'keep(v, max(v, 0.0) + log(1.0 + exp(-abs(v))) - select(0.0, t * v, t != 0.0))',
  'keep(v, 1.0 / (1.0 + exp(-v)) - t)',
);
export const squared = elementwise('squared_error', '(v - t) * (v - t)', '2.0 * (v - t)');
/** The sign of NaN is 0, as PyTorch has it. */
export const absolute = elementwise('absolute_error', 'abs(v - t)', 'select(select(0.0, -1.0, v < t), 1.0, v > t)');

/** Half the square up to an error of 1, linear beyond it, as torch.nn.HuberLoss with delta 1. */
export const huber = elementwise(
  'huber',
  'keep(v, select(abs(v - t) - 0.5, 0.5 * (v - t) * (v - t), abs(v - t) < 1.0))',
  'keep(v, clamp(v - t, -1.0, 1.0))',
);

/** `views` predictions of each of `rows` images: logits [views, rows, classes]. */
export interface Consistency {
  rows: number;
  classes: number;
  views: number;
  smoothing: number;
  consistency: number;
  train: boolean;
  /** As in Loss, of the cross-entropy alone. */
  weighted?: boolean;
  scaled?: boolean;
}

/**
 * Cross-entropy of the first view and `consistency` times the Jensen-Shannon divergence of all views: 1/K sum_k KL(p_k || m), m the mean of
 * the softmaxes p_k. d/dx_k = p_k (g_k - sum p_k g_k) / K with g_k = log(p_k / m).
 */
export const jensenShannon = kernel({
  name: 'jensen_shannon',
  bindings: { logits: 'read f32', labels: 'read u32', classWeights: 'read f32?', row: 'write f32', dlogits: 'write f32?' },
  step,
  over: (p: Consistency, d) => items(p.rows, d),
  body: p => {
    const weight = p.consistency / p.views;
    const views = (line: (k: number) => string) => unroll(p.views, line);
    const sumOf = (name: string) => unroll(p.views, k => `${name}${k}`, ' + ');
    /** WGSL: log softmax `x`, softmax `p` of class `c` in each view, and `m`, the logarithm of its mean. */
    const predictions = `
    ${views(k => `let x${k} = logits[at${k} + c] - norm${k}; let p${k} = exp_of(x${k});`)}
    let mean = (${sumOf('p')}) * ${1 / p.views}; let m = log_of(select(mean, 1e-30, mean <= 1e-30));`;
    const norm = (k: number) => `
  let at${k} = (${k * p.rows}u + i) * ${p.classes}u;
  var norm${k} = 0.0;
  largest = -3.4028234e38;
  for (var c = 0u; c < ${p.classes}u; c++) { let v = logits[at${k} + c]; ${look} }
  for (var c = 0u; c < ${p.classes}u; c++) { norm${k} += exp_of(logits[at${k} + c] - largest); }
  norm${k} = log_of(norm${k}) + largest;
  var sum${k} = 0.0;`;
    const gradient = (k: number) => {
      const divergence = `select(p${k} * (x${k} - m - sum${k}), 0.0, p${k} == 0.0) * ${float(weight / p.rows)}`;
      return `dlogits[at${k} + c] = ${divergence}${k ? '' : ` + (p0${p.scaled ? ' * mass' : ''} - t) * ${float(1 / p.rows)}`};`;
    };
    const one = `select(0.0, 1.0, c == truth) * ${float(1 - p.smoothing)} + ${float(p.smoothing / p.classes)}`;
    const share = p.scaled ? `${weighed(p, 'c', `(${one})`)} * scale` : one;
    const each = wgsl`
  var largest : f32; var best = 0u;
  var loss = 0.0;
  #if ${Boolean(p.scaled)}
  ${known(p)}
  let scale = select(0.0, op.lossScale, known);
  var mass = 0.0;
  #endif
  let truth = ${label(p)};
  ${views(n => norm(p.views - 1 - n)) /* the first view last: `best` stays its own */}
  for (var c = 0u; c < ${p.classes}u; c++) {
    ${predictions}
    ${views(k => `sum${k} += select(p${k} * (x${k} - m), 0.0, p${k} == 0.0);`)}
    ${p.scaled ? `mass += ${share};` : ''}
  }
  loss = (${sumOf('sum')}) * ${float(weight)};
  for (var c = 0u; c < ${p.classes}u; c++) {
    ${predictions}
    let t = ${share};
    loss -= select(0.0, t * x0, t != 0.0);
    #if ${p.train}
    ${views(gradient)}
    #endif
  }
  ${store(p)}`;
    return { declared: functions, each };
  },
});

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
  for (var i = 0u; i < ${p.rows}u; i++) { sum += row[i * ${metrics}u + metric]; }
  totals[metric] += sum${p.share === undefined ? '' : ` * select(0.0, ${float(p.share)}, metric == 0u)`};
}`,
});
