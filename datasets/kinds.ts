/** The kinds of data sets that are known by name: IDX files, CIFAR's records, sets that are computed. */
import { check } from '../engine/check.ts';
import { first, makeSplit, type Split } from './dataset.ts';
import type { DataFile, DatasetInfo, Reader, Source } from './info.ts';

type Named = Pick<DatasetInfo, 'title' | 'classes'>;

/** The four files of MNIST and of what takes its place: their names and bytes. */
const IDX_FILES = {
  'train-images-idx3-ubyte': 47040016,
  'train-labels-idx1-ubyte': 60008,
  't10k-images-idx3-ubyte': 7840016,
  't10k-labels-idx1-ubyte': 10008,
} as const;

/** 60,000 and 10,000 grey images of 28x28; `hashes` in the order of IDX_FILES. */
export function idxSet(facts: Named, hashes: readonly [string, string, string, string], sources: readonly Source[]): DatasetInfo {
  const shape = [1, 28, 28] as const;
  const split = async (read: Reader, images: keyof typeof IDX_FILES, labels: keyof typeof IDX_FILES) => {
    const { parseIdxImages, parseIdxLabels } = await import('./idx.ts');
    const { data } = parseIdxImages(images, await read(images));
    return makeSplit(images, data, parseIdxLabels(labels, await read(labels)), shape, facts.classes.length);
  };
  return {
    ...facts,
    shape,
    train: 60000,
    test: 10000,
    sources,
    files: Object.entries(IDX_FILES).map(([name, bytes], i) => ({ name, bytes, sha256: hashes[i]! })),
    load: async (read, { limitTrain, limitTest }) => {
      const [train, test] = await Promise.all([
        split(read, 'train-images-idx3-ubyte', 'train-labels-idx1-ubyte'),
        split(read, 't10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'),
      ]);
      return { train: first(train, limitTrain), test: first(test, limitTest) };
    },
  };
}

/** Of an image of CIFAR. */
export const CIFAR_SHAPE = [3, 32, 32] as const;

/** 50,000 and 10,000 colour images of 32x32, in records that begin with `labelBytes` bytes (see readCifar). */
export function cifarSet(
  facts: Named,
  labelBytes: 1 | 2,
  files: { readonly train: readonly DataFile[]; readonly test: DataFile },
  sources: readonly Source[],
): DatasetInfo {
  const split = async (read: Reader, from: readonly DataFile[], n: number) => {
    // files are read side by side to where their images are to be, and closed up there: new memory takes longer to get than to fill
    const record = 3072 + labelBytes;
    const records = new Uint8Array(n * record);
    const images = records.subarray(0, n * 3072);
    const labels = new Uint16Array(n);
    const startOf = (i: number) => from.slice(0, i).reduce((sum, { bytes }) => sum + bytes, 0);
    const needed = from.filter((_, i) => startOf(i) < records.length);
    const contents = await Promise.all(needed.map(({ name }, i) => read(name, records.subarray(startOf(i)))));
    const { readCifar } = await import('./cifar.ts');
    let at = 0;
    for (const [i, bytes] of contents.entries()) at = readCifar(needed[i]!.name, bytes, labelBytes, images, labels, at);
    check(at === n, `${from.at(-1)!.name}: ${at} images seen, ${n} expected`, 'the file is truncated');
    return makeSplit(from[0]!.name, images, labels, CIFAR_SHAPE, facts.classes.length);
  };
  return {
    ...facts,
    shape: CIFAR_SHAPE,
    train: 50000,
    test: 10000,
    files: [...files.train, files.test],
    sources,
    load: async (read, { limitTrain = 50000, limitTest = 10000 }) => {
      const [train, test] = await Promise.all([
        split(read, files.train, Math.min(limitTrain, 50000)),
        split(read, [files.test], Math.min(limitTest, 10000)),
      ]);
      return { train, test };
    },
  };
}

/** Samples that are made when they are asked for: the test set is what follows the training set. */
export const computedSet = (
  facts: Omit<DatasetInfo, 'load' | 'files' | 'sources'>,
  make: (count: number, from: number) => Split | Promise<Split>,
): DatasetInfo => ({
  ...facts,
  files: [],
  sources: [],
  load: async (_, { limitTrain = facts.train, limitTest = facts.test }) => ({
    train: await make(Math.min(limitTrain, facts.train), 0),
    test: await make(Math.min(limitTest, facts.test), facts.train),
  }),
});
