/** What each transform of images does, as pieces of WGSL; augment.ts lists what these may use. */
import { float, range, XYZW } from '../kernel/wgsl.ts';

/** The numbers of a transform by name. */
export type Options = Readonly<Record<string, number>>;

/**
 * Images of c x h x w, whose values are `unit` where a pixel is 1: 255 of bytes, 1 of f32. `mean` and `colour` [c][c] (columns: axes of the
 * colours times their variances) are of the training images.
 */
export interface Images {
  readonly c: number;
  readonly h: number;
  readonly w: number;
  readonly unit: number;
  readonly mean: readonly number[];
  readonly colour: readonly (readonly number[])[];
}

export interface Kind {
  /** vec4f `p`, the same for all pixels of an image, from uniforms `r` in [0, 1) and the random `bits` behind them. */
  readonly draw?: (o: Options, a: Images) => string;
  /** Where the pixel at `q` comes from. */
  readonly map?: (o: Options, a: Images) => string;
  /** It comes from a whole pixel, so that nothing has to be interpolated. */
  readonly exact?: true;
  /** Whether `q` is covered by the fill. */
  readonly covers?: (o: Options) => string;
  /** It is of colours in bytes, 0 to 255, and of no other values. */
  readonly ofBytes?: true;
  /** Functions that the other pieces call. */
  readonly functions?: (a: Images) => string;
  /** The new colour of `v`. */
  readonly colour?: (o: Options, a: Images) => string;
}

/** A number between -1 and 1 from one between 0 and 1. */
const either = (r: string) => `(2.0 * ${r} - 1.0)`;
const inBytes = (f: string) => `clamp(${f}, Px(0.0), Px(255.0))`;
const factor = (o: Options) => `vec4f(1.0 + ${float(o.amount!)} * ${either('r.x')}, 0.0, 0.0, 0.0)`;
export const degrees = (x: number) => float((x * Math.PI) / 180);
const size = ({ w, h }: Images) => `vec2f(${w}.0, ${h}.0)`;
const channels = (c: number) => XYZW.slice(0, c).join('');

export const KINDS = {
  /** Pads by `padding` and takes a window of the old size anywhere, or at (`x`, `y`) of the room there is. */
  crop: {
    exact: true,
    draw: o => {
      const padding = float(o.padding!);
      const most = float(2 * o.padding!);
      const places = float(2 * o.padding! + 1);
      const anywhere = `min(floor(r.xy * ${places}), vec2f(${most}))`;
      const drawn = (at: number | undefined, xy: 'x' | 'y') =>
        at === undefined || at < 0 ? `${anywhere}.${xy}` : float(Math.round(at * 2 * o.padding!));
      const isAnywhere = !(o.x! >= 0 || o.y! >= 0);
      return `vec4f(${isAnywhere ? anywhere : `vec2f(${drawn(o.x, 'x')}, ${drawn(o.y, 'y')})`} - ${padding}, 0.0, 0.0)`;
    },
    map: () => 'q + Q(p.xy)',
  },
  /** Mirrors with probability `p`, left to right or `vertical`; `alternate`: every other epoch, beginning at random (airbench). */
  flip: {
    exact: true,
    draw: o => {
      const first = 'uniform4(philox(vec4u(index, 0u, stage, 0u), key)).x < 0.5';
      const mirrors = o.alternate ? `(${first}) != ((op.epoch & 1u) == 1u)` : `r.x < ${float(o.p!)}`;
      return `vec4f(select(0.0, 1.0, ${mirrors}))`;
    },
    map: (o, a) => `select(q, ${o.vertical ? `Q(q.x, ${a.h - 1} - q.y)` : `Q(${a.w - 1} - q.x, q.y)`}, p.x > 0.0)`,
  },
  /** Takes a window `min` to `max` of the image's sides, anywhere or at (`x`, `y`) of the room there is, and resizes it to the whole. */
  scale: {
    draw: (o, a) => {
      const x = o.x! < 0 ? 'r.y' : float(o.x!);
      const y = o.y! < 0 ? 'r.z' : float(o.y!);
      return `place(${float(o.min!)} + ${float(o.max! - o.min!)} * r.x, vec2f(${x}, ${y}) * ${size(a)})`;
    },
    map: () => '(q + 0.5) * p.x + p.yz - 0.5',
  },
  /**
   * Takes a window of `scaleMin` to `scaleMax` of the image's area, its width over its height `ratioMin` to `ratioMax` (evenly in the
   * logarithm), in whole pixels anywhere, and resizes it to the whole: torchvision's RandomResizedCrop, which tries ten times and else takes
   * the largest window of such a ratio about the middle.
   */
  'random-resized-crop': {
    functions: a => `
fn window(index : u32, stage : u32, key : vec2u, area : vec2f, shape : vec2f, otherwise : vec4f) -> vec4f {
  let sides = ${size(a)};
  for (var k = 0u; k < 10u; k++) {
    let r = uniform4(philox(vec4u(index, op.epoch, stage, k), key));
    let pixels = sides.x * sides.y * mix(area.x, area.y, r.x);
    let ratio = exp(mix(shape.x, shape.y, r.y));
    let size = round(vec2f(sqrt(pixels * ratio), sqrt(pixels / ratio)));
    if (all(size >= vec2f(1.0)) & all(size <= sides)) {
      return vec4f(size / sides, min(floor(r.zw * (sides - size + 1.0)), sides - size));
    }
  }
  return otherwise;
}`,
    draw: ({ scaleMin, scaleMax, ratioMin, ratioMax }, { w, h }) => {
      const width = Math.min(w, Math.round(h * ratioMax!));
      const height = Math.min(h, Math.round(w / ratioMin!));
      const at = [w - width, h - height].map(room => Math.floor(room / 2));
      const numbers = (...list: number[]) => list.map(float).join(', ');
      const otherwise = numbers(width / w, height / h, ...at);
      const shape = numbers(Math.log(ratioMin!), Math.log(ratioMax!));
      return `window(index, stage, key, vec2f(${numbers(scaleMin!, scaleMax!)}), vec2f(${shape}), vec4f(${otherwise}))`;
    },
    map: (_, a) => `clamp((q + 0.5) * p.xy + p.zw - 0.5, p.zw, p.zw + p.xy * ${size(a)} - 1.0)`,
  },
  /** About the centre, by up to `degrees` either way. */
  rotate: {
    draw: o => `vec4f(turn(${either('r.x')} * ${degrees(o.degrees!)}), 0.0, 0.0)`,
    map: () => 'C + vec2f(p.x * (q - C).x + p.y * (q - C).y, p.x * (q - C).y - p.y * (q - C).x)',
  },
  /** By up to `share` of each side. */
  translate: {
    draw: (o, a) => `vec4f(${either('r.xy')} * ${float(o.share!)} * ${size(a)}, 0.0, 0.0)`,
    map: () => 'q + p.xy',
  },
  /** Along both axes, each by an angle of up to `degrees`. */
  shear: {
    draw: o => {
      const most = degrees(o.degrees!);
      return `vec4f(slope(${either('r.x')} * ${most}), slope(${either('r.y')} * ${most}), 0.0, 0.0)`;
    },
    map: () => 'q + p.xy * (q - C).yx',
  },
  /** Width and height each times 1 - amount to 1 + amount, about the centre. */
  stretch: {
    draw: o => `vec4f(1.0 / (1.0 + ${float(o.amount!)} * ${either('r.xy')}), 0.0, 0.0)`,
    map: () => 'C + (q - C) * p.xy',
  },
  /**
   * Radial distortion (the first term of Brown's): distance from the centre times 1 + k d^2, d being 1 at the corners, k up to `amount`
   * either way.
   */
  lens: {
    draw: o => `vec4f(${either('r.x')} * ${float(o.amount!)})`,
    map: (_, a) => `C + (q - C) * (1.0 + p.x * dot((q - C) / (0.5 * ${size(a)}), (q - C) / ${size(a)}))`,
  },
  /** Times 1 - amount to 1 + amount, as torchvision's ColorJitter. */
  brightness: { ofBytes: true, draw: factor, colour: () => inBytes('v * p.x') },
  /**
   * The distance from the image's mean grey times 1 - amount to 1 + amount, as ColorJitter; the mean is the stored image's, times what
   * brightness made of it.
   */
  contrast: { ofBytes: true, draw: factor, colour: () => inBytes('(v - Px(mean)) * p.x + Px(mean)') },
  /** The distance from the pixel's own grey times 1 - amount to 1 + amount, as ColorJitter. */
  saturation: { ofBytes: true, draw: factor, colour: () => inBytes('Px(grey(v)) + (v - Px(grey(v))) * p.x') },
  /** Adds the axes of the training colours times their variance times N(0, std) (AlexNet, section 4.1; pixels in [0, 1]). */
  pca: {
    ofBytes: true,
    draw: (o, { c, colour }) =>
      range(c)
        .map(k => {
          const axis = range(4).map(i => (i < c ? float(255 * o.std! * colour[i]![k]!) : '0.0'));
          return `vec4f(${axis.join(', ')}) * normal4(bits).${XYZW[k]}`;
        })
        .join(' + '),
    colour: (_, { c }) => inBytes(`v + p.${channels(c)}`),
  },
  /** Adds N(0, std) to each value; of bytes, as pixels in [0, 1]. */
  noise: {
    colour: (o, { c, unit }) => `v + ${float(unit * o.std!)} * normal4(philox(vec4u(index, op.epoch, stage, 1u + i), key)).${channels(c)}`,
  },
  /** Covers a square of side `size` around a random pixel (DeVries & Taylor 2017). */
  cutout: {
    exact: true,
    draw: (o, a) => `vec4f(min(floor(r.xy * ${size(a)}), ${size(a)} - 1.0) - ${float(Math.floor(o.size! / 2))}, 0.0, 0.0)`,
    covers: o => `all(vec2f(q) - p.xy >= vec2f(-0.5)) & all(vec2f(q) - p.xy < vec2f(${float(o.size! - 0.5)}))`,
  },
  /** Mixes the image with three chains of one to three transforms each (Hendrycks et al. 2020); see augmix.ts. */
  augmix: { ofBytes: true },
} satisfies Record<string, Kind>;
