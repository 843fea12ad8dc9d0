import type { CallRow } from '../kernel/row.ts';
import { planeMean, planeMeanBackward, type PlaneMean } from './plane-mean.ts';
import { poolBackward, poolForward, type Pool } from './pool.ts';

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

export const calls: readonly CallRow[] = [
  ...mean('as vec4', { planes: 10, size: 16 }),
  ...mean('nothing divides', { planes: 10, size: 9 }),
  ...pool('windows that tile the image', 'max pool 2x2', n => ({
    max: true,
    planes: n * 16,
    h: 32,
    w: 32,
    oh: 16,
    ow: 16,
    k: 2,
    stride: 2,
    pad: 0,
  })),
];
