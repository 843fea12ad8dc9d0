/** What a memory holds of a run's data. The programs on a memory gather batches of one size, and share all that is there. */
import type { Tensor } from '../../engine/tensor.ts';
import type { Memory } from '../../engine/memory.ts';
import type { RunData } from './data.ts';
import type { Order } from './order.ts';
import type { Part } from './split.ts';
import type { Ring } from './ring.ts';

/** The images of a run on one device: held whole, or passing through a ring of pages. */
export class DeviceData {
  readonly run: RunData;
  readonly memory: Memory;
  /** Images of a batch. */
  readonly n: number;
  /** The order in which the images of a part are at present; undefined is that of the file. */
  readonly orders: Map<Part, Order | undefined>;
  /** What the images of a part pass through where they do not fit on the device. */
  readonly rings: Map<Part, Ring>;
  /** Whether ranks share the images of an evaluation out: batches then begin anywhere. */
  readonly isShared: boolean;
  #written: Set<string>;

  /** `before` is what the memory holds of the same images already. */
  constructor(run: RunData, memory: Memory, n: number, isShared = false, before?: DeviceData) {
    this.run = run;
    this.isShared = isShared;
    this.memory = memory;
    this.n = n;
    this.orders = before?.orders ?? new Map();
    this.rings = before?.rings ?? new Map();
    this.#written = before ? before.#written : new Set();
  }

  /** These images, augmented as the same data of another run are. */
  augmentedAs(run: RunData): DeviceData {
    return run === this.run ? this : new DeviceData(run, this.memory, this.n, this.isShared, this);
  }

  /** Bytes that one binding may span. */
  get maxBinding(): number {
    return this.run.maxBinding ?? this.memory.device.profile.maxBinding;
  }

  /** Writes an input whose values stay, unless another program has done so. */
  writeOnce(t: Tensor, values: () => Uint8Array | Uint32Array | Float32Array): void {
    if (this.#written.has(t.name)) return;
    this.memory.write(t, values());
    this.#written.add(t.name);
  }
}
