/**
 * Batch normalisation by the statistics of all ranks' images (PyTorch's SyncBatchNorm): after the moments of a layer, and after the means that
 * its backward pass needs, the program waits for those of the others. Each takes two messages a layer and direction, so that it is an option.
 */
import type { Graph } from '../../engine/graph.ts';
import type { Cut, Program } from '../../engine/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { batchNormGradients, joinMoments } from '../../shaders/norm/moments.ts';
import type { Exchange } from './exchange.ts';

/** What of the parameters of a batch norm's moments matters here. */
interface Moments {
  readonly n: number;
  readonly c: number;
  readonly hw: number;
  readonly eps: number;
  readonly momentum: number;
}

/** Has the statistics of a graph's batch norms stay where they can be changed. */
export function keepApart(graph: Graph): void {
  for (const op of graph.ops) if (op.kernel === joinMoments || op.kernel === batchNormGradients) op.pauses = true;
}

/** The places at which a program waits. `share` is the share of a batch's images that this rank computes. */
export function syncBatchNorm(exchange: Exchange, program: Program, share: number): Cut[] {
  const images = (n: number) => Math.round(n / share);
  return program.commands.flatMap(({ op }, i): Cut[] => {
    const { stats, means, running_mean, running_var } = op.tensors;
    const cut = (submitted: () => Promise<void>): Cut => ({ after: i + 1, submitted });
    if (op.kernel === joinMoments) {
      const p = op.params as Moments;
      return [
        cut(() => shareMoments(exchange, program, share, { ...p, n: images(p.n) }, { stats: stats!, running_mean, running_var }, p.n)),
      ];
    }
    return op.kernel === batchNormGradients ? [cut(() => meanOf(exchange, program, share, means!))] : [];
  });
}

/** Means of gradients, which on each rank are of the mean loss of its own images, become those of all in that rank's measure. */
async function meanOf(exchange: Exchange, program: Program, share: number, t: Tensor): Promise<void> {
  const x = (await program.read(t)).map(v => v * share);
  await exchange.mean(x, share);
  write(
    program,
    t,
    x.map(v => v / share),
  );
}

function write(program: Program, t: Tensor, x: Float32Array): void {
  const { buffer, offset } = program.locate(t);
  program.memory.upload(buffer, offset, x);
}

/** `stats` [2, c], mean and inverse deviation, become those of all images; running statistics move towards them. */
async function shareMoments(
  exchange: Exchange,
  program: Program,
  share: number,
  { n, c, hw, eps, momentum }: Moments,
  { stats, running_mean, running_var }: { stats: Tensor; running_mean: Tensor | undefined; running_var: Tensor | undefined },
  own: number,
): Promise<void> {
  const x = await program.read(stats);
  const mean = x.slice(0, c);
  const variance = x.subarray(c).map(inverse => inverse ** -2 - eps);
  const all = mean.slice();
  await exchange.mean(all, share);
  // squares around the mean of all: differences of large squares would lose digits
  const spread = variance.map((v, i) => v + (mean[i]! - all[i]!) ** 2);
  await exchange.mean(spread, share);
  x.set(all);
  x.set(
    spread.map(v => 1 / Math.sqrt(v + eps)),
    c,
  );
  write(program, stats, x);
  if (!running_mean || !running_var) return;
  const unbiased = (images: number) => (images * hw) / Math.max(1, images * hw - 1);
  const [means, variances] = [await program.read(running_mean), await program.read(running_var)];
  for (let i = 0; i < c; i++) {
    means[i]! += momentum * (all[i]! - mean[i]!);
    variances[i]! += momentum * (spread[i]! * unbiased(n) - variance[i]! * unbiased(own));
  }
  write(program, running_mean, means);
  write(program, running_var, variances);
}
