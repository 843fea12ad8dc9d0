/** How much of an image each value of a net depends on, found from the windows of its convolutions and poolings. */
import type { Graph } from '../../engine/graph.ts';
import type { Op } from '../../engine/op.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { conv, convBackwardInput } from '../../shaders/conv/conv.ts';
import type { Conv } from '../../shaders/conv/shape.ts';
import type { Pair } from '../../shaders/kernel/pair.ts';
import { isWritten } from '../../shaders/kernel/kernel.ts';
import { matmul } from '../../shaders/product/matmul.ts';
import { subsample, type Subsample } from '../../shaders/move/copy.ts';
import { fractionalForward } from '../../shaders/pool/fractional.ts';
import type { FractionalPool } from '../../shaders/pool/fractional-cuts.ts';
import { planeMean } from '../../shaders/pool/plane-mean.ts';
import { poolForward } from '../../shaders/pool/pool.ts';
import type { Pool } from '../../shaders/pool/shape.ts';

/** The rows and columns of the image that one value depends on, beyond its border too, and how far the next value's begin; `all` of it. */
export type Field = { readonly size: Pair; readonly jump: Pair } | 'all';

const pair = (of: (axis: 0 | 1) => number): Pair => [of(0), of(1)];

/** A window of `k` values, `dilation` apart, moved by `stride`. */
const windowed = ({ size, jump }: Exclude<Field, 'all'>, k: Pair, stride: Pair, dilation: Pair = [1, 1]): Field => ({
  size: pair(a => size[a] + dilation[a] * (k[a] - 1) * jump[a]),
  jump: pair(a => jump[a] * stride[a]),
});

/** What a call makes of the field of its inputs. Statistics that a normalisation takes over the image are not counted, as is usual. */
function after({ kernel, params }: Op, field: Field): Field {
  if (field === 'all' || kernel === matmul || kernel === planeMean) return 'all';
  if (kernel === conv) {
    const { k, stride, dilation } = params as Conv;
    return windowed(field, k, stride, dilation);
  }
  if (kernel === convBackwardInput) {
    const { k, stride, dilation } = params as Conv; // transposed: a value depends on each stride-th tap
    const taps = pair(a => 1 + Math.floor((dilation[a] * (k[a] - 1)) / stride[a]));
    return windowed(
      field,
      taps,
      pair(a => 1 / stride[a]),
    );
  }
  if (kernel === poolForward) {
    const { k, stride, dilation, adaptive } = params as Pool;
    return adaptive ? 'all' : windowed(field, k, stride, dilation);
  }
  if (kernel === fractionalForward) {
    const { h, w, oh, ow } = params as FractionalPool; // windows of one value and of two
    return windowed(field, [2, 2], [h / oh, w / ow]);
  }
  if (kernel === subsample) {
    const { stride } = params as Subsample;
    return windowed(field, [1, 1], [stride, stride]);
  }
  return field;
}

function joined(a: Field | undefined, b: Field): Field {
  if (a === undefined) return b;
  if (a === 'all' || b === 'all') return 'all';
  return { size: pair(i => Math.max(a.size[i], b.size[i])), jump: pair(i => Math.max(a.jump[i], b.jump[i])) };
}

const whole = (t: Tensor): Tensor => (t.base ? whole(t.base) : t);

/** The fields of the outputs of all layers of a graph of `image`, by the layers' names. */
export function receptiveFields(g: Graph, image: Tensor): ReadonlyMap<string, Field> {
  const fields = new Map<Tensor, Field>([[image, { size: [1, 1], jump: [1, 1] }]]);
  for (const op of g.ops) {
    const entries = Object.entries(op.tensors).map(([binding, t]) => ({ t: whole(t), written: isWritten(op.kernel.bindings[binding]!) }));
    const seen = entries.flatMap(({ t, written }) => (written ? [] : (fields.get(t) ?? [])));
    const [first, ...rest] = seen;
    if (first === undefined) continue;
    const field = after(op, rest.reduce(joined, first));
    for (const { t, written } of entries) if (written) fields.set(t, joined(fields.get(t), field));
  }
  return new Map(
    g.layers.flatMap(({ path, output }) => {
      const field = fields.get(whole(output));
      return field ? [[path, field] as const] : [];
    }),
  );
}
