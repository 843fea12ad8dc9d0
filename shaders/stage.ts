import { ceilDiv, unroll, XYZW } from './kernel.ts';

export interface Operand { name: string; load: (at: string, k: string) => string; limit: number; begin: string; size: number; base: number; deep: boolean; quad?: boolean | undefined;
  /** vec4f between one k and the next beyond `size`, against conflicts of banks. */
  pad: number;
  /** How a vec4f is put into a place of the stage, counted in vec4f. */
  put: (place: string, value: string) => string }

/**
 * How the threads bring a stage of an operand into workgroup memory, one vec4f along m or n at a time; it rests in registers between `load` and `store`.
 * Neighbouring threads take neighbours along the direction in which they lie side by side.
 */
export function operand({ name, load, limit, begin, size, base, deep, quad, pad, put }: Operand, depth: number, threads: number) {
  const fours = size / 4, pitch = fours + pad, units = fours * depth, each = ceilDiv(units, threads);
  const unit = (i: number) => `index + ${i * threads}u`;
  const four = (i: number) => deep ? `(${unit(i)}) / ${depth}u` : `(${unit(i)}) % ${fours}u`, at = (i: number) => deep ? `(${unit(i)}) % ${depth}u` : `(${unit(i)}) / ${fours}u`;
  return {
    pitch, end: base + pitch * depth,
    declare: unroll(each, i => `var ${name}Next${i} = vec4f(0.0);`, ' '),
    load: unroll(each, i => `{ let k = k0 + ${at(i)}; let at = ${begin} + ${four(i)} * 4u; ${name}Next${i} = vec4f(0.0); if (k < last) {
      ${quad ? `if (at < ${limit}u) { ${name}Next${i} = ${load('at', 'k')}; }` : unroll(4, j => `if (at + ${j}u < ${limit}u) { ${name}Next${i}.${XYZW[j]} = ${load(`at + ${j}u`, 'k')}; }`, ' ')} } }`),
    store: unroll(each, i => {
      const line = put(`${base}u + (${at(i)}) * ${pitch}u + ${four(i)}`, `${name}Next${i}`);
      return units % threads ? `if (${unit(i)} < ${units}u) { ${line} }` : line;
    }),
  };
}
