/** Moments of images that lie on the device, taken there: on the host they would take as long as all else before the first step. */
import type { Dataset } from '../../datasets/dataset.ts';
import { Graph } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { Memory } from '../../engine/memory.ts';
import { Program } from '../../engine/program.ts';
import type { Pages } from '../../shaders/images/pages.ts';
import { imageSums, MOST_SUMMED } from '../../shaders/images/sums.ts';
import { bytesOfImage, type RunData } from './data.ts';
import type { PartImages } from './split.ts';
import { momentsOf, type Moments } from './statistics.ts';

/** Bytes of images of which the host takes the moments sooner than a device compiles a kernel for it. */
const FEW_BYTES = 16 * 2 ** 20;

/** Whether the device should take the moments of a run's training images: they are asked for, all there, and the host would take longer. */
export function isWorthMeasuring({ dataset, normalisation }: RunData, { part, n }: PartImages, { h, w, stream, floats }: Pages): boolean {
  const canMeasure = part === 'train' && !stream && !floats && h * w <= MOST_SUMMED;
  return canMeasure && normalisation.needsChannels && n * bytesOfImage(dataset) > FEW_BYTES;
}

/** Mean and deviation of each channel over those images [c, h, w] of the pages whose numbers, counted over all pages, are `indices`. */
export async function measure(
  memory: Memory,
  pages: readonly { readonly images: Tensor; readonly n: number }[],
  [c, h, w]: Dataset['shape'],
  indices: Uint32Array,
): Promise<Moments> {
  const plane = h * w;
  const g = new Graph({ training: false, profile: memory.device.profile });
  const parts = pages.map(({ images, n }) => {
    const sums = g.tensor([n, c, 2]);
    g.run(imageSums, { n, c, plane }, { images, sums });
    g.kept.add(sums);
    return sums;
  });
  const program = await Program.compile(memory, g);
  program.run();
  const ofImages: Uint32Array[] = [];
  for (const part of parts) {
    const { buffer, byteOffset, length } = await program.read(part);
    ofImages.push(new Uint32Array(buffer, byteOffset, length));
  }
  program.destroy();

  const sums = new Float64Array(c);
  const squares = new Float64Array(c);
  const perPage = pages[0]!.n;
  for (const index of indices) {
    const page = ofImages[Math.floor(index / perPage)]!;
    const image = (index % perPage) * c;
    for (let k = 0; k < c; k++) {
      sums[k]! += page[2 * (image + k)]!;
      squares[k]! += page[2 * (image + k) + 1]!;
    }
  }
  return momentsOf(sums, squares, indices.length * plane);
}
