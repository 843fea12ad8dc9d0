import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { ceilDiv, float, kernel } from './kernel.ts';

/** Rows of `classes` logits, labels as class numbers (u32) or, with `soft`, as distributions (f32). */
export interface CrossEntropy { rows: number; classes: number; smoothing: number; soft: boolean; train: boolean }

/** How many f32 the metrics of one row take: its loss, and whether its largest logit is the label's. */
export const ROW_METRICS = 2;

/**
 * Softmax cross-entropy and its gradient in one pass over the logits [rows, classes]: dlogits = (softmax - target) / rows, and per row
 * [loss, correct]. Label smoothing as torch.nn.CrossEntropyLoss. One thread per row: that wins on software adapters by far,
 * and the rows of a batch are too few to matter on a GPU.
 */
export const crossEntropy = kernel({
  name: 'cross_entropy',
  bindings: { logits: 'read', labels: 'read u32?', target: 'read?', row: 'write', dlogits: 'write?' },
  step: () => ({ valid: 'u32' }),
  grid: (p: CrossEntropy, d) => [ceilDiv(p.rows, d.lanes || 64), 1, 1],
  code: (p, d) => wgsl`
@compute @workgroup_size(${d.lanes || 64})
fn main(@builtin(global_invocation_id) id : vec3u) {
  let i = id.x; let at = i * ${p.classes}u;
  if (i >= ${p.rows}u) { return; }
  var largest : f32 = -3.4028234e38; var best = 0u; var sum = 0.0; var finite = true;
  for (var c = 0u; c < ${p.classes}u; c++) {
    let v = logits[at + c];
    finite = finite & ((bitcast<u32>(v) & 0x7f800000u) != 0x7f800000u);
    if (v > largest) { largest = v; best = c; }
  }
  for (var c = 0u; c < ${p.classes}u; c++) { sum += exp(logits[at + c] - largest); }
  let norm = log(sum) + largest;
  var loss = 0.0; var most : f32 = -1.0; var truth = 0u;
  #if ${!p.soft}
  truth = labels[i];
  #endif
  for (var c = 0u; c < ${p.classes}u; c++) {
    #if ${p.soft}
    var t = target[at + c];
    if (t > most) { most = t; truth = c; }
    #else
    var t = select(0.0, 1.0, c == truth);
    #endif
    t = t * ${float(1 - p.smoothing)} + ${float(p.smoothing / p.classes)};
    loss += t * (norm - logits[at + c]);
    #if ${p.train}
    dlogits[at + c] = (exp(logits[at + c] - norm) - t) * ${1 / p.rows};
    #endif
  }
  let counts = i < op.valid; // the last batch of an evaluation may be padded
  row[i * ${ROW_METRICS}u] = select(0.0, select(bitcast<f32>(op.valid | 0x7fc00000u), loss, finite), counts);
  row[i * ${ROW_METRICS}u + 1u] = select(0.0, 1.0, counts & (best == truth));
}`,
});

/** totals [2] += the sums of row metrics [rows, 2]: a running loss and a count, in a fixed order. One thread: rows are few. */
export const sumRows = kernel({
  name: 'sum_rows',
  bindings: { row: 'read', totals: 'write' },
  grid: () => [1, 1, 1],
  code: (p: { rows: number }) => wgsl`
@compute @workgroup_size(${ROW_METRICS})
fn main(@builtin(local_invocation_index) metric : u32) {
  var sum = 0.0;
  for (var i = 0u; i < ${p.rows}u; i++) { sum += row[i * ${ROW_METRICS}u + metric]; }
  totals[metric] += sum;
}`,
});
