/** `--augment crop,flip,cutout:16`: what the text means, and the random numbers of mixup and cutmix. */
import { check, DescentError, lookUp, named, say } from '../../engine/check.ts';
import { describeRange, isWithin, type Range } from '../../engine/range.ts';
import { FILLS, type Fill, type Transform, type TransformName } from '../../shaders/images/augment.ts';
import { STREAMS, uniforms, type Draw } from '../../shaders/kernel/random.ts';
import { parseSpecs, type Scalar } from './spec.ts';

/** What is done to a batch: transforms of each image in the order written, then one of `mix` for the whole batch. */
export interface Augmentation {
  readonly transforms: readonly Transform[];
  readonly mix: readonly Mix[];
  /** 3 where AugMix asks for the Jensen-Shannon loss: each image as it is and two mixtures of it. */
  readonly views: number;
}

/** Mixing of pairs of images by lambda ~ Beta(alpha, alpha). */
export interface Mix {
  readonly name: 'mixup' | 'cutmix';
  readonly alpha: number;
}

interface OptionKind {
  readonly default: number;
  readonly range?: Range;
  readonly boolean?: true;
}

interface Entry {
  readonly options: Readonly<Record<string, OptionKind>>;
  /** The option that a bare value sets: `cutout:16`. */
  readonly value: string;
  /** What pixels from outside the image are, where the user says nothing. */
  readonly fill?: Fill;
}

const number = (value: number, range: Range): OptionKind => ({ default: value, range });
const share = { min: 0, max: 1 };
const angle = { min: 0, max: 180 };
const yes: OptionKind = { default: 0, boolean: true };
const amount = (value: number): Entry => ({ value: 'amount', options: { amount: number(value, share) } });

/** What each name takes. What the numbers mean stands with the transforms in shaders/images/augment.ts. */
export const AUGMENTATIONS: Readonly<Record<TransformName | Mix['name'], Entry>> = {
  crop: { value: 'padding', options: { padding: number(4, { integer: true, min: 1 }) }, fill: 0 },
  flip: { value: 'p', options: { p: number(0.5, share), vertical: yes, alternate: yes } },
  scale: {
    value: 'min',
    options: {
      min: number(0.8, { above: 0, max: 4 }),
      max: number(1, { above: 0, max: 4 }),
      x: number(-1, { min: -1, max: 1 }),
      y: number(-1, { min: -1, max: 1 }),
    },
    fill: 0,
  },
  rotate: { value: 'degrees', options: { degrees: number(15, angle) }, fill: 0 },
  translate: { value: 'share', options: { share: number(0.1, share) }, fill: 0 },
  shear: { value: 'degrees', options: { degrees: number(10, { min: 0, max: 80 }) }, fill: 0 },
  stretch: { value: 'amount', options: { amount: number(0.2, { min: 0, below: 1 }) }, fill: 0 },
  lens: { value: 'amount', options: { amount: number(0.2, { min: 0, below: 1 }) }, fill: 0 },
  brightness: amount(0.2),
  contrast: amount(0.2),
  saturation: amount(0.2),
  pca: { value: 'std', options: { std: number(0.1, { min: 0, max: 10 }) } },
  noise: { value: 'std', options: { std: number(0.05, { min: 0, max: 10 }) } },
  cutout: { value: 'size', options: { size: number(8, { integer: true, min: 1 }) }, fill: 'mean' },
  augmix: { value: 'severity', options: { severity: number(3, { min: 0.1, max: 10 }), consistency: yes } },
  mixup: { value: 'alpha', options: { alpha: number(0.2, { above: 0, max: 100 }) } },
  cutmix: { value: 'alpha', options: { alpha: number(1, { above: 0, max: 100 }) } },
};

const WHO = named('augment');

function option(name: string, key: string, given: Scalar, { range, boolean }: OptionKind): number {
  const who = say`${WHO}: ${name}: ${key}`;
  if (boolean) {
    check(typeof given === 'boolean', say`${who} is ${given}`, 'give true or false');
    return Number(given);
  }
  check(typeof given === 'number' && isWithin(given, range!), say`${who} is ${given}`, `give ${describeRange(range!)}`);
  return given;
}

function fillOf(name: string, given: Scalar): Fill {
  if (given === 'zero') return 0;
  if ((FILLS as readonly unknown[]).includes(given)) return given as Fill;
  check(
    typeof given === 'number' && given >= 0 && given <= 255,
    say`${WHO}: ${name}: fill is ${given}`,
    `give ${FILLS.join(', ')} or a byte from 0 to 255`,
  );
  return given;
}

/** Reads a list of augmentations. Throws where a name is unknown, a number out of range, or the images (`shape`, if known) too small. */
export function parseAugment(text: string, shape?: readonly [c: number, h: number, w: number]): Augmentation {
  const transforms: Transform[] = [];
  const mix: Mix[] = [];
  for (const { name, value, options } of parseSpecs(WHO, text)) {
    const entry = lookUp('augmentation', name, AUGMENTATIONS);
    const o = Object.fromEntries(Object.entries(entry.options).map(([k, { default: d }]) => [k, d]));
    let { fill } = entry;
    for (const [key, given] of Object.entries({ ...(value !== undefined && { [entry.value]: value }), ...options })) {
      if (key === 'fill' && fill !== undefined) {
        fill = fillOf(name, given);
        check(
          name !== 'cutout' || fill === 'mean' || typeof fill === 'number',
          say`${WHO}: cutout: fill is ${fill}`,
          'give zero, mean or a byte from 0 to 255',
        );
        continue;
      }
      const names = [...Object.keys(entry.options), ...(fill === undefined ? [] : ['fill'])];
      if (!Object.hasOwn(entry.options, key)) {
        throw new DescentError(say`${WHO}: ${name} has no option '${key}'`, `it takes ${names.join(', ')}`);
      }
      o[key] = option(name, key, given, entry.options[key]!);
    }
    if (name === 'mixup' || name === 'cutmix') {
      mix.push({ name, alpha: o.alpha! });
      continue;
    }
    if (name === 'scale' && o.max! < o.min!) {
      check(options.max === undefined, say`${WHO}: scale: max is ${o.max}, below min ${o.min}`, 'give max of at least min');
      o.max = o.min!;
    }
    transforms.push({ name: name as TransformName, o, ...(fill !== undefined && { fill }) });
  }
  const twice = mix.find((m, i) => mix.findIndex(other => other.name === m.name) < i);
  check(!twice, say`${WHO}: ${twice?.name} is given twice`, 'give it once');
  if (shape) checkShape(transforms, shape);
  const views = transforms.some(t => t.name === 'augmix' && t.o.consistency) ? 3 : 1;
  check(
    views === 1 || !mix.length,
    say`${WHO}: augmix with consistency and ${mix[0]?.name} are both given`,
    'the consistency loss takes class numbers, leave one of them out',
  );
  return { transforms, mix, views };
}

/** Throws where images of `shape` do not take the transforms. */
export function checkShape(transforms: readonly Transform[], [c, h, w]: readonly [number, number, number]): void {
  check(c <= 4 || !transforms.length, say`${WHO}: images have ${c} channels`, 'augmentation takes 1 to 4');
  for (const { name, o } of transforms) {
    if (name === 'crop') {
      check(
        o.padding! < Math.min(h, w),
        say`${WHO}: crop: padding ${o.padding} does not fit images of ${h}x${w}`,
        `give 1 to ${Math.min(h, w) - 1}`,
      );
    }
    if (name === 'cutout') {
      check(o.size! <= 2 * Math.max(h, w), say`${WHO}: cutout: size ${o.size} covers all of ${h}x${w}`, `give 1 to ${2 * Math.max(h, w)}`);
    }
    if (name === 'saturation' || name === 'pca') {
      check(c === 3, say`${WHO}: ${name} changes colours, and images have ${c} channel${c > 1 ? 's' : ''}`, 'leave it out');
    }
  }
}

/** Gamma(alpha, 1) by Marsaglia & Tsang 2000. */
function gamma(alpha: number, u: Draw): number {
  const uniform = () => u() + 2 ** -25;
  if (alpha < 1) return gamma(alpha + 1, u) * uniform() ** (1 / alpha);
  const d = alpha - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** Beta(alpha, alpha). */
export function beta(alpha: number, u: Draw): number {
  const a = gamma(alpha, u);
  const b = gamma(alpha, u);
  return a + b > 0 ? a / (a + b) : Math.round(u()); // both underflow for tiny alpha: one of the ends
}

/** Stream of mixing, beside that of single images. */
const MIX = STREAMS.augment + 100;

/**
 * What the gather kernel must know of the mixing of step number `step`: a function of (seed, step) alone. mixup (Zhang et al. 2018): x =
 * lambda x_i + (1 - lambda) x_j; cutmix (Yun et al. 2019): x_j in a box of the share 1 - lambda around a random pixel, labels by the share
 * that is left inside the image. Where both are asked for each batch takes one or the other.
 */
export function mixValues(mix: readonly Mix[], seed: number, step: number, batch: number, h: number, w: number): Record<string, number> {
  const next = uniforms(seed, MIX, step);
  const { name, alpha } = mix[Math.floor(next() * mix.length)]!;
  const mixShift = batch > 1 ? 1 + Math.floor(next() * (batch - 1)) : 0;
  const lambda = beta(alpha, next);
  if (name === 'mixup') return { mixRatio: lambda, mixShare: lambda, mixShift, mixX0: 0, mixX1: 0, mixY0: 0, mixY1: 0 };
  const side = Math.sqrt(1 - lambda);
  const cut = (size: number) => {
    const centre = Math.floor(next() * size);
    const half = Math.floor((size * side) / 2);
    return [Math.max(0, centre - half), Math.min(size, centre + half)] as const;
  };
  const [mixX0, mixX1] = cut(w);
  const [mixY0, mixY1] = cut(h);
  const mixShare = 1 - ((mixX1 - mixX0) * (mixY1 - mixY0)) / (h * w);
  return { mixRatio: 1, mixShare, mixShift, mixX0, mixX1, mixY0, mixY1 };
}
