/** Moments of images that lie on the device, taken there: on the host they would take as long as all else before the first step. */
import { Graph, type Tensor } from '../../engine/graph.ts';
import { Program, type Memory } from '../../engine/program.ts';
import { imageSums } from '../../shaders/images/sums.ts';
import { momentsOf, type Moments } from './statistics.ts';

/** Images [n, c, plane] in the pages of a data set. */
export interface Page {
  readonly images: Tensor;
  readonly n: number;
}

/** Mean and deviation of each channel over those of the images whose numbers, counted over all pages, are `indices`. */
export async function measure(memory: Memory, pages: readonly Page[], c: number, plane: number, indices: Uint32Array): Promise<Moments> {
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
