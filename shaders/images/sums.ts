import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { kernel } from '../kernel/define.ts';
import { ceilDiv, values } from '../kernel/loops.ts';

/** `n` images of c channels of `plane` bytes each, every image filled up to whole words. */
export interface ImageSums {
  n: number;
  c: number;
  plane: number;
}

/** Most bytes of a channel: the squares of so many sum up below 2^32. */
export const MOST_SUMMED = 65536;

/** sums [n, c, 2]: of each channel of each image the sum of its bytes, and that of their squares. Exact. */
export const imageSums = kernel({
  name: 'image_sums',
  bindings: { images: 'read u32', sums: 'write u32' },
  over: (p: ImageSums, d) => values(p.n * p.c, d),
  body: p => {
    const inWords = p.plane % 4 === 0; // then each channel begins with a word
    const words = ceilDiv(p.c * p.plane, 4);
    return wgsl`
    let image = (i / ${p.c}u) * ${words}u;
    #if ${inWords}
    let start = image + (i % ${p.c}u) * ${p.plane / 4}u;
    var sum = vec4u(0u);
    var squares = vec4u(0u);
    for (var at = start; at < start + ${p.plane / 4}u; at++) {
      let bytes = (vec4u(images[at]) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u);
      sum += bytes;
      squares += bytes * bytes;
    }
    sums[2u * i] = sum.x + sum.y + sum.z + sum.w;
    sums[2u * i + 1u] = squares.x + squares.y + squares.z + squares.w;
    #else
    let start = (i % ${p.c}u) * ${p.plane}u;
    var sum = 0u;
    var squares = 0u;
    for (var at = start; at < start + ${p.plane}u; at++) {
      let byte = (images[image + at / 4u] >> (8u * (at % 4u))) & 255u;
      sum += byte;
      squares += byte * byte;
    }
    sums[2u * i] = sum;
    sums[2u * i + 1u] = squares;
    #endif`;
  },
});
