/** What `imagenet` and `meanstd:mean=0.5,std=0.25` mean: how images are normalised, and by which numbers where these are given. */
import { check, lookUp, say, type Message } from '../../engine/check.ts';
import { neededList, valuesOf, type Parameter } from '../../engine/parameter.ts';
import { POSITIVE } from '../../engine/range.ts';
import { isKnown, KNOWN_MOMENTS, NORMALIZATIONS, type Moments, type Normalize } from '../data/statistics.ts';
import { parseChoice, parseSpec } from '../../engine/spec.ts';

/** A normalisation; without moments it goes by those of the training images. */
export interface Normalising {
  readonly normalize: Normalize;
  /** Of each channel, or one for all of them. */
  readonly moments?: Moments;
}

const mean = neededList([0.485, 0.456, 0.406], '/', 'of each channel, or one for all', {});
const std = neededList([0.229, 0.224, 0.225], '/', 'of each channel, or one for all', POSITIVE);

/** What the kinds take that can be given numbers. */
const GIVEN: Readonly<Record<string, Readonly<Record<string, Parameter<readonly number[]>>>>> = { mean: { mean }, meanstd: { mean, std } };

/** The normalisation that a file of weights says, as text; undefined where it says none that can be written so. */
export function normalizeText({
  normalize,
  moments,
}: {
  readonly normalize?: string | undefined;
  readonly moments?: Moments | undefined;
}): string | undefined {
  if (normalize === 'none') return normalize;
  if (!moments || !Object.hasOwn(GIVEN, normalize ?? '')) return undefined;
  const of = (numbers: readonly number[]) => numbers.join('/');
  return `${normalize}:mean=${of(moments.mean)}${normalize === 'meanstd' ? `,std=${of(moments.std)}` : ''}`;
}

export function parseNormalize(who: Message, text: string): Normalising {
  const { name, value, options } = parseSpec(who, text);
  parseChoice(who, name, NORMALIZATIONS);
  if (value === undefined && !Object.keys(options).length) {
    return isKnown(name) ? { normalize: 'meanstd', moments: KNOWN_MOMENTS[name] } : { normalize: name as Normalize };
  }
  const takes = lookUp('normalisation by given numbers', name, GIVEN);
  check(value === undefined, say`${who}: '${String(value)}' is no option of ${name}`, `write ${name}:mean=0.5`);
  const given = valuesOf(name, takes, options, { who: say`${who} ${name}` });
  return { normalize: name as Normalize, moments: { mean: given.mean!, std: given.std ?? [1] } };
}
