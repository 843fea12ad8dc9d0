/** Weights that are given, as those of a model: which of them fit, and what does not. */
import { check, kindOf, onlyOptions, show, some, type Known } from '../../engine/check.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { Memory } from '../../engine/memory.ts';
import { checkTensor, type Tensors } from '../run/safetensors.ts';
import { isBesideWeights } from '../run/state-keys.ts';
import { inFiles, startOf } from './weights.ts';

/** How weights become those of a model that they are not of in every name and shape. */
export interface LoadOptions {
  /** Whether a tensor that is missing, has another shape or is not in the model is an error; so it is unless this is false. */
  readonly strict?: boolean;
  /** Tensors of the model that keep the values they have, whatever is given: a new head. */
  readonly skip?: RegExp | undefined;
  /** The model's name of a tensor that is given: `name => name.replace('module.', '')`. */
  readonly rename?: ((name: string) => string) | undefined;
}

const OPTIONS: Known<LoadOptions> = { strict: 'boolean', skip: true, rename: true };

/** What loading left out, by name: tensors of the model that were not given, given ones that it has not, and those of another shape. */
export interface Loaded {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly mismatched: readonly string[];
}

interface Matched extends Loaded {
  readonly pairs: readonly (readonly [own: Tensor, given: Tensors[string]])[];
}

/** Pairs the tensors `own` of a model with those given. Throws where they do not fit as `options` ask, and where none does; `who` gave them. */
export function matchWeights(own: readonly Tensor[], tensors: Tensors, options: LoadOptions = {}, who = 'weights'): Matched {
  onlyOptions('loading', options, OPTIONS);
  const { strict = true, skip, rename } = options;
  check(skip === undefined || skip instanceof RegExp, `skip: it is ${kindOf(skip)}`, 'give a regular expression, as /^fc\\./');
  check(rename === undefined || typeof rename === 'function', `rename: it is ${kindOf(rename)}`, 'give a function of a name');
  check(typeof tensors === 'object' && tensors !== null, `${who}: got ${kindOf(tensors)}`, 'give tensors by name, as weights() does');
  const given = new Map<string, Tensors[string]>();
  for (const [before, tensor] of Object.entries(tensors)) {
    if (isBesideWeights(before)) continue;
    const name = rename ? rename(before) : before;
    checkTensor(who, before, tensor);
    check(!given.has(name), `${who}: two tensors are called '${name}'`, 'give each a name of its own in rename');
    given.set(name, tensor);
  }
  const wanted = own.filter(t => !skip?.test(inFiles(t).name));
  const names = new Set(own.map(t => inFiles(t).name));
  const missing = wanted.filter(t => !given.has(inFiles(t).name)).map(inFiles);
  const unexpected = [...given.keys()].filter(n => !names.has(n) && !skip?.test(n) && !n.endsWith('num_batches_tracked'));
  const there = wanted.flatMap(t => {
    const found = given.get(inFiles(t).name);
    return found ? [[t, found] as const] : [];
  });
  const fits = ([t, { shape }]: (typeof there)[number]) => show(shape) === show(inFiles(t).shape);
  const pairs = there.filter(fits).map(([t, found]) => {
    const start = startOf(t);
    return [t, t.rows ? { shape: t.shape, data: found.data.subarray(start, start + t.size) } : found] as const;
  });
  const mismatched = there.filter(pair => !fits(pair)).map(([t, found]) => [inFiles(t), found] as const);
  if (strict) {
    check(
      !missing[0],
      `${who}: tensor '${missing[0]?.name}' ${show(missing[0]?.shape ?? [])} is missing`,
      `the file has ${some([...given.keys()])}`,
    );
    check(
      !unexpected.length,
      `${who}: tensor '${unexpected[0]}' is not in this model`,
      `it is a checkpoint of another one, which has ${some([...names])} here`,
    );
    check(
      !mismatched[0],
      `${who}: tensor '${mismatched[0]?.[0].name}' has shape ${show(mismatched[0]?.[1].shape ?? [])}, the model has ${show(mismatched[0]?.[0].shape ?? [])}`,
      'it is a checkpoint of another model or head',
    );
  }
  check(
    pairs.length || !wanted.length,
    `${who}: ${given.size ? `none of ${some([...given.keys()])} is` : 'there are none'} of this model`,
    `it has ${some([...names])}`,
  );
  const unique = (list: readonly { readonly name: string }[]) => [...new Set(list.map(t => t.name))];
  return { pairs, unexpected, missing: unique(missing), mismatched: unique(mismatched.map(([t]) => t)) };
}

/** Writes the tensors `own` of a model, those that fit as `options` ask; says which did not. */
export function writeWeights(memory: Memory, own: readonly Tensor[], tensors: Tensors, options?: LoadOptions): Loaded {
  const { pairs, ...loaded } = matchWeights(own, tensors, options);
  for (const [t, { data }] of pairs) memory.write(t, data);
  return loaded;
}
