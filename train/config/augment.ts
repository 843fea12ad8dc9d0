/** What `crop,flip,cutout:16` means. */
import { check, DescentError, lookUp, named, say } from '../../engine/check.ts';
import { describeRange, isWithin, type Range } from '../../engine/range.ts';
import { FILLS, type Fill, type Transform, type TransformName } from '../../shaders/images/transform.ts';
import type { Augmentation, Mix } from '../data/augmentation.ts';
import { parseSpecs, type Scalar } from './spec.ts';

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

/** What each name takes. What the numbers mean stands with the transforms in shaders/images/transform.ts. */
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

/** Reads a list of augmentations. Throws where a name is unknown or a number out of range. */
export function parseAugment(text: string): Augmentation {
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
  const views = transforms.some(t => t.name === 'augmix' && t.o.consistency) ? 3 : 1;
  check(
    views === 1 || !mix.length,
    say`${WHO}: augmix with consistency and ${mix[0]?.name} are both given`,
    'the consistency loss takes class numbers, leave one of them out',
  );
  return { transforms, mix, views };
}
