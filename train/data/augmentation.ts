/** What is done to the images of a training batch, and the random numbers of mixup and cutmix. */
import { check, named, say } from '../../engine/check.ts';
import type { Dataset } from '../../datasets/dataset.ts';
import { KINDS, type Kind } from '../../shaders/images/kinds.ts';
import type { Transform } from '../../shaders/images/transform.ts';
import { STREAMS, uniforms, type Draw } from '../../shaders/kernel/random.ts';

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

const WHO = named('augment');

/** What is done to numbers that are no picture. */
const FOR_POINTS: readonly string[] = ['noise', 'mixup'];

/** Throws where the images of a data set do not take the augmentation. Images of a single pixel are points, whose channels are coordinates. */
export function checkImages({ transforms, mix }: Augmentation, { shape: [c, h, w], dtype }: Pick<Dataset, 'shape' | 'dtype'>): void {
  check(c <= 4 || !transforms.length, say`${WHO}: images have ${c} channels`, 'augmentation takes 1 to 4');
  const forImages = h * w > 1 ? undefined : [...transforms, ...mix].find(({ name }) => !FOR_POINTS.includes(name));
  check(
    !forImages,
    say`${WHO}: ${forImages?.name} changes images, and this data set has points of ${c} coordinates`,
    'leave it out',
    `take ${FOR_POINTS.join(' or ')}`,
  );
  for (const { name, o } of transforms) {
    const { ofBytes }: Kind = KINDS[name];
    check(!ofBytes || dtype !== 'float32', say`${WHO}: ${name} is of colours in bytes, and the images are float32`, 'leave it out');
    if (name === 'crop') {
      const most = Math.min(h, w) - 1;
      check(
        o.padding! <= most,
        say`${WHO}: crop: padding ${o.padding} does not fit images of ${h}x${w}`,
        most ? `give 1 to ${most}` : 'leave it out',
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
