/** What a loop by hand gives as the targets of a batch. */
import { check, kindOf, show } from '../../engine/check.ts';
import type { Shape } from '../../shaders/kernel/shape.ts';

/** Class numbers [batch], or float32 values [batch, …]: shares of the classes, numbers to predict, or what a loss of one's own takes. */
export type Targets = Uint32Array | Uint16Array | Uint8Array | Float32Array;

/** What is written to the device for the targets of a batch; `outputs` is the shape of the net's output for one input. */
export function targetsFor(y: Targets, batch: number, outputs: Shape): Float32Array | Uint32Array {
  const isList = ArrayBuffer.isView(y);
  check(
    isList && y.length > 0 && y.length % batch === 0,
    `backward: got ${lengthOf(y)}`,
    `give class numbers, or a Float32Array of [${batch}, …]`,
  );
  if (y instanceof Float32Array) return y.slice();
  check(y.length === batch, `backward: got ${y.length} class numbers`, `give one for each of ${batch} inputs`);
  const [classes = 1] = outputs;
  check(
    outputs.length === 1,
    `backward: got class numbers, and the net gives ${show(outputs)} for an input`,
    'end it with flatten() or dense(classes)',
    'give a Float32Array',
  );
  // Arrays of signed numbers, fractions and bigints come from programs without types.
  const wrong = y.findIndex(label => !(Number.isInteger(label) && label >= 0 && label < classes));
  check(
    wrong < 0,
    `backward: the class of input ${wrong} is ${kindOf(y[wrong])}, and there are ${classes} outputs`,
    `give 0 to ${classes - 1}`,
  );
  return Uint32Array.from(y);
}

/** Values that were given, or what else it was, for messages. */
export const lengthOf = (values: unknown): string =>
  ArrayBuffer.isView(values) ? `${(values as Float32Array).length} values ${kindOf(values)}` : kindOf(values);
