/** The WGSL of whiteout (Li & Liu 2016), for noise.ts. */
import { accumulated, type Gradient } from '../kernel/gradient.ts';
import { float } from '../kernel/wgsl.ts';

/** weight [o, c]; noise of each product w x has variance w^2 (sigma^2 |w|^-gamma + lambda), so that output k has their sum's deviation. */
export interface Whiteout {
  n: number;
  o: number;
  c: number;
  sigma: number;
  gamma: number;
  lambda: number;
}

export const deviation = (p: Whiteout): string => `
  var sum = 0.0;
  for (var j = 0u; j < ${p.c}u; j++) {
    let w = abs(weight[i * ${p.c}u + j]);
    sum += ${float(p.sigma ** 2)} * select(0.0, exp(log(w) * ${float(2 - p.gamma)}), w > 0.0) + ${float(p.lambda)} * w * w;
  }
  deviation[i] = sqrt(sum);`;

export const backward = (p: Whiteout & { gradient: Gradient }): string => `
  var sum = 0.0;
  for (var n = 0u; n < ${p.n}u; n++) { sum += dy[n * ${p.o}u + i] * z[n * ${p.o}u + i]; }
  let scale = select(0.0, sum * 0.5 / deviation[i], deviation[i] > 0.0);
  for (var j = 0u; j < ${p.c}u; j++) {
    let at = i * ${p.c}u + j;
    let w = weight[at]; let size = abs(w);
    let slope = select(0.0, exp(log(size) * ${float(1 - p.gamma)}) * sign(w) * ${float(p.sigma ** 2 * (2 - p.gamma))}, size > 0.0);
    let v = scale * (slope + ${float(2 * p.lambda)} * w);
    dweight[at] = ${accumulated(p.gradient, 'dweight[at]')};
  }`;
