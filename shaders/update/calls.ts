import type { CallRow } from '../kernel/row.ts';
import { crossEntropy, ROW_METRICS, type Loss } from './loss.ts';

const CLASSES = 10;
const rows = (count: number): Loss => ({ rows: count, classes: CLASSES, smoothing: 0, soft: false, train: true });

const softmax: CallRow<Loss> = {
  why: 'rows that fill no workgroup',
  kernel: crossEntropy,
  params: rows(70),
  tensors: p => ({ logits: p.rows * p.classes, labels: p.rows, row: p.rows * ROW_METRICS, dlogits: p.rows * p.classes }),
  values: { labels: i => i % CLASSES },
  bench: n => [{ label: `softmax cross-entropy ${4 * n}x${CLASSES}`, params: rows(4 * n) }],
};

export const calls: readonly CallRow[] = [softmax];
