/**
 * Synchronous training: all ranks compute a share of each batch and take the mean of their gradients, so that all make the same update
 * (Chen et al. 2016; Goyal et al. 2017). Ranges of gradients leave as the backward pass finishes them, the last layers' first, and travel
 * while the rest is computed (Li et al. 2020, PyTorch Distributed).
 */
import type { Graph } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { writes } from '../../engine/op.ts';
import type { Command, Cut, Program } from '../../engine/program.ts';
import { lengthOf } from '../data/share.ts';
import type { Exchange } from './exchange.ts';
import { syncBatchNorm } from './sync-batch-norm.ts';
import { Transfer } from './transfer.ts';

/** Gradients of no more bytes go as one; of more in buckets of at least so many (PyTorch's bucket_cap_mb). */
const WHOLE = 10 * 2 ** 20;
const BUCKET = 25 * 2 ** 20;

/** Gradients that go together once so many dispatches are done. */
interface Bucket {
  readonly after: number;
  readonly tensors: readonly Tensor[];
}

/** What ranks do that share the gradients of a program. */
export interface SharedGradients {
  readonly exchange: Exchange;
  readonly mean: GradientMean;
  /** Where a step waits for other ranks before its gradients leave. */
  readonly pauses: readonly Cut[];
}

/** Has ranks share the gradients of a program that computes each rank's part of `batchSize` images. */
export function shareGradients(
  { batchSize, syncBatchNorm: isSynced = false }: { readonly batchSize: number; readonly syncBatchNorm?: boolean | undefined },
  exchange: Exchange,
  graph: Graph,
  program: Program,
): SharedGradients {
  const share = lengthOf(batchSize, exchange) / batchSize;
  const mean = new GradientMean({ exchange, graph, program, share, waits: isSynced });
  return { exchange, mean, pauses: isSynced ? syncBatchNorm(exchange, program, share) : [] };
}

/** Whose gradients become their mean over ranks. */
export interface Averaged {
  readonly exchange: Exchange;
  readonly graph: Graph;
  readonly program: Program;
  /** The share of a batch's images that this rank computes. */
  readonly share: number;
  /** Whether a step makes other calls on its way: gradients then go last, as one, so that all ranks make their calls in one order. */
  readonly waits: boolean;
}

/** The mean of gradients over ranks, bucket by bucket, while the backward pass goes on. */
export class GradientMean {
  /** Whether this rank asks that the run ends after the next step. */
  asks = false;
  /** Milliseconds that means took, and of these the ones after the device had computed all gradients, since the start. */
  readonly spent = { travelling: 0, waiting: 0 };
  /** When the last gradients of a step had come from the device. */
  #computed = 0;
  #exchange: Exchange;
  #weight: number;
  #buckets: readonly { readonly after: number; readonly transfer: Transfer; readonly x: Float32Array }[];
  #stop: Float32Array;
  #arriving: Promise<void>[] = [];
  #asked = false;

  /** The means of running statistics come along. */
  constructor({ exchange, graph, program, share, waits }: Averaged) {
    const { memory, commands } = program;
    this.#exchange = exchange;
    this.#weight = share;
    this.#stop = exchange.vector(1);
    const running = memory.layout.pages('buffer').map(({ buffer, bytes }) => ({ buffer, offset: 0, bytes }));
    const buckets = bucketsOf(graph, commands, waits);
    this.#buckets = buckets.map(({ after, tensors }, i) => {
      const isLast = i === buckets.length - 1;
      const transfer = new Transfer(memory, [...tensors.map(t => memory.place(t)), ...(isLast ? running : [])]);
      return { after, transfer, x: exchange.vector(transfer.length) };
    });
  }

  /** Whether a rank asked, before the last step, that the run ends. All ranks know it after the same step. */
  get isAsked(): boolean {
    return this.#asked;
  }

  /** The places of a step at which gradients leave. */
  get cuts(): Cut[] {
    return this.#buckets.map(({ after, transfer, x }) => ({
      after,
      copies: encoder => transfer.copy(encoder),
      submitted: () => {
        const before = this.#arriving.at(-1);
        const arrived = transfer.arrive(x);
        // one bucket after another, so that all ranks make their calls in one order
        const mean = Promise.all([arrived, before]).then(async () => {
          const start = performance.now();
          await this.#exchange.mean(x, this.#weight);
          this.spent.travelling += performance.now() - start;
          transfer.write(x);
        });
        void arrived.then(
          () => {
            this.#computed = performance.now();
          },
          () => undefined,
        );
        mean.catch(() => undefined); // reported by finish
        this.#arriving.push(mean);
      },
    }));
  }

  /** Waits until the means lie in the place of the gradients. */
  async finish(): Promise<void> {
    this.#stop[0] = this.asks ? 1 : 0;
    await Promise.all(this.#arriving.splice(0));
    this.spent.waiting += performance.now() - this.#computed;
    await this.#exchange.mean(this.#stop, 1);
    this.#asked = this.#stop[0]! > 0;
  }

  /** What of a sum each rank has becomes the sum. */
  async sum(...values: number[]): Promise<number[]> {
    const x = this.#exchange.vector(values.length);
    x.set(values);
    await this.#exchange.mean(x, 1);
    return [...x];
  }

  /** Frees its buffers on the device. */
  destroy(): void {
    for (const { transfer } of this.#buckets) transfer.destroy();
  }
}

/** The gradients of a program in the order in which it finishes them, in buckets. */
function bucketsOf(graph: Graph, commands: readonly Command[], isWhole: boolean): Bucket[] {
  const finished = new Map<Tensor, number>();
  for (const [i, { op }] of commands.entries()) for (const t of writes(op)) if (t.role === 'grad') finished.set(t, i + 1);
  const grads = [...graph.params.values()].map(({ grad }) => ({ grad, after: finished.get(grad) ?? 0 }));
  grads.sort((a, b) => a.after - b.after);
  const bytes = grads.reduce((n, { grad }) => n + 4 * grad.size, 0);
  if (isWhole || bytes <= WHOLE) return [{ after: commands.length, tensors: grads.map(({ grad }) => grad) }];
  const buckets: Bucket[] = [];
  let tensors: Tensor[] = [];
  let held = 0;
  for (const [i, { grad, after }] of grads.entries()) {
    tensors.push(grad);
    held += 4 * grad.size;
    if (held < BUCKET && i < grads.length - 1) continue;
    buckets.push({ after, tensors });
    tensors = [];
    held = 0;
  }
  return buckets;
}
