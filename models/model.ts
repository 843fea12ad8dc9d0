/** What a model is: a function that composes layers, with named options that are checked before it is built. */
import { also, check, DescentError, kindOf } from '../engine/check.ts';
import { Graph, type Layer } from '../engine/graph.ts';
import type { Init, Tensor } from '../engine/tensor.ts';
import type { Shape } from '../shaders/kernel/shape.ts';
import { choice, flag, neededList, number, valuesOf, type Defaulted, type Parameters, type Values } from '../engine/parameter.ts';
import { COUNT, SHARE } from '../engine/range.ts';
import { constant, fans, normal } from '../layers/init.ts';

/** What a model is built for: classes, and the images' [channels, height, width]. */
export interface ModelInput {
  readonly classes: number;
  readonly shape: readonly [c: number, h: number, w: number];
}

/** A model: a function of its input and options that composes layers. A user's own file exports one. */
export interface Model {
  (input: ModelInput, options?: Readonly<Record<string, any>>): Layer;
  /** Its name among the models. */
  readonly id?: string;
  /** One line: what it is and where it comes from. */
  readonly about?: string;
  readonly options?: Parameters;
  /**
   * The first convolution, if its filters are to whiten patches of the training images before the first step
   * (train/init/whiten-patches.ts).
   */
  readonly whitened?: string;
}

/** The share of units, or of what is named, that dropout drops. */
export const dropRate = (share: number, of = 'units'): Defaulted<number> => number(share, `share of ${of} that are dropped`, SHARE);

/** One such share for all hidden layers, or one for each: as an array, or in a text with dashes, `0.75-0.6-0.01`. */
export const dropRates = (share: number, about: string): Defaulted<readonly number[]> => ({
  ...neededList([share], '-', about, SHARE),
  default: [share],
  accepts: 'shares of at least 0 and below 1, as 0.5 or 0.75-0.6-0.01',
});

/** Weight standardisation (Qiao et al. 2019). */
export const standardise = flag(false, 'each filter at mean 0 and variance 1');

/** The first layers of a net that takes images of any size. */
export const stem = choice('auto', ['auto', '32x32', 'imagenet'], 'first layers for images of which size');

/** Sizes of layers as an array, or in a text with dashes: `256-128`; `none` for an empty list. */
export function sizes(value: readonly number[], about: string): Defaulted<readonly number[]> {
  const list = neededList(value, '-', about, COUNT);
  return { ...list, default: value, accepts: 'sizes as 256-128, or none', read: v => (v === 'none' ? [] : list.read(v)) };
}

/** Whether a net is to take images as those of CIFAR; by itself their size decides. */
export const isSmall = ({ shape: [, h] }: ModelInput, asked: typeof stem.default): boolean =>
  asked === 'auto' ? h < 64 : asked === '32x32';

/**
 * A net whose weights begin as `first` says, where it does, and whose biases begin at 0; where a way of drawing is asked for, all is drawn
 * so.
 */
export function started(net: Layer, first: (weight: Tensor) => Init | undefined): Layer {
  const layer: Layer = (g, x) => {
    const before = new Set(g.init.keys());
    const y = net(g, x);
    if (g.weights) return y;
    for (const t of g.init.keys()) {
      const init = t.shape.length > 1 ? first(t) : t.name.endsWith('bias') ? constant(0) : undefined;
      if (init && !before.has(t)) g.init.set(t, init);
    }
    return y;
  };
  const stages = net.stages && Object.fromEntries(Object.entries(net.stages).map(([name, stage]) => [name, started(stage, first)]));
  return Object.assign(layer, { stages });
}

/** He et al. 2015 by what goes out: N(0, 2 / (taps * output channels)), as convolutions of several of torchvision's nets begin. */
export const byFanOut = (shape: Shape): Init => normal(Math.sqrt(2 / fans(shape).fanOut));

/** torchvision's start of VGG and MobileNetV2: convolutions by what goes out, dense layers N(0, 0.01^2), biases 0. */
export const begun = (net: Layer): Layer => started(net, ({ shape }) => (shape.length > 2 ? byFanOut(shape) : normal(0.01)));

type Build<O extends Parameters> = (input: ModelInput, options: Values<O>) => Layer;

/** A model with a line about it and checked options; `build` gets all of them. */
export function model<O extends Parameters>(name: string, about: string, options: O, build: Build<O>): Model {
  const make = (input: ModelInput, given: Readonly<Record<string, unknown>> = {}): Layer => {
    check(input?.classes && input.shape, `${name}: got ${kindOf(input)}`, 'give { classes: 10, shape: [channels, height, width] }');
    const values = readOptions(name, options, given);
    const net = build(input, values);
    const layer: Layer = (g, x) => {
      try {
        return net(g, x);
      } catch (error) {
        const size = error instanceof DescentError && smallestFit(input, at => build(at, values), g);
        throw size ? also(error, `${name} takes images of ${size}x${size} and larger`) : error;
      }
    };
    return Object.assign(layer, { stages: net.stages });
  };
  return Object.assign(make, { id: name, about, options });
}

/** The values of a model's options, the defaults where none are given. Throws where a name is unknown or a value not accepted. */
export function readOptions<O extends Parameters>(name: string, options: O, given: Readonly<Record<string, unknown>>): Values<O> {
  const [first] = Object.keys(given);
  check(first === undefined || Object.keys(options).length, `${name}: it has no options, ${first} was given`, 'leave it out');
  return valuesOf(name, options, given);
}

/** The size from which square images build, if that is all that is wrong: between the one that failed and 256, by halving. */
function smallestFit(
  { classes, shape: [c, h, w] }: ModelInput,
  build: (input: ModelInput) => Layer,
  { training, profile }: Graph,
): number | undefined {
  const fits = (size: number): boolean => {
    const g = new Graph({ training, profile });
    try {
      const batch = [2, c, size, size]; // of one image a last pixel would have no variance
      build({ classes, shape: [c, size, size] })(g, g.tensor(batch, 'input', 'images'));
      return true;
    } catch {
      return false;
    }
  };
  let small = Math.min(h, w);
  let large = 256;
  if (small >= large || !fits(large)) return undefined;
  while (large - small > 1) {
    const middle = Math.floor((small + large) / 2);
    if (fits(middle)) large = middle;
    else small = middle;
  }
  return large;
}

/** Padding beyond a layer's own that makes 28 x 28 images the 32 x 32 that a net was made for. */
export const extraPad = ({ shape: [, h] }: ModelInput): number => (h === 28 ? 2 : 0);
