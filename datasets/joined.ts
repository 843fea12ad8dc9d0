/** Two splits of a data set as one. */
import { bytesOf, imagesOf, valuesOf, type Dataset, type Split, type Values } from './dataset.ts';

/** The images of `a`, and after them those of `b`; on the disk where one of the two is. */
export function joined(a: Split, b: Split, shape: Dataset['shape'], dtype: Dataset['dtype']): Split {
  const size = shape[0] * shape[1] * shape[2] * (dtype === 'float32' ? 4 : 1);
  const isStored = Boolean(a.stored ?? b.stored);
  const read = async (wanted: Uint32Array): Promise<Values> => {
    const out = new Uint8Array(wanted.length * size);
    for (const [split, first] of [[a, 0] as const, [b, a.n] as const]) {
      const places = [...wanted.keys()].filter(i => wanted[i]! >= first && wanted[i]! < first + split.n);
      if (!places.length) continue;
      const images = await imagesOf(
        split,
        size,
        Uint32Array.from(places, i => wanted[i]! - first),
      );
      for (const [k, i] of places.entries()) out.set(images.subarray(k * size, (k + 1) * size), i * size);
    }
    return valuesOf(out, dtype);
  };
  return {
    images: valuesOf(isStored ? new Uint8Array() : concatenated(Uint8Array, bytesOf(a.images), bytesOf(b.images)), dtype),
    labels: concatenated(Uint16Array, a.labels, b.labels),
    ...(a.targets && b.targets && { targets: concatenated(Float32Array, a.targets, b.targets) }),
    n: a.n + b.n,
    ...(isStored && { stored: { read } }),
  };
}

function concatenated<A extends Uint8Array | Uint16Array | Float32Array>(make: new (n: number) => A, a: A, b: A): A {
  const all = new make(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
