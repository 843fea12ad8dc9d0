/** What `crop,flip,cutout:16` means: the augmentations by name, and how a list of them is read. */
import { check, lookUp, named, say } from '../../engine/check.ts';
import { flag, number, valuesOf, type Described, type Parameter, type Parameters } from '../../engine/parameter.ts';
import { ANY_SHARE, COUNT, describeRange, isWithin, POSITIVE, type Range } from '../../engine/range.ts';
import { FILLS, type Fill, type Transform, type TransformName } from '../../shaders/images/transform.ts';
import type { Augmentation, Mix } from '../data/augmentation.ts';
import { parseSpecs } from '../../engine/spec.ts';

/** An augmentation; in `formula` r is drawn anew for each image. */
interface Entry extends Described {
  readonly options: Parameters;
  /** The option that a bare value sets: `cutout:16`. */
  readonly value: string;
}

const ANGLE: Range = { min: 0, max: 180 };
const STRETCH: Range = { min: 0, below: 1 };
const ZOOM: Range = { above: 0, max: 4 };
const DEVIATION: Range = { min: 0, max: 10 };
const ALPHA: Range = { ...POSITIVE, max: 100 };

/** What pixels from outside the image are, or those that are covered. */
const fill = (value: 'zero' | 'mean', choices: readonly (typeof FILLS)[number][] = FILLS): Parameter<Fill> => ({
  default: value === 'zero' ? 0 : value,
  example: value,
  about: 'what lies beyond the border, or covers',
  choices,
  accepts: `${choices.join(', ')} or a byte from 0 to 255`,
  read(v) {
    if (typeof v === 'number') return v >= 0 && v <= 255 ? v : undefined;
    const known = choices.find(name => name === v);
    return known === 'zero' ? 0 : known;
  },
});

/** Two numbers, the second not less than the first: `0.08-1`. */
const between = (least: number, greatest: number, about: string, range: Range): Parameter<readonly number[]> => ({
  default: [least, greatest],
  example: `${least}-${greatest}`,
  about,
  accepts: `two numbers as ${Number(least.toPrecision(4))}-${Number(greatest.toPrecision(4))}, each ${describeRange(range)}`,
  read(v) {
    const ends = String(v)
      .split('-')
      .map(end => (end.trim() ? Number(end) : NaN));
    return ends.length === 2 && ends.every(end => isWithin(end, range)) && ends[0]! <= ends[1]! ? ends : undefined;
  },
});

/** A share of the room for a window. */
const place = (about: string): Parameter<number> => ({
  ...number(-1, `share of the room that is ${about}; -1 is anywhere`, { min: -1, max: 1 }),
  accepts: '0 to 1, or -1',
  read: v => (v === -1 || isWithin(v, ANY_SHARE) ? v : undefined),
});
const PLACE = { x: place('left of the window'), y: place('above it') };

const amount = { value: 'amount', options: { amount: number(0.2, 'at most', ANY_SHARE) } };

/** What each name takes. What the numbers mean stands with the transforms in shaders/images/transform.ts. */
export const AUGMENTATIONS: Readonly<Record<TransformName | Mix['name'], Entry>> = {
  crop: {
    about: 'Pads the border and cuts a window of the old size anywhere.',
    formula: 'x(p + r), |r| ≤ padding',
    value: 'padding',
    options: {
      padding: number(4, 'pixels on each side', COUNT),
      ...PLACE,
      fill: fill('zero'),
    },
  },
  flip: {
    about: 'Mirrors images at random.',
    formula: 'x(w − 1 − p) with probability p',
    value: 'p',
    options: {
      p: number(0.5, 'probability', ANY_SHARE),
      vertical: flag(false, 'upside down, not left to right'),
      alternate: flag(false, 'in every other epoch, not at random'),
    },
  },
  scale: {
    about: 'Enlarges a window to the whole image.',
    formula: 'x(s p + r), min ≤ s ≤ max',
    value: 'min',
    options: {
      min: number(0.8, 'least share of a side in the window', ZOOM),
      max: number(1, 'greatest share of a side in the window', ZOOM),
      ...PLACE,
      fill: fill('zero'),
    },
  },
  'random-resized-crop': {
    about: 'Enlarges a window of any area and shape to the whole image.',
    formula: 'x(s p + r), s₁ s₂ ~ U(scale), log(w/h) ~ U(log ratio)',
    value: 'scale',
    options: {
      scale: between(0.08, 1, 'least and greatest share of the area', { above: 0, max: 1 }),
      ratio: between(3 / 4, 4 / 3, 'least and greatest width over height of the window', { above: 0, max: 100 }),
    },
  },
  rotate: {
    about: 'Turns about the centre.',
    formula: 'x(R p), |angle| ≤ degrees',
    value: 'degrees',
    options: { degrees: number(15, 'at most, either way', ANGLE), fill: fill('zero') },
  },
  translate: {
    about: 'Shifts both ways.',
    formula: 'x(p + r), |r| ≤ share · side',
    value: 'share',
    options: { share: number(0.1, 'of a side at most', ANY_SHARE), fill: fill('zero') },
  },
  shear: {
    about: 'Slants.',
    formula: 'x(p + tan(r) p_y), |r| ≤ degrees',
    value: 'degrees',
    options: { degrees: number(10, 'at most, either way', { min: 0, max: 80 }), fill: fill('zero') },
  },
  stretch: {
    about: 'Wider or narrower, lower or taller.',
    formula: 'x(s p), |s − 1| ≤ amount',
    value: 'amount',
    options: { amount: number(0.2, 'at most', STRETCH), fill: fill('zero') },
  },
  lens: {
    about: 'Barrel or pincushion, as through a lens.',
    formula: 'x(p (1 + r |p|²)), |r| ≤ amount',
    value: 'amount',
    options: { amount: number(0.2, 'at most', STRETCH), fill: fill('zero') },
  },
  brightness: { about: 'Lighter or darker.', formula: 'x · (1 + r), |r| ≤ amount', ...amount },
  contrast: { about: 'More or less contrast.', formula: 'mean + (x − mean)(1 + r), |r| ≤ amount', ...amount },
  saturation: { about: 'More or less colour.', formula: 'grey + (x − grey)(1 + r), |r| ≤ amount', ...amount },
  pca: {
    about: 'Shifts colours along the axes in which the training images vary.',
    formula: 'x + Σ rᵢ λᵢ eᵢ, r ~ N(0, std²)',
    value: 'std',
    options: { std: number(0.1, 'deviation', DEVIATION) },
  },
  noise: {
    about: 'Gaussian noise on every pixel.',
    formula: 'x + N(0, std²)',
    value: 'std',
    options: { std: number(0.05, 'deviation', DEVIATION) },
  },
  cutout: {
    about: 'Covers a square anywhere.',
    formula: 'x = fill in a square of size²',
    value: 'size',
    options: { size: number(8, 'pixels of a side', COUNT), fill: fill('mean', ['zero', 'mean']) },
  },
  augmix: {
    about: 'Mixes chains of mild changes; with consistency the answers are pulled together.',
    formula: 'x′ = (1−m) x + m Σ wᵢ chainᵢ(x)',
    value: 'severity',
    options: {
      severity: number(3, 'of the changes', { min: 0.1, max: 10 }),
      consistency: flag(false, 'the loss compares three views of each image'),
    },
  },
  mixup: {
    about: 'Blends pairs of images and their labels.',
    formula: 'x = λ xᵢ + (1−λ) xⱼ, λ ~ Beta(α, α)',
    value: 'alpha',
    options: { alpha: number(0.2, 'small: one image is nearly all of it', ALPHA) },
  },
  cutmix: {
    about: 'Puts a box of one image into another; labels by area.',
    formula: 'λ ~ Beta(α, α) is the share that stays',
    value: 'alpha',
    options: { alpha: number(1, 'small: one image is nearly all of it', ALPHA) },
  },
};

/** The numbers of an option: `scaleMin` and `scaleMax` where it has two. */
const numbersOf = (key: string, v: unknown): [string, number][] =>
  Array.isArray(v)
    ? [
        [`${key}Min`, v[0] as number],
        [`${key}Max`, v[1] as number],
      ]
    : [[key, Number(v)]];

const isMix = (name: string): name is Mix['name'] => name === 'mixup' || name === 'cutmix';

/** Reads a list of augmentations. Throws where a name is unknown or a number out of range. */
export function parseAugment(text: string): Augmentation {
  const who = named('augment');
  const transforms: Transform[] = [];
  const mix: Mix[] = [];
  for (const { name, value, options } of parseSpecs(who, text)) {
    const entry = lookUp('augmentation', name, AUGMENTATIONS);
    const given = { ...(value !== undefined && { [entry.value]: value }), ...options };
    const { fill, ...values } = valuesOf(name, entry.options, given, { who: say`${who}: ${name}` });
    const o = Object.fromEntries(Object.entries(values).flatMap(([key, v]) => numbersOf(key, v)));
    if (isMix(name)) {
      mix.push({ name, alpha: o.alpha! });
      continue;
    }
    if (name === 'scale' && o.max! < o.min!) {
      check(options.max === undefined, say`${who}: scale: max is ${o.max}, below min ${o.min}`, 'give max of at least min');
      o.max = o.min!;
    }
    transforms.push({ name: name as TransformName, o, ...(fill !== undefined && { fill }) });
  }
  const twice = mix.find((m, i) => mix.findIndex(other => other.name === m.name) < i);
  check(!twice, say`${who}: ${twice?.name} is given twice`, 'give it once');
  const views = transforms.some(t => t.name === 'augmix' && t.o.consistency) ? 3 : 1;
  check(
    views === 1 || !mix.length,
    say`${who}: augmix with consistency and ${mix[0]?.name} are both given`,
    'the consistency loss takes class numbers, leave one of them out',
  );
  return { transforms, mix, views };
}
