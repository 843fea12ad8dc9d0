/** What is known of a data set by its name, before anything of it is read. */
import type { Parameters } from '../engine/parameter.ts';
import type { Dataset, Limits, Split } from './dataset.ts';

/** A file as it lies in the cache, decompressed. */
export interface DataFile {
  readonly name: string;
  readonly bytes: number;
  /** The hash of the decompressed bytes. */
  readonly sha256: string;
}

/** A place that has the files. */
export type Source = GzipSource | ArchiveSource | DebianSource | NpmSource;

/** Each file at `url` + its name + `.gz`. */
export interface GzipSource {
  readonly kind: 'gzip';
  readonly url: string;
  /** Where any page in a browser may read them (by Access-Control-Allow-Origin): the bytes of all files, compressed. */
  readonly toPages?: { readonly bytes: number };
}

/** All files in `folder` of one .tar.gz. */
export interface ArchiveSource {
  readonly kind: 'archive';
  readonly url: string;
  readonly folder: string;
  readonly bytes: number;
}

/** `.gz` files in `folder` of a Debian package. */
export interface DebianSource {
  readonly kind: 'debian';
  readonly package: string;
  readonly folder: string;
  readonly bytes: number;
}

/** A package with CIFAR-10 as PNG atlases [10000 rows of one image, 1024, 3] and labels as JSON files of the names given. */
export interface NpmSource {
  readonly kind: 'npm';
  readonly package: string;
  readonly bytes: number;
  readonly trainLabels: string;
  readonly testLabels: string;
}

/** Gives a file's decompressed bytes; in `room`, which is to be their place, or elsewhere. */
export type Reader = (file: string, room?: Uint8Array) => Promise<Uint8Array>;

export interface DatasetInfo extends Pick<Dataset, 'shape' | 'classes' | 'outputs' | 'inputs' | 'dtype'> {
  readonly title: string;
  /** What follows the name in a spec, as in `sine:points=100,noise=0.1`; numbers of samples and the like are then those of its defaults. */
  readonly options?: Parameters;
  readonly train: number;
  readonly test: number;
  /** Empty for sets that are computed. */
  readonly files: readonly DataFile[];
  /** Tried in this order. */
  readonly sources: readonly Source[];
  /** The splits, and what options change of what is known of the set. */
  readonly load: (read: Reader, limits: Limits, options: Readonly<Record<string, unknown>>) => Promise<Loaded>;
}

export interface Loaded extends Partial<Pick<Dataset, 'shape' | 'inputs'>> {
  readonly train: Split;
  readonly test: Split;
}
