/**
 * WGSL of random transforms of images, generated from the list that is asked for. A list means what it means when images are made one after
 * the other, in the order written; it is computed backwards: the position of a pixel is carried through the geometric transforms to the
 * stored image, which is looked up once. Positions are pixel numbers, (0, 0) being the centre of the first; values are bytes, 0 to 255, or
 * float32, of which what is of bytes alone (KINDS) makes nothing.
 *
 * The WGSL of a transform (kinds.ts, augmix.ts) may use, everywhere:
 *
 *   Px, Q      the types of a pixel with all its channels, and of a position (whole numbers where no transform needs more)
 *   C          the centre of an image
 *   d          what is random of the image (Draw): d.p3 are the numbers of transform 3, d.row the image's number in its batch
 *   index      the image's number in the data set
 *   key        the second key of its random words
 *   stage      the transform's number in the list, a part of the counter of its random words
 *   view       which of the views of an image is made
 *   turn, slope, place, grey, tone, pixel, stored
 *
 * and besides, while numbers are drawn once for an image:
 *
 *   bits, r    random words, and uniform numbers in [0, 1) from them
 *
 * and while a pixel is computed, backwards from its position to the stored image and onward to its colour:
 *
 *   p          the transform's own numbers
 *   at, i      the pixel's position in the image that is made, and its number
 *   q          its position before the transforms that come after
 *   since      the transform from whose fill it comes; -1 where it comes from the stored image
 *   v          its colour so far
 *   mean       the image's mean grey, where a transform asks for contrast
 *   image      where the stored image lies
 */
import { KINDS, type Kind } from './kinds.ts';
import { drawMix, mixed, mixFields } from './augmix.ts';
import { tablesWgsl } from './tables-code.ts';
import { usesTables, type Augment, type Fill, type Transform } from './transform.ts';
import { float, range } from '../kernel/wgsl.ts';
import { STREAMS } from '../kernel/random.ts';

const kindOf = ({ name }: Transform): Kind => KINDS[name];

/** WGSL functions that transforms call, each once. */
const functionsOf = (a: Augment): string => [...new Set(a.list.map(t => kindOf(t).functions))].map(f => f?.(a) ?? '').join('');

/** WGSL `p`, the numbers of transform `t`, the k-th, if it draws any. */
const numbersOf = (t: Transform, k: number) => (kindOf(t).draw ? `let p = d.p${k};` : '');

/**
 * Functions `draw(index, row) -> Draw` (what is random of an image, number `row` of its batch) and `look(q, i, index, image, d) -> Px` (its
 * pixel number i). They use `byteAt(image, at)`, byte `at` of an image (or `valueAt`), and op.seed and op.epoch: an image of an epoch is the
 * same in every batch and order.
 */
export function augmentWgsl(a: Augment): string {
  const { list, c, w, h } = a;
  const exact = list.every(t => t.name !== 'augmix' && (!kindOf(t).map || kindOf(t).exact));
  const wraps = list.find(t => kindOf(t).map && t.fill !== undefined)?.fill === 'wrap';
  const fields = list.flatMap((t, k) => (t.name === 'augmix' ? mixFields(k) : kindOf(t).draw ? [`p${k} : vec4f`] : []));
  const greyOf = c === 3 ? 'dot(v, vec3f(0.299, 0.587, 0.114))' : c === 1 ? 'v' : `dot(v, Px(${float(1 / c)}))`;
  const nearest = `
  let at = clamp(q, vec2i(0), vec2i(${w - 1}, ${h - 1}));
  return pixel(image, at.x, at.y);`;
  const interpolated = `
  const most = vec2i(${w - 1}, ${h - 1});
  let low = floor(q); let f = q - low;
  let a = clamp(vec2i(low), vec2i(0), most); var b = clamp(vec2i(low) + 1, vec2i(0), most);
  ${wraps ? 'b = select(b, vec2i(0), vec2i(low) + 1 > most);' : ''}
  return mix(mix(pixel(image, a.x, a.y), pixel(image, b.x, a.y), f.x), mix(pixel(image, a.x, b.y), pixel(image, b.x, b.y), f.x), f.y);`;
  return `alias Px = ${c === 1 ? 'f32' : `vec${c}f`};
alias Q = vec2${exact ? 'i' : 'f'};
const C = vec2f(${float((w - 1) / 2)}, ${float((h - 1) / 2)});
var<private> view : u32; // which of the views of an image this is
struct Draw { ${[...fields, 'row : u32'].join(', ')} }
fn grey(v : Px) -> f32 { return ${greyOf}; }
// series up to |angle| = pi: the built-in functions are allowed errors of 2^-11
fn turn(angle : f32) -> vec2f {
  let s = angle * angle;
  var sine = 1.0; var cosine = 1.0;
  for (var n = 20.0; n > 1.0; n -= 2.0) {
    cosine = 1.0 - s / (n * (n - 1.0)) * cosine;
    sine = 1.0 - s / (n * (n + 1.0)) * sine;
  }
  return vec2f(cosine, sine * angle);
}
fn slope(angle : f32) -> f32 { let t = turn(angle); return t.y / t.x; }
fn place(share : f32, room : vec2f) -> vec4f { return vec4f(share, room * (1.0 - share), 0.0); }
${usesTables(list) ? tablesWgsl(c) : ''}${functionsOf(a)}
fn draw(index : u32, row : u32) -> Draw {
  let key = vec2u(op.seed, ${STREAMS.augment}u);
  var d : Draw;
  d.row = row;
  ${list.map((t, k) => (t.name === 'augmix' ? drawMix(t, k, a) : drawOne(t, k, a))).join('\n  ')}
  return d;
}
fn pixel(image : u32, x : i32, y : i32) -> Px {
  let at = u32(y * ${w} + x);
  return Px(${range(c)
    .map(k => (a.unit === 1 ? `valueAt(image, at + ${k * h * w}u)` : `f32(byteAt(image, at + ${k * h * w}u))`))
    .join(', ')});
}
fn stored(q : Q, i : u32, index : u32, image : u32, d : Draw) -> Px {
  ${exact ? nearest : interpolated}
}
${stages(a, exact).join('\n')}`;
}

/** WGSL functions of the runs of transforms between mixtures, and of these, each in terms of the one before; the last is `look`. */
function stages(a: Augment, exact: boolean): string[] {
  const functions: string[] = [];
  let first = 0;
  let inner = 'stored';
  let name = 'look0';
  a.list.forEach((t, k) => {
    if (t.name !== 'augmix') return;
    functions.push(segment(a, { first, end: k, name, inner, exact }), mixed(k, name, a));
    first = k + 1;
    inner = `mixed${k}`;
    name = `look${k + 1}`;
  });
  return [...functions, segment(a, { first, end: a.list.length, name: 'look', inner, exact })];
}

function drawOne(t: Transform, k: number, a: Augment): string {
  const made = kindOf(t).draw?.(t.o, a);
  if (!made) return '';
  const random = 'let bits = philox(vec4u(index, op.epoch, stage, 0u), key); let r = uniform4(bits);';
  return `{ const stage = ${k}u; ${random} d.p${k} = ${made}; }`;
}

interface Segment {
  first: number;
  end: number;
  name: string;
  /** The function that gives the image before transform `first`. */
  inner: string;
  exact: boolean;
}

/** WGSL function `name`: the image after transforms `first` to `end` - 1. */
function segment(a: Augment, { first, end, name, inner, exact }: Segment): string {
  const contrasts = a.list.slice(first, end).some(t => t.name === 'contrast');
  const back: string[] = [];
  const onward: string[] = [];
  let stops = false; // whether a pixel may be a fill's, so that only the transforms since then change its colour
  for (let k = end - 1; k >= first; k--) {
    const t = a.list[k]!;
    const { map, covers } = kindOf(t);
    const use = (code: string) => `{ ${numbersOf(t, k)} ${code} }`;
    if (map) back.push(use(`q = ${map(t.o, a)};`));
    const outside = covers?.(t.o) ?? (map && t.fill !== undefined ? beyond(t.fill, a, exact) : undefined);
    if (outside && (covers || typeof t.fill === 'number' || t.fill === 'mean')) {
      stops = true;
      const value = t.fill === 'mean' ? a.mean.map(m => float(a.unit * m)).join(', ') : float(t.fill as number);
      back.push(use(`if (since < 0) { if (${outside}) { since = ${k}; v = Px(${value}); } }`));
    } else if (outside) back.push(outside);
  }
  for (let k = first; k < end; k++) {
    const t = a.list[k]!;
    const made = kindOf(t).colour?.(t.o, a);
    if (made) onward.push(`${stops ? `if (since < ${k}) ` : ''}{ const stage = ${k}u; ${numbersOf(t, k)} v = ${made}; }`);
    if (contrasts && t.name === 'brightness') onward.push(`mean *= d.p${k}.x;`);
  }
  return `
fn ${name}(at : Q, i : u32, index : u32, image : u32, d : Draw) -> Px {
  let key = vec2u(op.seed, ${STREAMS.augment}u);
  var q = at;
  var v : Px;
  var since = -1;
  ${contrasts ? 'var mean = grey(meanColour(d.row));' : ''}
  ${back.join('\n  ')}
  if (since < 0) { v = ${inner}(q, i, index, image, d); }
  ${onward.join('\n  ')}
  return v;
}`;
}

/** WGSL of a position beyond the border: whether it is (half a pixel past the centre of the last one), or what brings it back. */
function beyond(fill: Fill, { w, h }: Augment, exact: boolean): string {
  const most = `Q(${w - 1}, ${h - 1})`;
  const zero = 'Q(0, 0)';
  const sides = `Q(${w}, ${h})`;
  if (fill === 'edge') return `q = clamp(q, ${zero}, ${most});`;
  if (fill === 'reflect') {
    if (exact) return `q = abs(${most} - abs(${most} - abs(q)));`; // |q| < 2 n - 1 here
    const period = `Q(${Math.max(1, 2 * (w - 1))}, ${Math.max(1, 2 * (h - 1))})`;
    return `q = abs(q); q -= ${period} * floor(q / ${period}); q = min(q, ${period} - q);`;
  }
  if (fill === 'wrap')
    return exact
      ? `q = select(q, q + ${sides}, q < ${zero}); q = select(q, q - ${sides}, q > ${most});`
      : `q -= ${sides} * floor(q / ${sides});`;
  return exact ? `any(q < ${zero}) | any(q > ${most})` : `any(q < Q(-0.5)) | any(q >= ${sides} - 0.5)`;
}
