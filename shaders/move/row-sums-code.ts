/** WGSL of the sums of rows by a lane each (broadcast.ts). */
import { accumulated, type Gradient } from '../kernel/gradient.ts';
import type { Profile } from '../kernel/kernel.ts';
import { entry } from '../kernel/loops.ts';
import { keeping } from '../kernel/nan.ts';
import { widthOf } from '../kernel/wgsl.ts';

/** What is summed up: WGSL of `fn apply` on operands of a type, the operands, and whether each differs between rows, and in one. */
interface RowSums {
  readonly applied: (type: string) => string;
  readonly operands: readonly string[];
  readonly perRow: (name: string) => boolean;
  readonly perValue: (name: string) => boolean;
  readonly gradient?: Gradient | undefined;
}

/** A lane goes along a row, `vec4` four values at a time. */
export function rowSumsCode({ applied, operands, perRow, perValue, gradient }: RowSums, d: Profile, vec4: boolean): string {
  const { type, sum } = widthOf(vec4);
  const read = (name: string) => {
    if (!perValue(name)) return `${type}(${name}[${perRow(name) ? 'row' : '0'}])`;
    return `${name}[${perRow(name) ? 'row * size + i' : 'i'}]`;
  };
  return (
    applied(type) +
    keeping(type) +
    entry(
      d.lanes,
      `
  let size = u32(op.size); let first = group.x * u32(op.share);
  for (var row = first + lane; row < min(first + u32(op.share), u32(op.rows)); row += ${d.lanes}u) {
    var own = ${type}(0.0);
    for (var i = 0u; i < size; i++) { own += apply(${operands.map(read).join(', ')}); }
    let v = ${sum('own')};
    out[row] = ${accumulated(gradient, 'out[row]')};
  }`,
    )
  );
}
