/** Class probabilities [n, classes] on the host: from logits, and how well they do. */

/** Rows of logits [n, classes] as probabilities. */
export function softmaxRows(logits: Float32Array, classes: number): Float32Array {
  const out = new Float32Array(logits.length);
  for (let at = 0; at < logits.length; at += classes) {
    const row = logits.subarray(at, at + classes);
    const most = Math.max(...row);
    const e = Array.from(row, v => Math.exp(v - most));
    const sum = e.reduce((a, b) => a + b);
    for (const [c, v] of e.entries()) out[at + c] = v / sum;
  }
  return out;
}

/** Below this a probability counts as this much: in float32 a hopeless class is 0. */
const LEAST = 1e-30;

/** The logarithm of a probability: a logit by which softmax gives it back. */
export const logOf = (probability: number): number => Math.log(Math.max(probability, LEAST));

/** Mean cross-entropy (nats) and share of right answers of probabilities [n, classes]. */
export function score(p: Float32Array | Float64Array, labels: ArrayLike<number>, classes: number): { loss: number; accuracy: number } {
  let loss = 0;
  let right = 0;
  for (let i = 0; i < labels.length; i++) {
    const row = p.subarray(i * classes, (i + 1) * classes);
    loss -= logOf(row[labels[i]!]!);
    if (row.indexOf(Math.max(...row)) === labels[i]) right++;
  }
  return { loss: loss / labels.length, accuracy: right / labels.length };
}
