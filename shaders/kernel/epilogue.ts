import { keeping } from './nan.ts';

/**
 * Elementwise functions applied to a kernel's output before it is stored. Each is a WGSL expression over `v` (the value
 * so far), `a` (its operand, if it has one), `zero` and `one`; all of type f32 or vec4f, as the kernel stores.
 * `keep(x, y)` is y, or x where x is NaN: f must pass NaN on (see nan.ts). `expm1` and `log1p` are those of precise-wgsl.ts.
 * `chance(layer, below, i)` is true where layer number `layer` draws a random word of at least `below` for this element in this step.
 * The operands are the call's bindings `e0` and `e1`, of the output's shape. A kernel that names its output as `epilogue` has them.
 */
export interface Epilogue {
  readonly f: string;
  readonly operand?: keyof typeof OPERANDS;
  /** Whether it calls `chance`. */
  readonly draws?: boolean | undefined;
}

/** The bindings of operands. */
export const OPERANDS = { e0: 'read?', e1: 'read?' } as const;

/** Parameters of a call whose elementwise functions may draw random words: its own one, and those fused behind it. */
export interface Drawing {
  readonly draws?: boolean | undefined;
  readonly epilogue?: readonly Pick<Epilogue, 'draws'>[];
}

/** Whether any of them does. */
export const draws = ({ draws, epilogue = [] }: Drawing): boolean => Boolean(draws) || epilogue.some(e => e.draws);

/** A function of an epilogue, or a kernel's own before it. */
export type ElementFunction = Omit<Epilogue, 'operand'> & { readonly operand?: string | undefined };

/**
 * WGSL `fn keep(x, y) -> type` (see nan.ts) and `fn finish(value, i) -> type`: the functions of `steps` in order, at element (or vec4) `i`
 * of the output. Operands are bound as the output is, f32 or vec4f.
 */
export function finish(steps: readonly ElementFunction[] = [], type: 'f32' | 'vec4f'): string {
  const apply = ({ f, operand }: ElementFunction) => `  { ${operand ? `let a = ${operand}[i]; ` : ''}v = ${f}; }`;
  const begun = `${draws({ epilogue: steps }) ? CHANCE[type] : ''}${keeping(type)}
fn finish(value : ${type}, i : u32) -> ${type} {
`;
  if (!steps.length) return `${begun}  return value;\n}`;
  return `${begun}  const zero = ${type}(0.0);
  const one = ${type}(1.0);
  var v = value;
${steps.map(apply).join('\n')}
  return v;
}`;
}

/** A philox call gives four words: those of elements 4 i … 4 i + 3, so that it does not matter how many a kernel stores at once. */
const CHANCE = {
  vec4f: `
fn chance(layer : u32, below : u32, i : u32) -> vec4<bool> {
  return philox(vec4u(i, op.step, layer, 0u), vec2u(op.seed, 0u)) >= vec4u(below);
}`,
  f32: `
fn chance(layer : u32, below : u32, i : u32) -> bool {
  return philox(vec4u(i / 4u, op.step, layer, 0u), vec2u(op.seed, 0u))[i & 3u] >= below;
}`,
};
