/** The text of a call: its kernel's code with the declarations and functions that go with it. */
import { draws, OPERANDS, type Drawing } from './epilogue.ts';
import { isWritten, needsOf, typeOf, type Kernel, type Need, type Profile, type Variant } from './kernel.ts';

const EXTENSIONS: readonly [Need, name: string][] = [
  ['f16', 'f16'],
  ['matrices', 'chromium_experimental_subgroup_matrix'],
  ['subgroups', 'subgroups'],
  ['sizes', 'subgroup_size_control'],
];

/** A call's kernel as complete WGSL. `bound` names the bindings that the call fills, in order, `halves` those of them that hold f16. */
export async function source<P>(
  k: Kernel<P>,
  v: Variant<P>,
  p: P,
  d: Profile,
  bound: readonly string[],
  halves: readonly string[] = [],
): Promise<string> {
  const needs = needsOf(v, d);
  const vec4 = (typeof v.vec4 === 'function' ? v.vec4(p) : v.vec4) ?? [];
  const isVec4 = (name: string) => vec4.includes(k.epilogue && name in OPERANDS ? k.epilogue : name);
  const elementOf = (name: string): string => {
    if (halves.includes(name)) return isVec4(name) ? 'vec4<f16>' : 'f16';
    const type = typeOf(k.bindings[name]!) ?? 'f32';
    return isVec4(name) ? `vec4${type[0]}` : type;
  };
  const declarations = bound.map((name, i) => {
    const access = isWritten(k.bindings[name]!) ? 'read_write' : 'read';
    return `@group(0) @binding(${i}) var<storage, ${access}> ${name} : array<${elementOf(name)}>;`;
  });
  const fields = opFields(k, v, p, d).map(([name, type]) => `${name} : ${type}`);
  if (fields.length) declarations.push(`struct Op { ${fields.join(', ')} }`, `@group(0) @binding(${bound.length}) var<uniform> op : Op;`);

  const code = await v.code(p, d);
  const seenAs = halves.map(name => [name, isVec4(name) ? 'vec4f' : 'f32'] as const);
  const through = halves.length ? await import('./half.ts') : undefined; // few programs hold f16
  const random = k.draws?.(p) || draws(p as Drawing) ? await import('./philox-wgsl.ts') : undefined;
  const precise = /\b(expm1|log1p|tail)\(/.test(code) ? await import('./precise-wgsl.ts') : undefined;
  const body = through?.throughHalf(code, Object.fromEntries(seenAs)) ?? code;
  return [
    ...EXTENSIONS.filter(([need]) => needs.includes(need) || (need === 'f16' && halves.length)).map(([, name]) => `enable ${name};`),
    ...declarations,
    ...(through ? [through.ROUNDED] : []),
    ...(random ? [random.philoxWgsl] : []),
    ...(precise ? [precise.preciseWgsl(k.epilogue && isVec4(k.epilogue) ? 'vec4f' : 'f32')] : []),
    body,
  ].join('\n');
}

/** The fields of a call's uniform block, 4 bytes each: its sizes, then its step values. */
function opFields<P>(k: Kernel<P>, v: Variant<P>, p: P, d: Profile): [name: string, type: 'i32' | 'f32' | 'u32'][] {
  const sizes = Object.keys(v.sizes?.(p, d) ?? {}).map((name): [string, 'i32'] => [name, 'i32']);
  return [...sizes, ...Object.entries(stepFields(k, p))];
}

/** The values of a call that change between steps: the kernel's own, and those of elementwise functions that draw random words. */
export const stepFields = <P>(k: Kernel<P>, p: P): Readonly<Record<string, 'f32' | 'u32'>> => ({
  ...k.step?.(p),
  ...(draws(p as Drawing) && { seed: 'u32', step: 'u32' }),
});
