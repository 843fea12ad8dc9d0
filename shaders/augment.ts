/**
 * WGSL of random transforms of images, generated from the list that is asked for. A list means what it means when images are made one after
 * the other, in the order written; it is computed backwards: the position of a pixel is carried through the geometric transforms to the
 * stored image, which is looked up once. Positions are pixel numbers, (0, 0) being the centre of the first; values are bytes, 0 to 255.
 */
import { tablesWgsl } from './image-tables.ts';
import { float, unroll } from './kernel.ts';
import { STREAMS } from './random.ts';

/**
 * What lies beyond the border: a byte, the mean colour of the training images, the border pixel, the image mirrored at its border pixel, or
 * repeated.
 */
export type Fill = number | 'mean' | 'edge' | 'reflect' | 'wrap';
export const FILLS = ['zero', 'mean', 'edge', 'reflect', 'wrap'] as const;

/** One transform with its numbers; see KINDS for what they mean. */
export interface Transform { readonly name: TransformName; readonly o: Readonly<Record<string, number>>; readonly fill?: Fill }

/**
 * A list over images of c x h x w. `mean` and `colour` [c][c] (columns: axes of the colours times their variances) are of the training
 * images.
 */
export interface Augment {
  readonly c: number; readonly h: number; readonly w: number;
  readonly list: readonly Transform[];
  readonly mean: readonly number[];
  readonly colour: readonly (readonly number[])[];
  /** Views of each image that AugMix makes, the first without its chains; they differ in nothing else. */
  readonly views?: number;
}

interface Kind {
  /** vec4f `p`, the same for all pixels of an image, from uniforms `r` in [0, 1) and the random `bits` behind them. */
  readonly draw?: (o: Transform['o'], a: Augment) => string;
  /** Where the pixel at `q` comes from. */
  readonly map?: (o: Transform['o'], a: Augment) => string;
  /** It comes from a whole pixel, so that nothing has to be interpolated. */
  readonly exact?: true;
  /** Whether `q` is covered by the fill. */
  readonly covers?: (o: Transform['o']) => string;
  /** The new colour of `v`. */
  readonly colour?: (o: Transform['o'], a: Augment) => string;
}

const inBytes = (f: string) => `clamp(${f}, Px(0.0), Px(255.0))`;
const factor = (o: Transform['o']) => `vec4f(1.0 + ${float(o.amount!)} * (2.0 * r.x - 1.0), 0.0, 0.0, 0.0)`;
const degrees = (x: number) => float(x * Math.PI / 180);
const size = ({ w, h }: Augment) => `vec2f(${w}.0, ${h}.0)`;

const KINDS = {
  /** Pads by `padding` and takes a window of the old size anywhere. */
  crop: { exact: true, draw: o =>
    `vec4f(min(floor(r.xy * ${float(2 * o.padding! + 1)}), vec2f(${float(2 * o.padding!)})) - ${float(o.padding!)}, 0.0, 0.0)`,
    map: () => 'q + Q(p.xy)' },
  /** Mirrors with probability `p`, left to right or `vertical`; `alternate`: every other epoch, beginning at random (airbench). */
  flip: {
    exact: true,
    draw: o => o.alternate ? 'vec4f(select(0.0, 1.0, (uniform4(philox(vec4u(index, 0u, stage, 0u), key)).x < 0.5) != ((op.epoch & 1u) == 1u)))' : `vec4f(select(0.0, 1.0, r.x < ${float(o.p!)}))`,
    map: (o, a) => o.vertical ? `select(q, Q(q.x, ${a.h - 1} - q.y), p.x > 0.0)` : `select(q, Q(${a.w - 1} - q.x, q.y), p.x > 0.0)`,
  },
  /** Takes a window `min` to `max` of the image's sides, anywhere or at (`x`, `y`) of the room there is, and resizes it to the whole. */
  scale: {
    draw: (o, a) => `place(${float(o.min!)} + ${float(o.max! - o.min!)} * r.x, vec2f(${o.x! < 0 ? 'r.y' : float(o.x!)}, ${o.y! < 0 ? 'r.z' : float(o.y!)}) * ${size(a)})`,
    map: () => '(q + 0.5) * p.x + p.yz - 0.5',
  },
  /** About the centre, by up to `degrees` either way. */
  rotate: { draw: o => `vec4f(turn((2.0 * r.x - 1.0) * ${degrees(o.degrees!)}), 0.0, 0.0)`,
    map: () => 'C + vec2f(p.x * (q - C).x + p.y * (q - C).y, p.x * (q - C).y - p.y * (q - C).x)' },
  /** By up to `share` of each side. */
  translate: { draw: (o, a) => `vec4f((2.0 * r.xy - 1.0) * ${float(o.share!)} * ${size(a)}, 0.0, 0.0)`, map: () => 'q + p.xy' },
  /** Along both axes, each by an angle of up to `degrees`. */
  shear: {
    draw: o => `vec4f(slope((2.0 * r.x - 1.0) * ${degrees(o.degrees!)}), slope((2.0 * r.y - 1.0) * ${degrees(o.degrees!)}), 0.0, 0.0)`,
    map: () => 'q + p.xy * (q - C).yx',
  },
  /** Width and height each times 1 - amount to 1 + amount, about the centre. */
  stretch: { draw: o => `vec4f(1.0 / (1.0 + ${float(o.amount!)} * (2.0 * r.xy - 1.0)), 0.0, 0.0)`, map: () => 'C + (q - C) * p.xy' },
  /**
   * Radial distortion (the first term of Brown's): distance from the centre times 1 + k d^2, d being 1 at the corners, k up to `amount`
   * either way.
   */
  lens: {
    draw: o => `vec4f((2.0 * r.x - 1.0) * ${float(o.amount!)})`,
    map: (_, a) => `C + (q - C) * (1.0 + p.x * dot((q - C) / (0.5 * ${size(a)}), (q - C) / ${size(a)}))`,
  },
  /** Times 1 - amount to 1 + amount, as torchvision's ColorJitter. */
  brightness: { draw: factor, colour: () => inBytes('v * p.x') },
  /**
   * The distance from the image's mean grey times 1 - amount to 1 + amount, as ColorJitter; the mean is the stored image's, times what
   * brightness made of it.
   */
  contrast: { draw: factor, colour: () => inBytes('(v - Px(mean)) * p.x + Px(mean)') },
  /** The distance from the pixel's own grey times 1 - amount to 1 + amount, as ColorJitter. */
  saturation: { draw: factor, colour: () => inBytes('Px(grey(v)) + (v - Px(grey(v))) * p.x') },
  /** Adds the axes of the training colours times their variance times N(0, std) (AlexNet, section 4.1; pixels in [0, 1]). */
  pca: {
    draw: (o, { c, colour }) => {
      const axis = (k: number) =>
        `vec4f(${[0, 1, 2, 3].map(i => i < c && k < c ? float(255 * o.std! * colour[i]![k]!) : '0.0').join(', ')}) * n${'xyzw'[k]}`;
      return Array.from({ length: c }, (_, k) => axis(k).replace('n', 'normal4(bits).')).join(' + ');
    },
    colour: (_, { c }) => inBytes(`v + p.${'xyzw'.slice(0, c)}`),
  },
  /** Adds N(0, std) to each value, of pixels in [0, 1]. */
  noise: { colour: (o, { c }) =>
    `v + ${float(255 * o.std!)} * normal4(philox(vec4u(index, op.epoch, stage, 1u + i), key)).${'xyzw'.slice(0, c)}` },
  /** Covers a square of side `size` around a random pixel (DeVries & Taylor 2017). */
  cutout: {
    exact: true,
    draw: (o, a) => `vec4f(min(floor(r.xy * ${size(a)}), ${size(a)} - 1.0) - ${float(Math.floor(o.size! / 2))}, 0.0, 0.0)`,
    covers: o => `all(vec2f(q) - p.xy >= vec2f(-0.5)) & all(vec2f(q) - p.xy < vec2f(${float(o.size! - 0.5)}))`,
  },
  /** Mixes the image with three chains of one to three transforms each (Hendrycks et al. 2020); see augmix below. */
  augmix: {},
} satisfies Record<string, Kind>;
export type TransformName = keyof typeof KINDS;

/** Whether the tables of the images are needed (see imageTables). */
export const usesTables = (list: readonly Transform[]): boolean => list.some(t => t.name === 'contrast' || t.name === 'augmix');

/** AugMix's chains: a matrix, then a shift, then the levels of solarize and posterize, then autocontrast or equalize. */
const CHAINS = 3;

/**
 * Functions `draw(index, row) -> Draw` (what is random of an image, number `row` of its batch) and `look(q, i, index, image, d) -> Px` (its pixel number i). They use
 * `byteAt(image, at)`, byte `at` of an image, and op.seed and op.epoch: an image of an epoch is the same in every batch and order.
 */
export function augmentWgsl(a: Augment): string {
  const { list, c, w, h } = a, kinds = list.map(t => KINDS[t.name] as Kind), last = list.findLastIndex(t => t.name === 'augmix');
  const exact = kinds.every(k => (!k.map || k.exact)) && last < 0;
  const fields = list.flatMap((t, k) => t.name === 'augmix' ? [`m${k} : vec4f`, unroll(CHAINS, n => `a${k}_${n} : vec4f, b${k}_${n} : vec4f, e${k}_${n} : f32`, ', ')] : KINDS[t.name] && 'draw' in KINDS[t.name] ? [`p${k} : vec4f`] : []);
  const names = ['look0'];
  const pieces: string[] = [];
  let from = 0;
  list.forEach((t, k) => {
    if (t.name !== 'augmix') return;
    pieces.push(segment(a, from, k, names.at(-1)!, from === 0 ? 'stored' : `mixed${from - 1}`, exact), mixed(k, names.at(-1)!, w, h));
    names.push(`look${k + 1}`);
    from = k + 1;
  });
  pieces.push(segment(a, from, list.length, 'look', from === 0 ? 'stored' : `mixed${from - 1}`, exact));
  const wraps = list.find(t => (KINDS[t.name] as Kind).map && t.fill !== undefined)?.fill === 'wrap';
  return `alias Px = ${c === 1 ? 'f32' : `vec${c}f`}; alias Q = vec2${exact ? 'i' : 'f'};
const C = vec2f(${float((w - 1) / 2)}, ${float((h - 1) / 2)});
var<private> view : u32; // which of the views of an image this is
struct Draw { ${[...fields, 'row : u32'].join(', ')} }
fn grey(v : Px) -> f32 { return ${c === 3 ? 'dot(v, vec3f(0.299, 0.587, 0.114))' : c === 1 ? 'v' : `dot(v, Px(${float(1 / c)}))`}; }
// series up to |angle| = pi: the built-in functions are allowed errors of 2^-11
fn turn(angle : f32) -> vec2f {
  let s = angle * angle; var sine = 1.0; var cosine = 1.0;
  for (var n = 20.0; n > 1.0; n -= 2.0) { cosine = 1.0 - s / (n * (n - 1.0)) * cosine; sine = 1.0 - s / (n * (n + 1.0)) * sine; }
  return vec2f(cosine, sine * angle);
}
fn slope(angle : f32) -> f32 { let t = turn(angle); return t.y / t.x; }
fn place(share : f32, room : vec2f) -> vec4f { return vec4f(share, room * (1.0 - share), 0.0); }
${usesTables(list) ? tablesWgsl(c) : ''}
fn draw(index : u32, row : u32) -> Draw {
  let key = vec2u(op.seed, ${STREAMS.augment}u); var d : Draw; d.row = row;
  ${list.map((t, k) => t.name === 'augmix' ? drawMix(t, k, a) : drawOne(kinds[k]!, t, k, a)).join('\n  ')}
  return d;
}
fn pixel(image : u32, x : i32, y : i32) -> Px {
  let at = u32(y * ${w} + x);
  return Px(${Array.from({ length: c }, (_, k) => `f32(byteAt(image, at + ${k * h * w}u))`).join(', ')});
}
fn stored(q : Q, i : u32, index : u32, image : u32, d : Draw) -> Px {
${exact ? `  let at = clamp(q, vec2i(0), vec2i(${w - 1}, ${h - 1})); return pixel(image, at.x, at.y);` : `
  const most = vec2i(${w - 1}, ${h - 1});
  let low = floor(q); let f = q - low;
  let a = clamp(vec2i(low), vec2i(0), most); var b = clamp(vec2i(low) + 1, vec2i(0), most);
  ${wraps ? `b = select(b, vec2i(0), vec2i(low) + 1 > most);` : ''}
  return mix(mix(pixel(image, a.x, a.y), pixel(image, b.x, a.y), f.x), mix(pixel(image, a.x, b.y), pixel(image, b.x, b.y), f.x), f.y);`}
}
${pieces.join('\n')}`;
}

function drawOne(kind: Kind, t: Transform, k: number, a: Augment): string {
  if (!kind.draw) return '';
  const made = kind.draw(t.o, a);
  return `{ const stage = ${k}u; ${/\b(r|bits)\b/.test(made) ? `let bits = philox(vec4u(index, op.epoch, stage, 0u), key); let r = uniform4(bits);` : ''} d.p${k} = ${made}; }`;
}

/** The image after transforms `from` to `to` - 1, in terms of `inner`, the image before them. */
function segment(a: Augment, from: number, to: number, name: string, inner: string, exact: boolean): string {
  const back: string[] = [], on: string[] = [];
  let stops = false;
  for (let k = to - 1; k >= from; k--) {
    const t = a.list[k]!, kind = KINDS[t.name] as Kind;
    const use = (code: string) => `{ ${/\bp\b/.test(code) ? `let p = d.p${k}; ` : ''}${code} }`;
    if (kind.map) back.push(use(`q = ${kind.map(t.o, a)};`));
    const outside = kind.covers?.(t.o) ?? (kind.map && t.fill !== undefined ? beyond(t.fill, a, exact) : undefined);
    if (outside && (kind.covers || typeof t.fill === 'number' || t.fill === 'mean')) {
      stops = true;
      const value = t.fill === 'mean' ? a.mean.map(m => float(255 * m)).join(', ') : float(t.fill as number);
      back.push(use(`if (since < 0) { if (${outside}) { since = ${k}; v = Px(${value}); } }`));
    } else if (outside) back.push(outside);
  }
  const contrasts = a.list.slice(from, to).some(t => t.name === 'contrast');
  for (let k = from; k < to; k++) {
    const t = a.list[k]!, made = (KINDS[t.name] as Kind).colour?.(t.o, a);
    if (made) on.push(`${stops ? `if (since < ${k}) ` : ''}{ const stage = ${k}u; ${/\bp\b/.test(made) ? `let p = d.p${k}; ` : ''}v = ${made}; }`);
    if (contrasts && t.name === 'brightness') on.push(`mean *= d.p${k}.x;`);
  }
  return `
fn ${name}(at : Q, i : u32, index : u32, image : u32, d : Draw) -> Px {
  let key = vec2u(op.seed, ${STREAMS.augment}u);
  var q = at; var v : Px; var since = -1;${contrasts ? ' var mean = grey(meanColour(d.row));' : ''}
  ${back.join('\n  ')}
  if (since < 0) { v = ${inner}(q, i, index, image, d); }
  ${on.join('\n  ')}
  return v;
}`;
}

/** A position beyond the border: whether it is (half a pixel past the centre of the last one), or what brings it back. */
function beyond(fill: Fill, { w, h }: Augment, exact: boolean): string {
  const most = `Q(${w - 1}, ${h - 1})`, zero = 'Q(0, 0)', sides = `Q(${w}, ${h})`;
  if (fill === 'edge') return `q = clamp(q, ${zero}, ${most});`;
  if (fill === 'reflect') {
    if (exact) return `q = abs(${most} - abs(${most} - abs(q)));`; // |q| < 2 n - 1 here
    const period = `Q(${Math.max(1, 2 * (w - 1))}, ${Math.max(1, 2 * (h - 1))})`;
    return `q = abs(q); q -= ${period} * floor(q / ${period}); q = min(q, ${period} - q);`;
  }
  if (fill === 'wrap') return exact ? `q = select(q, q + ${sides}, q < ${zero}); q = select(q, q - ${sides}, q > ${most});` : `q -= ${sides} * floor(q / ${sides});`;
  return exact ? `any(q < ${zero}) | any(q > ${most})` : `any(q < Q(-0.5)) | any(q >= ${sides} - 0.5)`;
}

/**
 * Random numbers of AugMix: strength up to `severity` tenths of rotation by 30 degrees, shear by 0.3, translation by a third, solarize, posterize
 * to 4 bits and below, autocontrast and equalize. A chain computes its geometry first, then its colours in the order autocontrast or equalize (of the stored
 * image's histogram), solarize, posterize.
 */
function drawMix({ o }: Transform, k: number, { w, h, views = 1 }: Augment): string {
  const block = (n: number) => `${n}u + 16u * view`;
  return `{
    const stage = ${k}u;
    let r = uniform4(philox(vec4u(index, op.epoch, stage, ${block(0)}), key));
    let e = -log(r.yzw + ${1 / 2 ** 25}); // Dirichlet(1, 1, 1) by exponentials
    d.m${k} = vec4f(1.0 - r.x, e / (e.x + e.y + e.z) * r.x);${views > 1 ? ` if (view == 0u) { d.m${k} = vec4f(1.0, 0.0, 0.0, 0.0); }` : ''}
    ${unroll(CHAINS, chain => `{
      var A = vec4f(1.0, 0.0, 0.0, 1.0); var B = vec4f(0.0, 0.0, 256.0, 1.0); // rows of the matrix; shift, threshold, step
      var tones = 0.0;
      let depth = 1.0 + floor(3.0 * uniform4(philox(vec4u(index, op.epoch, stage, ${block(1 + chain * 4)}), key)).x);
      for (var j = 0u; j < 3u; j++) {
        if (f32(j) >= depth) { break; }
        let u = uniform4(philox(vec4u(index, op.epoch, stage, ${block(2 + chain * 4)} + j), key));
        let kind = min(floor(9.0 * u.x), 8.0);
        let level = (0.1 + (${float(o.severity!)} - 0.1) * u.y) * 0.1;
        let s = select(level, -level, u.z < 0.5);
        var M = vec4f(1.0, 0.0, 0.0, 1.0); var T = vec2f(0.0);
        if (kind == 0.0) { let t = turn(s * ${degrees(30)}); M = vec4f(t.x, t.y, -t.y, t.x); }
        if (kind == 1.0) { M.y = 0.3 * s; }
        if (kind == 2.0) { M.z = 0.3 * s; }
        if (kind == 3.0) { T.x = s * ${float(w / 3)}; }
        if (kind == 4.0) { T.y = s * ${float(h / 3)}; }
        if (kind == 5.0) { B.z = 256.0 - 256.0 * level; }
        if (kind == 6.0) { B.w = exp2(4.0 + floor(4.0 * level)); }
        tones = max(tones, kind - 6.0);
        B = vec4f(A.x * T.x + A.y * T.y + B.x, A.z * T.x + A.w * T.y + B.y, B.zw);
        A = vec4f(A.x * M.x + A.y * M.z, A.x * M.y + A.y * M.w, A.z * M.x + A.w * M.z, A.z * M.y + A.w * M.w);
      }
      d.a${k}_${chain} = A; d.b${k}_${chain} = B; d.e${k}_${chain} = tones;
    }`)}
  }`;
}

/** The image `inner` mixed with its chains; what lies beyond the border is black. */
function mixed(k: number, inner: string, w: number, h: number): string {
  return `
fn mixed${k}(q : Q, i : u32, index : u32, image : u32, d : Draw) -> Px {
  let e = q - C;
  var v = d.m${k}.x * ${inner}(q, i, index, image, d);
  ${unroll(CHAINS, n => `{
    let A = d.a${k}_${n}; let B = d.b${k}_${n};
    let at = C + vec2f(dot(A.xy, e), dot(A.zw, e)) + B.xy;
    if (!(any(at < vec2f(-0.5)) | any(at >= vec2f(${w}.0, ${h}.0) - 0.5))) {
      var u = tone(d.e${k}_${n}, ${inner}(at, i, index, image, d), d.row);
      u = select(u, 255.0 - u, u >= Px(B.z));
      if (B.w > 1.0) { u = floor(u / B.w) * B.w; }
      v += d.m${k}.${'yzw'[n]} * u;
    }
  }`)}
  return v;
}`;
}
