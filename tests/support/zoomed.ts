/** Images of another size, for nets that take others than a data set has. */
import type { Dataset, Split } from '../../datasets/dataset.ts';

/** Images `zoom` times as high and wide, by the nearest pixel. */
export function zoomed(dataset: Dataset, zoom: number): Dataset {
  if (zoom === 1) return dataset;
  const {
    shape: [c, h, w],
  } = dataset;
  const high = h * zoom;
  const wide = w * zoom;
  const resize = (split: Split): Split => {
    const images = new Uint8Array(split.images.length * zoom * zoom);
    for (let i = 0; i < images.length; i++) {
      const plane = Math.floor(i / (high * wide));
      const row = Math.floor(i / wide) % high;
      images[i] = split.images[(plane * h + Math.floor(row / zoom)) * w + Math.floor((i % wide) / zoom)]!;
    }
    return { ...split, images };
  };
  return { ...dataset, shape: [c, high, wide], train: resize(dataset.train), test: resize(dataset.test) };
}
