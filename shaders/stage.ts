import { ceilDiv, unroll, XYZW } from './kernel.ts';

export interface Operand { name: string; load: (at: string, k: string) => string; limit: number; begin: string; size: number; base: number;
  deep: boolean; quad?: boolean | undefined;
  /** vec4f between one k and the next beyond `size`, against conflicts of banks. */
  pad: number;
  /** How a vec4f is put into a place of the stage, counted in vec4f. */
  put: (place: string, value: string) => string }

/**
 * How the threads bring a stage of an operand into workgroup memory, one vec4f along m or n at a time; it rests in registers between `load`
 * and `store`. Neighbouring threads take neighbours along the direction in which they lie side by side.
 */
export function operand({ name, load, limit, begin, size, base, deep, quad, pad, put }: Operand, depth: number, threads: number) {
  const fours = size / 4, pitch = fours + pad, units = fours * depth, each = ceilDiv(units, threads);
  const unit = (i: number) => `index + ${i * threads}u`;
  const four = (i: number) => deep ? `(${unit(i)}) / ${depth}u` : `(${unit(i)}) % ${fours}u`, at = (i: number) => deep
    ? `(${unit(i)}) % ${depth}u` : `(${unit(i)}) / ${fours}u`;
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

interface Stages { a: ReturnType<typeof operand>; b: ReturnType<typeof operand>; batch: number; span: number; k: number; height: number;
  width: number; depth: number;
  /** WGSL before the first stage, and what is done with each. */
  before: string; multiply: string }

/** WGSL of a workgroup's way along its `span` of k, stage by stage: m0 and n0 are its first outputs. */
export const stages = ({ a, b, batch, span, k, height, width, depth, before, multiply }: Stages): string => `
  batch = id.z % ${batch}u; slice = id.z / ${batch}u;
  let m0 = id.y * ${height}u; let n0 = id.x * ${width}u;
  let first = id.z / ${batch}u * ${span}u; // not from the private variable, which WGSL cannot know to be uniform
  let last = min(first + ${span}u, ${k}u);
  ${before}
  var k0 = first;
  ${a.declare}
  ${b.declare}
  ${a.load}
  ${b.load}
  for (; k0 < last; ) {
    ${a.store}
    ${b.store}
    workgroupBarrier();
    k0 += ${depth}u; // the next stage is on its way while this one is multiplied
    ${a.load}
    ${b.load}
    ${multiply}
    workgroupBarrier();
  }`;
