/** K-FAC beside a run: the Kronecker factors of its layers, estimated on batches of the run, and what their inverses do to gradients. */
import { check, named, say, type Message } from '../../engine/check.ts';
import type { BuiltLayer } from '../../engine/built-layer.ts';
import { Graph } from '../../engine/graph.ts';
import { writes } from '../../engine/op.ts';
import type { Param, Tensor } from '../../engine/tensor.ts';
import { product } from '../../shaders/kernel/shape.ts';
import { bits, numbers } from '../../optim/minimiser.ts';
import type { Hyper } from '../../optim/rule.ts';
import { convBackwardWeight, splits } from '../../shaders/conv/conv.ts';
import { sumSlices } from '../../shaders/kernel/sum-slices.ts';
import { matmul } from '../../shaders/product/matmul.ts';
import { boundScale, drawGradient, joinBias, splitBias, type Likelihood } from '../../shaders/update/fisher.ts';
import { BatchProgram } from '../data/batch-program.ts';
import { gatherBatch } from '../data/batch.ts';
import type { DeviceData } from '../data/device-data.ts';
import { modelOn } from '../evaluate/evaluation-graph.ts';
import { usualLoss } from '../run/task.ts';
import type { GradientProgram } from '../step/gradients.ts';
import type { Step } from '../step/step.ts';
import type { TrainerOptions } from '../step/trainer-options.ts';
import { blend, dampedInverses, type Factors } from './kronecker.ts';

const WHO = named('optimizer', 'kfac');
/** Rows of a factor whose inverse, which takes time as their cube, the host has in about a second. */
const MOST = 1024;
/** The losses that are the negative log-likelihood of a distribution of targets. */
const LIKELIHOODS: Readonly<Record<string, Likelihood>> = { 'cross-entropy': 'softmax', logistic: 'bernoulli', mse: 'normal' };

function likelihoodOf({ data, loss = usualLoss(data.dataset) }: TrainerOptions): Likelihood {
  const name = typeof loss === 'string' ? loss : 'of your own';
  check(
    typeof loss === 'string' && Object.hasOwn(LIKELIHOODS, loss),
    say`${WHO}: draws targets from what the net predicts, and a ${named('loss')} ${name} has no distribution of them`,
    say`take ${named('loss')} ${Object.keys(LIKELIHOODS).join(', ')}`,
    'take another optimizer',
  );
  return LIKELIHOODS[loss]!;
}

/** A layer whose gradients are multiplied by the inverses of its factors. */
interface Factored {
  readonly layer: BuiltLayer;
  readonly weight: Param;
  readonly bias: Param | undefined;
  /** Rows of its factors: weights and bias of an output, and outputs. */
  readonly inputs: number;
  readonly outputs: number;
}

/** The layers of a training graph that have factors: their weight is trained, and with it their bias, and no other layer has it. */
function factoredLayers({ layers, params }: Graph): Factored[] {
  const isTrained = ({ value }: Param) => params.has(value.name);
  return layers.flatMap(layer => {
    const { weight, bias } = layer;
    if (!layer.multiplied || !weight || !isTrained(weight) || (bias && !isTrained(bias))) return [];
    if (layers.some(other => other !== layer && other.weight === weight)) return [];
    const [outputs, ...rest] = weight.value.shape as [number, ...number[]];
    return [{ layer, weight, bias, inputs: product(rest) + (bias ? 1 : 0), outputs }];
  });
}

/** Throws where a run has no Kronecker factors: it has no likelihood, shares gradients, differentiates in other ways, or its layers are large. */
export function checkKfac(o: TrainerOptions, graph: Graph): void {
  const { data, classWeights, exchange, half, withoutUpdate } = o;
  const refused: readonly [boolean | undefined, Message][] = [
    [half, named('precision', 'f16')],
    [withoutUpdate || exchange !== undefined, named('distribute')],
    [classWeights !== undefined, named('classWeights')],
    [(data.augment?.views ?? 1) > 1, say`several views of ${named('augment')}`],
  ];
  const wrong = refused.find(([is]) => is);
  check(!wrong, say`${WHO}: draws targets of whole batches in f32, which ${wrong?.[1] ?? ''} does not go with`, 'leave one of the two out');
  likelihoodOf(o);
  const all = factoredLayers(graph);
  check(
    all.length,
    say`${WHO}: none of the layers that are trained is dense or a convolution`,
    say`take ${named('optimizer', 'momentum')}`,
  );
  const large = all.find(({ inputs, outputs }) => Math.max(inputs, outputs) > MOST);
  const rows = large && Math.max(large.inputs, large.outputs);
  check(
    !large,
    say`${WHO}: a factor of ${large?.layer.path ?? ''} has ${String(rows)} rows, whose inverse takes too long`,
    `have ${MOST} at most: fewer channels or units`,
    'take another optimizer',
  );
}

/** Adds to `out` the products of the channels of x [n, channels, …], summed over all else; the first micro-batch begins anew. */
function addMoments(g: Graph, x: Tensor, out: Tensor): void {
  const [n, c, ...places] = x.shape as [number, number, ...number[]];
  const ow = product(places);
  if (ow === 1) {
    g.run(matmul, { m: c, n: c, k: n, ta: true, gradient: g.gradient(out) }, { a: x, b: x, y: out });
    return;
  }
  const one = [1, 1] as const;
  const p = { n, c, h: 1, w: ow, o: c, oh: 1, ow, k: one, stride: one, pad: [0, 0], dilation: one, groups: 1 } as const;
  const split = splits(p, g.profile);
  const slices = g.tensor([split, c, c]);
  g.run(convBackwardWeight, { ...p, split }, { x, dy: x, dweight: slices });
  g.run(sumSlices, { size: c * c, count: split, gradient: g.gradient(out) }, { slices, out });
}

/** The ops of a graph, which write no running statistics: those are of the steps alone. */
function withoutRunning(g: Graph): void {
  const written = g.ops.flatMap(op => writes(op).filter(t => t.role === 'buffer'));
  const beside = new Map(written.map(t => [t, g.tensor(t.shape)]));
  const replaced = g.ops.map(op => ({
    ...op,
    tensors: Object.fromEntries(Object.entries(op.tensors).map(([name, t]) => [name, beside.get(t) ?? t])),
  }));
  g.ops.splice(0, Infinity, ...replaced);
}

/** The tensors of both factors of a layer, or of their inverses. */
function tensorsOf(g: Graph, { weight, inputs, outputs }: Factored, what: string): Record<keyof Factors, Tensor> {
  const square = (of: string, d: number) => g.persistent('state', `kfac ${weight.value.name} ${of} ${what}`, [d, d]);
  return { inputs: square('inputs', inputs), outputs: square('outputs', outputs) };
}

/** A layer with what an estimate leaves of it on the device, summed over the batch and the places of an output. */
interface Estimated extends Factored {
  readonly sums: Record<keyof Factors, Tensor>;
  readonly places: number;
}

/** What of a step an estimate goes by. */
type Batches = Pick<GradientProgram, 'batchSize' | 'microBatches' | 'seed'>;

export class Kfac {
  #program: BatchProgram;
  #data: DeviceData;
  #layers: readonly Estimated[];
  #hyper: Hyper;
  /** What gradients are multiplied by, and the factors of which it is the inverse, by layer. */
  #inverses: readonly Record<keyof Factors, Tensor>[] = [];
  #factors: readonly Factors[] = [];
  #estimates = 0;

  private constructor(program: BatchProgram, data: DeviceData, layers: readonly Estimated[], hyper: Hyper) {
    this.#program = program;
    this.#data = data;
    this.#layers = layers;
    this.#hyper = hyper;
  }

  /** Of the net that is trained by the gradients of `trained`; `hyper` are those of the rule. */
  static async create(o: TrainerOptions, data: DeviceData, trained: Graph, hyper: Hyper): Promise<Kfac> {
    const { profile } = o.device;
    const frozen = (name: string) => trained.params.has(name) || (o.frozen?.(name) ?? false);
    const graph = new Graph({ training: true, profile, seed: o.seed, frozen });
    const { logits, batch } = modelOn(graph, gatherBatch(graph, data, 'train', undefined, o.balanced), o);
    const of = likelihoodOf(o);
    const heads = [{ logits, share: 1 }, ...graph.auxiliary].map(({ logits, share }, head) => {
      const [rows, classes] = logits.shape as [number, number];
      const dlogits = graph.tensor(logits.shape);
      graph.run(drawGradient, { rows, classes, of, scale: Math.sqrt(share), head }, { logits, dlogits });
      return [logits, dlogits] as const;
    });
    const gradients = graph.backward(...heads[0]!, undefined, heads.slice(1));
    const layers = factoredLayers(trained).flatMap(layer => {
      const { output, multiplied } = graph.layers.find(built => built.weight?.value.name === layer.weight.value.name)!;
      const dy = gradients.get(output);
      if (!dy) return []; // no output depends on it
      const sums = tensorsOf(graph, layer, 'sum');
      addMoments(graph, multiplied!(), sums.inputs);
      addMoments(graph, dy, sums.outputs);
      return { ...layer, sums, places: product(output.shape.slice(2)) };
    });
    withoutRunning(graph);
    const program = await BatchProgram.compile(batch, { fuse: o.fuse, checkpoint: o.checkpoint });
    return new Kfac(program, data, layers, hyper);
  }

  /** Adds to the graph of an update what multiplies the gradients of layers by the inverses of their factors. */
  precondition(g: Graph): void {
    const isBounded = this.#hyper.kl! > 0;
    const products = g.persistent('state', 'kfac products', [1]);
    this.#inverses = this.#layers.map(layer => tensorsOf(g, layer, 'inverse'));
    const moved = this.#layers.map(({ weight, bias, inputs, outputs }, i) => {
      const { inputs: a, outputs: s } = this.#inverses[i]!;
      const joined = bias ? g.tensor([outputs, inputs]) : weight.grad;
      if (bias) g.run(joinBias, { outputs, inputs: inputs - 1 }, { weight: weight.grad, bias: bias.grad, y: joined });
      const left = g.tensor([outputs, inputs]);
      const x = g.tensor([outputs, inputs]);
      g.run(matmul, { m: outputs, n: inputs, k: outputs }, { a: s, b: joined, y: left });
      g.run(matmul, { m: outputs, n: inputs, k: inputs }, { a: left, b: a, y: x });
      const size = outputs * inputs;
      if (isBounded) g.run(matmul, { m: 1, n: 1, k: size, tb: true, ...(i > 0 && { gradient: 'more' }) }, { a: x, b: joined, y: products });
      return x;
    });
    const scale = isBounded ? g.tensor([1]) : undefined;
    if (scale) g.run(boundScale, {}, { products, scale });
    for (const [i, { weight, bias, inputs, outputs }] of this.#layers.entries()) {
      const p = { outputs, inputs: inputs - (bias ? 1 : 0), bias: Boolean(bias), scaled: isBounded };
      g.run(splitBias, p, { x: moved[i]!, weight: weight.grad, ...(bias && { bias: bias.grad }), ...(scale && { scale }) });
    }
  }

  /** Before step number `step.number`, the `since`-th of its phase from 0: estimates the factors where it is time for it. */
  async before(step: Step, since: number, batches: Batches): Promise<void> {
    if (since % this.#hyper.every! !== 0) return;
    const { batchSize, microBatches, seed } = batches;
    const n = batchSize / microBatches;
    for (let k = 0; k < microBatches; k++) {
      const number = (step.number - 1) * microBatches + k + 1;
      const offset = step.at * batchSize + k * n;
      await this.#program.run({
        offset,
        first: offset,
        seed,
        step: number,
        epoch: step.epoch,
        accumulate: k ? 1 : 0,
        valid: 0,
      });
    }
    const share = Math.min(1 - 1 / ++this.#estimates, this.#hyper.decay!);
    const factors: Factors[] = [];
    const mean = async (sum: Tensor, count: number) => Float64Array.from(await this.#program.read(sum), v => v / count);
    for (const [i, { sums, places }] of this.#layers.entries()) {
      const before = this.#factors[i];
      factors.push({
        inputs: blend(before?.inputs, await mean(sums.inputs, batchSize), share),
        outputs: blend(before?.outputs, await mean(sums.outputs, batchSize * places), share),
      });
    }
    this.#factors = factors;
    this.#invert();
  }

  /** Inverts the factors for the updates that follow. */
  #invert(): void {
    const { memory } = this.#data;
    const damping = this.#hyper.damping!;
    for (const [i, factors] of this.#factors.entries()) {
      if ([factors.inputs, factors.outputs].some(square => !square.every(Number.isFinite))) continue; // the loss will tell
      const inverses = dampedInverses(factors, damping);
      check(
        inverses,
        say`${WHO}: with damping ${damping} the factors of ${this.#layers[i]!.layer.path} have no inverse`,
        'give more damping',
      );
      memory.write(this.#inverses[i]!.inputs, Float32Array.from(inverses.inputs));
      memory.write(this.#inverses[i]!.outputs, Float32Array.from(inverses.outputs));
    }
  }

  /** All that later steps depend on, by name, nothing before the first estimate; numbers of float64 as the bits of two float32. */
  async state(): Promise<Record<string, Float32Array>> {
    if (!this.#estimates) return {};
    const factors = this.#factors.flatMap(({ inputs, outputs }, i) => {
      const { name } = this.#layers[i]!.weight.value;
      return [[`${name}.inputs`, bits(inputs)] as const, [`${name}.outputs`, bits(outputs)] as const];
    });
    return { estimates: bits([this.#estimates]), ...Object.fromEntries(factors) };
  }

  load(state: Readonly<Record<string, Float32Array>>): void {
    if (!state.estimates) return;
    this.#estimates = numbers(state.estimates)[0]!;
    this.#factors = this.#layers.map(({ weight: { value }, inputs, outputs }) => {
      const kept = (of: string, d: number) => {
        const key = `${value.name}.${of}`;
        check(
          state[key]?.length === 2 * d * d,
          `optimizer state: '${key}' is missing or of another size`,
          'the checkpoint is of another model',
        );
        return numbers(state[key]);
      };
      return { inputs: kept('inputs', inputs), outputs: kept('outputs', outputs) };
    });
    this.#invert();
  }

  destroy(): void {
    this.#program.destroy();
  }
}
