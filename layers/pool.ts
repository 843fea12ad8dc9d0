import { check, images, show } from '../engine/check.ts';
import type { Layer } from '../engine/graph.ts';
import { streamOf } from '../shaders/kernel/random.ts';
import { planeMean, planeMeanBackward } from '../shaders/pool/plane-mean.ts';
import { cutsLength, fractionalBackward, fractionalCuts, fractionalForward } from '../shaders/pool/fractional.ts';
import { poolBackward, poolForward } from '../shaders/pool/pool.ts';

export interface PoolOptions {
  stride?: number;
  pad?: number;
}

export interface MaxPoolOptions extends PoolOptions {
  /** Round up: a last window may hang over the end, if it starts inside the image or the padding before it. */
  ceil?: boolean;
}

/** Maximum over k x k windows, as torch.nn.MaxPool2d. [n, c, h, w] -> [n, c, oh, ow], oh = floor((h + 2 pad - k) / stride) + 1. */
export const maxPool = (k: number, options?: MaxPoolOptions): Layer => pool('maxPool', k, options);

/** Mean over k x k windows, padding included (torch.nn.AvgPool2d with count_include_pad). Shapes as maxPool. */
export const avgPool = (k: number, options?: PoolOptions): Layer => pool('avgPool', k, options);

const pool =
  (name: 'maxPool' | 'avgPool', k: number, { stride = k, pad = 0, ceil = false }: MaxPoolOptions = {}): Layer =>
  (g, x) => {
    const who = g.who(name);
    const [n, c, h, w] = images(who, x.shape);
    check(
      k <= Math.min(h, w) + 2 * pad,
      `${who}: window ${k}x${k} is larger than its padded input ${h + 2 * pad}x${w + 2 * pad} (input ${show(x.shape)}, pad ${pad})`,
      'use a smaller window, more padding or larger images',
    );
    check(2 * pad <= k, `${who}: pad ${pad} is more than half the window ${k}`, `use pad 0 to ${Math.floor(k / 2)}`);
    const out = (size: number) => {
      const room = size + 2 * pad - k;
      const whole = Math.floor(room / stride) + 1;
      return ceil && room % stride && whole * stride < size + pad ? whole + 1 : whole;
    };

    const max = name === 'maxPool';
    const p = { max, planes: n * c, h, w, oh: out(h), ow: out(w), k, stride, pad };
    const y = g.tensor([n, c, p.oh, p.ow]);
    const argmax = max ? g.tensor(y.shape) : undefined;
    g.run(poolForward, p, { x, y, argmax });
    return g.record([x], y, dy => [g.gradientOf(x, dx => g.run(poolBackward, p, { dy, argmax, dx }))]);
  };

/** Mean of each channel over the whole image. [n, c, h, w] -> [n, c]. */
export const globalAvgPool = (): Layer => (g, x) => {
  const [n, c, h, w] = images(g.who('globalAvgPool'), x.shape);
  const p = { planes: n * c, size: h * w };
  const y = g.tensor([n, c]);
  g.run(planeMean, p, { x, y });
  return g.record([x], y, dy => [g.gradientOf(x, dx => g.run(planeMeanBackward, p, { dy, dx }))]);
};

/**
 * Fractional max pooling (Graham 2014) by `ratio`, above 1 and at most 2: [n, c, h, w] -> [n, c, floor(h / ratio), floor(w / ratio)]. Each
 * sample has regions of its own at each step: pseudo-random or, with `random`, in any order; `overlapping` ones share their borders.
 * Evaluation has fixed pseudo-random ones.
 */
export const fractionalMaxPool =
  (ratio: number, { random = false, overlapping = true } = {}): Layer =>
  (g, x) => {
    const who = g.who('fractionalMaxPool');
    const [n, c, h, w] = images(who, x.shape);
    check(ratio > 1 && ratio <= 2, `${who}: ratio is ${ratio}, expected above 1 and at most 2 (the paper's are 1.26 to 1.59)`);
    const oh = Math.floor(h / ratio);
    const ow = Math.floor(w / ratio);
    check(oh >= 1 && ow >= 1 && Math.max(h, w) <= 512, `${who}: images of ${h}x${w} (input ${show(x.shape)})`, 'it takes 2x2 to 512x512');
    check(
      !random || (h <= 2 * oh && w <= 2 * ow),
      `${who}: ${h}x${w} into ${oh}x${ow} is more than twos can cut`,
      'use a ratio below 2 or an even size',
    );
    const p = { n, c, h, w, oh, ow, random, overlapping, layer: streamOf(g.path), fixed: !g.training };
    const cuts = g.tensor([n, 2, cutsLength(p)]);
    const y = g.tensor([n, c, oh, ow]);
    const argmax = g.tensor(y.shape);
    g.run(fractionalCuts, p, { cuts });
    g.run(fractionalForward, p, { x, cuts, y, argmax });
    return g.record([x], y, dy => [g.gradientOf(x, dx => g.run(fractionalBackward, p, { dy, cuts, argmax, dx }))]);
  };
