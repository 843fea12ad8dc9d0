/** What the backbone makes of samples: computed once for each. */
import { pictureBytes } from '../../../datasets/pictures.ts';
import { product } from '../../../shaders/kernel/shape.ts';
import { Turns } from '../../../engine/turns.ts';
import type { Sample } from '../../data/lessons.ts';
import type { Engine } from '../../worker/client.ts';
import type { TaughtNet } from '../../worker/protocol.ts';

/** Samples that are computed in one call. */
const BATCH = 32;

export class FeatureCache {
  #engine: Engine;
  #opened: () => Promise<{ readonly shape: TaughtNet['shape'] }>;
  #known = new WeakMap<Sample, Float32Array>();
  #turns = new Turns();

  /** `opened` gives the shape of the images that the backbone takes. */
  constructor(engine: Engine, opened: () => Promise<{ readonly shape: TaughtNet['shape'] }>) {
    this.#engine = engine;
    this.#opened = opened;
  }

  /** Features [n, F] of samples; `progress` is told the share that is known. One call after the other. */
  prepare(samples: readonly Sample[], progress: (share: number) => void = () => undefined): Promise<Float32Array> {
    return this.#turns.take(() => this.#compute([...samples], progress));
  }

  async #compute(samples: readonly Sample[], progress: (share: number) => void): Promise<Float32Array> {
    const { shape } = await this.#opened();
    const size = product(shape);
    const lacking = samples.filter(sample => !this.#known.has(sample));
    for (let at = 0; at < lacking.length; at += BATCH) {
      const some = lacking.slice(at, at + BATCH);
      const images = new Uint8Array(some.length * size);
      for (const [i, { bytes, thumb }] of some.entries()) {
        // kept when the backbone took images of another size
        images.set(bytes.length === size ? bytes : await pictureBytes(thumb, shape), i * size);
      }
      const features = await this.#engine.call('teachFeatures', images);
      const width = features.length / some.length;
      for (const [i, sample] of some.entries()) this.#known.set(sample, features.slice(i * width, (i + 1) * width));
      progress((at + some.length) / lacking.length);
    }
    const rows = samples.map(sample => this.#known.get(sample)!);
    const all = new Float32Array(rows.reduce((n, row) => n + row.length, 0));
    for (const [i, row] of rows.entries()) all.set(row, i * row.length);
    return all;
  }
}
