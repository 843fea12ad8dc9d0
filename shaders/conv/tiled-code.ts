/** WGSL of the convolutions of tiled.ts, which GPUs alone compute so: loaded when one is compiled. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { axesOf, constants } from './constants.ts';
import { filterSize, isInside, type Conv, type ConvWeight } from './shape.ts';
import { arePhasesWhole, backwardInputForm, backwardWeightForm, forwardForm, phaseSize, pointwise, tapsOfPhase } from './tiled.ts';
import { finish } from '../kernel/epilogue.ts';
import { accumulated } from '../kernel/gradient.ts';
import { areaOf } from '../kernel/pair.ts';
import { fitsVec4, XYZW } from '../kernel/wgsl.ts';
import { linear } from '../product/operand.ts';
import type { Tiled } from '../product/product.ts';
import { unfolded } from '../product/unfolded.ts';

/** WGSL: the first input channel of a group. */
const GROUP = 'batch * u32(CG)';

/** WGSL that declares what the tap `tap` of a channel `c` adds to where a window begins. */
const tapOf = (p: Conv): string => {
  const [h, w] = axesOf(p);
  return `
  let h = tap / u32(${w.k}) * u32(${h.dil}); let w = tap % u32(${w.k}) * u32(${w.dil});
  let i = (c * u32(H) + h) * u32(W) + w;`;
};

/** Whether the pixel `j` of four neighbours in a row of outputs can meet a column outside the image. */
const meetsOutside =
  ({ k, stride, pad, dilation, w, ow }: Conv) =>
  (j: number): boolean =>
    j * stride[1] < pad[1] || (ow - 4 + j) * stride[1] - pad[1] + (k[1] - 1) * dilation[1] >= w;

export const forward: Tiled<Conv> = {
  ...forwardForm,
  a: p => {
    const [taps, ofGroup, all] = [areaOf(p.k), p.o / p.groups, filterSize(p)];
    return p.flip
      ? linear({
          ...forwardForm.a(p),
          base: `(${GROUP} * ${ofGroup}u + at) * ${taps}u`,
          offset: `k / ${taps}u * ${ofGroup * taps}u + ${taps - 1}u - k % ${taps}u`,
          step: taps,
        })
      : linear({ ...forwardForm.a(p), base: `(batch * ${ofGroup}u + at) * ${all}u`, offset: 'k', step: all });
  },
  b: p => {
    const area = p.oh * p.ow;
    const layout = forwardForm.b(p);
    if (layout.vec4) {
      const base = `(at / ${area}u * ${p.c}u + ${GROUP}) * ${area}u + at % ${area}u`;
      return linear({ ...layout, base, offset: `k * ${area}u`, step: 1 });
    }
    const [h, w] = axesOf(p);
    return unfolded({
      ...layout,
      h: p.h,
      w: p.w,
      place: `
  let h = at / OW % OH * ${h.stride} - ${h.pad}; let w = at % OW * ${w.stride} - ${w.pad};
  let i = ((at / (OH * OW) * C + ${GROUP}) * H + h) * W + w;`,
      depth: `let c = k / u32(KK); let tap = k % u32(KK);${tapOf(p)}`,
      row: fitsVec4(p.ow) ? { step: p.stride[1], outside: meetsOutside(p) } : undefined,
      masked: !isInside(p),
    });
  },
  code: (p, y) => {
    const bias = p.bias ? ' + bias[o]' : '';
    const products = p.recorded?.of === 'products';
    return `${constants(p)}${wgsl`
${finish(p.epilogue, y.type)}
fn placeOf(o : u32, pixel : u32) -> u32 {
  return ((pixel / u32(OH * OW) * u32(O) + o) * u32(OH * OW) + pixel % u32(OH * OW))${y.index};
}
fn store(m : u32, pixel : u32, sum : ${y.type})${products ? ` -> ${y.type}` : ''} {
  let o = batch * u32(OG) + m;
  let at = placeOf(o, pixel);
  let v = finish(sum${bias}, at);
  y[at] = v;
  ${products ? 'return v;' : ''}
}
#if ${products}
fn paired(m : u32, pixel : u32, v : vec4f) -> vec4f {
  let o = batch * u32(OG) + m;
  return v * (normalised[placeOf(o, pixel)] - stats[o]);
}
#endif
#if ${p.recorded !== undefined}
fn record(m : u32, pixel : u32, first : f32, second : f32) {
  let o = batch * u32(OG) + m; let at = (pixel / ${p.recorded?.columns}u * u32(O) + o) * 2u;
  partial[at] = first${products ? '' : bias};
  partial[at + 1u] = second;
}
#endif`}`;
  },
};

/**
 * WGSL that declares for each axis of `product`, one of the batch: its `phase`, the `first` tap that meets it, how many `taps` do, and by
 * how many output pixels the window of a pixel is `ahead`.
 */
const phaseOf = (p: Conv, product: string): string => {
  const [sh, sw] = p.stride;
  const axis = (name: string, i: 0 | 1, phase: string) => {
    const [stride, pad, k] = [p.stride[i], p.pad[i], p.k[i]];
    return `
  let phase${name} = ${phase}; let first${name} = (phase${name} + ${pad}u) % ${stride}u;
  let taps${name} = (${k + stride - 1}u - first${name}) / ${stride}u; let ahead${name} = (phase${name} + ${pad}u) / ${stride}u;`;
  };
  return axis('H', 0, `${product} % ${sh * sw}u / ${sw}u`) + axis('W', 1, `${product} % ${sw}u`);
};

/** WGSL that declares the channel and the tap at `k` of a phase, as the how manieth of the phase in both axes. Channels lie side by side. */
const phaseTap = (p: Conv): string => {
  const [ofGroup, most] = [p.o / p.groups, tapsOfPhase(p, 1)];
  const at = (n: number) => (n > 1 ? [`tap / ${n}u`, `tap % ${n}u`] : ['tap', '0u']);
  const [row, column] = at(most).map((full, i) => (most > 1 ? `select(${at(most - 1)[i]}, ${full}, tapsW == ${most}u)` : full));
  return `${phaseOf(p, 'batch')}
  let o = k % ${ofGroup}u; let tap = k / ${ofGroup}u;
  let r = ${row}; let s = ${column};`;
};

export const backwardInput: Tiled<Conv> = {
  ...backwardInputForm,
  endOfK: p => ({
    declared: phaseOf(p, 'product'),
    end: `tapsH * tapsW * ${p.o / p.groups}u`,
    divides: depth => (p.o / p.groups) % depth === 0,
  }),
  a: p => {
    const [c, o] = [p.c / p.groups, p.o / p.groups];
    const taps = areaOf(p.k);
    return linear({
      ...backwardInputForm.a(p),
      base: `(batch / ${areaOf(p.stride)}u * ${o * c}u + at) * ${taps}u`,
      declared: phaseTap(p),
      offset: `o * ${c * taps}u + (firstH + r * ${p.stride[0]}u) * ${p.k[1]}u + firstW + s * ${p.stride[1]}u`,
      step: taps,
    });
  },
  b: p => {
    const [rows, columns] = phaseSize(p);
    const { n: _, oh, ow, o, groups, pad, stride } = p;
    /** Columns of dy that the windows of a pixel reach ahead, and back. */
    const [ahead, back] = [Math.floor((stride[1] - 1 + pad[1]) / stride[1]), tapsOfPhase(p, 1) - 1];
    return unfolded({
      ...backwardInputForm.b(p),
      h: oh,
      w: ow,
      place: `${phaseOf(p, 'batch')}
  let h = at / ${columns}u % ${rows}u + aheadH; let w = at % ${columns}u + aheadW;
  let i = ((at / ${rows * columns}u * ${o}u + batch / ${areaOf(stride)}u * ${o / groups}u) * ${oh}u + h) * ${ow}u + w;`,
      depth: `${phaseTap(p)}
  let h = 0u - r; let w = 0u - s;
  let i = (o * ${oh}u + h) * ${ow}u + w;`,
      row: fitsVec4(columns) ? { step: 1, outside: j => j < back || columns - 4 + j + ahead >= ow } : undefined,
      masked: true,
    });
  },
  code: p => {
    const [rows, columns] = phaseSize(p);
    const phases = areaOf(p.stride);
    const [c, sh, sw] = [p.c / p.groups, ...p.stride];
    const { recorded } = p;
    return wgsl`
${finish(p.epilogue, 'f32')}
fn channelOf(m : u32) -> u32 { return batch / ${phases}u * ${c}u + m; }
fn rowOf(pixel : u32) -> u32 { return pixel / ${columns}u % ${rows}u * ${sh}u + batch % ${phases}u / ${sw}u; }
fn columnOf(pixel : u32) -> u32 { return pixel % ${columns}u * ${sw}u + batch % ${sw}u; }
fn placeOf(c : u32, pixel : u32) -> u32 {
  return ((pixel / ${rows * columns}u * ${p.c}u + c) * ${p.h}u + rowOf(pixel)) * ${p.w}u + columnOf(pixel);
}
fn store(m : u32, pixel : u32, sum : f32)${recorded ? ' -> f32' : ''} {
  ${arePhasesWhole(p) ? '' : `if (rowOf(pixel) >= ${p.h}u || columnOf(pixel) >= ${p.w}u) { return; }`}
  let c = channelOf(m); let at = placeOf(c, pixel);
  let v = finish(sum${p.bias ? ' + bias[c]' : ''}, at);
  dx[at] = v;
  ${recorded ? 'return v;' : ''}
}
#if ${recorded !== undefined}
fn paired(m : u32, pixel : u32, v : vec4f) -> vec4f {
  let c = channelOf(m);
  return v * (vec4f(${XYZW.map((_, j) => `normalised[placeOf(c, pixel + ${j}u)]`).join(', ')}) - stats[c]);
}
fn record(m : u32, pixel : u32, first : f32, second : f32) {
  let run = batch % ${phases}u * ${(p.n * rows * columns) / (recorded?.columns ?? 1)}u + pixel / ${recorded?.columns}u;
  let at = (run * ${p.c}u + channelOf(m)) * 2u;
  partial[at] = first;
  partial[at + 1u] = second;
}
#endif`;
  },
};

export const backwardWeight: Tiled<ConvWeight> = {
  ...backwardWeightForm,
  a: p => {
    const { o, oh, ow, groups } = p;
    const area = oh * ow;
    const [base, offset] = [`(batch * ${o / groups}u + at) * ${area}u`, `k / ${area}u * ${o * area}u + k % ${area}u`];
    return linear({ ...backwardWeightForm.a(p), base, offset, step: area });
  },
  b: p => {
    if (pointwise(p)) {
      const area = p.oh * p.ow;
      const offset = `k / ${area}u * ${p.c * area}u + k % ${area}u`;
      return linear({ ...backwardWeightForm.b(p), base: `(${GROUP} + at) * ${area}u`, offset, step: area });
    }
    const [h, w] = axesOf(p);
    return unfolded({
      ...backwardWeightForm.b(p),
      h: p.h,
      w: p.w,
      place: `
  let tap = at % KK;
  let h = tap / ${w.k} * ${h.dil} - ${h.pad}; let w = tap % ${w.k} * ${w.dil} - ${w.pad};
  let i = ((${GROUP} + at / KK) * H + h) * W + w;`,
      depth: `
  let h = k / OW % OH * ${h.stride}; let w = k % OW * ${w.stride};
  let i = (k / (OH * OW) * (C * H) + h) * W + w;`,
      masked: !isInside(p),
    });
  },
  code: (p, y) => `${constants(p)}
fn store(m : u32, n : u32, v : ${y.type}) {
  let at = (((slice * ${p.groups}u + batch) * u32(OG) + m) * u32(CG * KK) + n)${y.index};
  dweight[at] = ${accumulated(p.gradient, 'dweight[at]')};
}`,
};
