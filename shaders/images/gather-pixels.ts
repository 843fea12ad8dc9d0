/** WGSL that gathers images pixel by pixel: loaded where they are transformed or mixed. */
import { unroll, XYZW } from '../kernel/wgsl.ts';
import { augmentWgsl } from './augment.ts';
import { copyLabel, target, type Gather } from './gather-labels.ts';
import { placeOf } from './pages.ts';

/**
 * WGSL: what image number `at` of the batch, `index` of the data set, draws its random words by; `first` is the place in the epoch of the
 * batch's first, which ranks that share batches count alike. 2654435769 spreads neighbours.
 */
const drawnBy = ({ repeats }: Gather, at: string, index: string): string =>
  repeats ? `(${index} ^ ((op.first + ${at}) * 2654435769u))` : index;

/** WGSL: what is random of the partner that an image is mixed with, and their soft label. */
const drawPartner = (p: Gather) => `
  let partner = (image + op.mixShift) % ${p.n}u;
  let index2 = order[op.offset + partner];
  let place2 = ${placeOf(p, 'op.offset + partner', 'index2')};
  let by2 = ${drawnBy(p, 'partner', 'index2')};
  let d2 = draw(by2, partner);
  if (group.x == 0u && lane == 0u) {
    for (var k = 0u; k < ${p.classes}u; k++) {
      ${
        p.regression
          ? `soft[image * ${p.classes}u + k] = op.mixShare * ${target(p, 'index')} + (1.0 - op.mixShare) * ${target(p, 'index2')};`
          : `let own = select(0.0, op.mixShare, k == labelsAll[index]);
      soft[image * ${p.classes}u + k] = own + select(0.0, 1.0 - op.mixShare, k == labelsAll[index2]);`
      }
    }
  }`;

/** WGSL: the pixel `v` of an image and its partner, from the box of cutmix or mixed by the ratio of mixup. */
const lookAtBoth = `
    var v : Px;
    let inBox = (column >= op.mixX0) & (column < op.mixX1) & (y >= op.mixY0) & (y < op.mixY1);
    if (inBox) {
      v = look(q, at, by2, place2, d2);
    } else {
      v = look(q, at, by, place, d);
      if (op.mixRatio < 1.0) { v = v * op.mixRatio + look(q, at, by2, place2, d2) * (1.0 - op.mixRatio); }
    }`;

/** WGSL: the pixels of an image after its transforms, mixed with those of a partner where that is asked for. */
export function makePixels(p: Gather) {
  const storeLabel = `if (group.x == 0u && lane == 0u && plane < ${p.n}u) { ${copyLabel(p)} }`;
  const store = (k: number) => {
    const value = p.c > 1 ? `v.${XYZW[k]}` : 'v';
    return `x[plane * SIZE + ${k}u * PLANE + at] = ${value} * norm[${k}u * PLANE + at] + norm[SIZE + ${k}u * PLANE + at];`;
  };
  const { augment = [], mean = [], colour = [] } = p;
  return {
    declared: augmentWgsl({ ...p, list: augment, unit: p.floats ? 1 : 255, mean, colour }),
    before: `
  ${(p.views ?? 1) > 1 ? `view = plane / ${p.n}u;` : ''}
  let by = ${drawnBy(p, 'image', 'index')};
  let d = draw(by, image);
  ${p.mix ? drawPartner(p) : storeLabel}`,
    each: `
    let y = at / ${p.w}u; let column = at - y * ${p.w}u;
    let q = Q(vec2u(column, y));
    ${p.mix ? lookAtBoth : 'let v = look(q, at, by, place, d);'}
    ${unroll(p.c, store)}`,
  };
}
