import type { Pair } from '../kernel/pair.ts';
import type { CallRow } from '../kernel/row.ts';
import { planeMean, planeMeanBackward, type PlaneMean } from './plane-mean.ts';
import { poolBackward, poolForward } from './pool.ts';
import type { Pool } from './shape.ts';

const mean = (why: string, params: PlaneMean): CallRow<PlaneMean>[] => [
  { why, kernel: planeMean, params, tensors: p => ({ x: p.planes * p.size, y: p.planes }) },
  { why, kernel: planeMeanBackward, params, tensors: p => ({ dy: p.planes, dx: p.planes * p.size }) },
];

const inputs = (p: Pool) => p.planes * p.h * p.w;
const outputs = (p: Pool) => p.planes * p.oh * p.ow;

const pool = (why: string, label: string, of: (n: number) => Pool): CallRow<Pool>[] => {
  const params = of(2);
  return [
    {
      why,
      kernel: poolForward,
      params,
      tensors: p => ({ x: inputs(p), y: outputs(p), ...(p.max && { argmax: outputs(p) }) }),
      bench: n => [{ label, params: of(n) }],
    },
    {
      why,
      kernel: poolBackward,
      params,
      tensors: p => ({ dy: outputs(p), ...(p.max && { argmax: outputs(p) }), dx: inputs(p) }),
      values: { argmax: i => (i * 5) % (params.h * params.w) },
      bench: n => [{ label: `${label} backward`, params: of(n) }],
    },
  ];
};

/** Windows k, which tile images [h, w] where nothing else is said. */
const windows = (max: boolean, [h, w]: Pair, k: Pair, more: Partial<Pool> = {}) => {
  const { stride = k, pad = [0, 0], dilation = [1, 1] } = more;
  const out = (size: number, i: 0 | 1) => Math.floor((size + 2 * pad[i] - dilation[i] * (k[i] - 1) - 1) / stride[i]) + 1;
  return (n: number): Pool => ({ max, planes: n * 16, h, w, oh: out(h, 0), ow: out(w, 1), k, stride, pad, ...more });
};

export const calls: readonly CallRow[] = [
  ...mean('as vec4', { planes: 10, size: 16 }),
  ...mean('nothing divides', { planes: 10, size: 9 }),
  ...pool('windows that tile the image', 'max pool 2x2', windows(true, [32, 32], [2, 2])),
  ...pool('windows with rows and columns behind them', 'max pool 2x2 of 31x31', windows(true, [31, 31], [2, 2])),
  ...pool('padded, overlapping', 'max pool 3x3/2', windows(true, [32, 32], [3, 3], { stride: [2, 2], pad: [1, 1] })),
  ...pool('of stride 1', 'max pool 3x3', windows(true, [16, 16], [3, 3], { stride: [1, 1], pad: [1, 1] })),
  ...pool('overlapping, odd rows', 'max pool 3x3/2 of 27x27', windows(true, [27, 27], [3, 3], { stride: [2, 2] })),
  ...pool(
    'rows and columns differ, taps apart',
    'max pool 3x2, dilated',
    windows(true, [16, 12], [3, 2], { stride: [1, 2], pad: [1, 1], dilation: [2, 3] }),
  ),
  ...pool(
    'the mean of what is inside',
    'average pool 3x3',
    windows(false, [16, 16], [3, 3], { stride: [1, 1], pad: [1, 1], counts: 'inside' }),
  ),
  ...pool(
    'windows of sizes that differ',
    'adaptive average pool to 7x7',
    windows(false, [16, 12], [1, 1], { adaptive: true, oh: 7, ow: 7 }),
  ),
];
