/** Layers that put rows and columns around images [n, c, h, w], or values at both ends of signals [n, c, l]. */
import { check, images, kindOf, show } from '../engine/check.ts';
import type { Graph, Layer } from '../engine/graph.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { OnnxForm } from '../engine/onnx.ts';
import { padBackward, padForward, type Pad, type PadMode } from '../shaders/move/pad.ts';
import { edgesOf, onSignals, paddedSize, rowPadding, showPadding, type Edges, type Padding } from './geometry.ts';

/** Padding of all sides, of rows and columns, or of each side. */
export type Around = Exclude<Padding, 'same'>;

/** `value` around it, as torch.nn.ConstantPad2d and ZeroPad2d. */
export const constantPad = (pad: Around, value = 0): Layer => around('constantPad', pad, 'constant', value);

/** The image mirrored at its edges, which are not repeated, as torch.nn.ReflectionPad2d. */
export const reflectionPad = (pad: Around): Layer => around('reflectionPad', pad, 'reflect');

/** The values of the edges, as torch.nn.ReplicationPad2d. */
export const replicationPad = (pad: Around): Layer => around('replicationPad', pad, 'replicate');

/** The image again, as torch.nn.functional.pad(mode='circular'). */
export const circularPad = (pad: Around): Layer => around('circularPad', pad, 'circular');

const around =
  (name: string, pad: Around, mode: PadMode, value?: number): Layer =>
  (g, x) => {
    const who = g.who(name);
    check(value === undefined || Number.isFinite(value), `${who}: the value is ${kindOf(value)}`, 'give a number');
    if (x.shape.length !== 3) return padded(g, x, who, pad, mode, value);
    const rows = typeof pad === 'number' ? rowPadding(pad) : pad;
    return onSignals(who, g, x, row => padded(g, row, who, rows, mode, value));
  };

function padded(g: Graph, x: Tensor, who: string, pad: Padding, mode: PadMode, value?: number): Tensor {
  const [n, c, h, w] = images(who, x.shape);
  const edges = edgesOf(who, pad, [h, w], { k: [1, 1], stride: [1, 1], dilation: [1, 1] });
  const { top, bottom, left, right } = edges;
  const spare = mode === 'reflect' ? 1 : 0;
  check(
    mode === 'constant' || mode === 'replicate' || (Math.max(top, bottom) <= h - spare && Math.max(left, right) <= w - spare),
    `${who}: pad ${showPadding(pad)} is more than the input has (input ${show(x.shape)})`,
    `use at most ${h - spare} rows and ${w - spare} columns`,
  );
  const [oh, ow] = paddedSize([h, w], edges);
  const p = { planes: n * c, h, w, oh, ow, top, left, mode, ...(value !== undefined && { value }) };
  const y = g.tensor([n, c, oh, ow]);
  g.run(padForward, p, { x, y });
  return g.record([x], y, dy => [g.gradientOf(x, dx => g.run(padBackward, p, { dy, dx }))], { onnx: onnxPad(p, edges) });
}

/** ONNX names its modes otherwise, and has none for the image again: parts of it are put around it. */
function onnxPad({ h, w, mode, value = 0 }: Pad, { top, bottom, left, right }: Edges): OnnxForm {
  if (mode === 'circular') {
    return (o, x) => {
      const around = (of: string, axis: number, size: number, before: number, behind: number): string => {
        const part = (from: number, to: number) => o.node('Slice', [of, o.integers([from]), o.integers([to]), o.integers([axis])]);
        return o.node('Concat', [...(before ? [part(size - before, size)] : []), of, ...(behind ? [part(0, behind)] : [])], { axis });
      };
      return around(around(x!, 2, h, top, bottom), 3, w, left, right);
    };
  }
  const names = { constant: 'constant', reflect: 'reflect', replicate: 'edge' } as const;
  const pads = [0, 0, top, left, 0, 0, bottom, right];
  return (o, x) => o.node('Pad', [x, o.integers(pads), mode === 'constant' ? o.floats(value) : undefined], { mode: names[mode] });
}
