/** The last dense layer of a net as the coefficients of the basis that the layers before it compute: solved for, in place of trained. */
import { check, named, say } from '../../engine/check.ts';
import type { BuiltLayer } from '../../engine/built-layer.ts';
import { Graph } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { product } from '../../shaders/kernel/shape.ts';
import type { Hyper } from '../../optim/rule.ts';
import { BatchProgram } from '../data/batch-program.ts';
import { gatherBatch } from '../data/batch.ts';
import type { DeviceData } from '../data/device-data.ts';
import { modelOn } from '../evaluate/evaluation-graph.ts';
import type { EvaluationOptions } from '../evaluate/evaluation-options.ts';
import { usualLoss } from '../run/task.ts';
import { accumulate, leastSquares, normalOf } from './least-squares.ts';
import { newton } from './newton.ts';

/** Coefficients of classes of which a Newton step, whose time grows with their cube, is worth its time. */
const MOST = 1500;
const WHO = named('optimizer', 'lsgd');

/** The dense layer whose output is the net's. Throws where there is none. */
function lastDense(graph: Graph, logits: Tensor): BuiltLayer {
  const last = graph.layers.findLast(layer => layer.output === logits);
  check(
    last?.weight && last.weight.value.shape.length === 2 && last.used === last.weight.value,
    say`${WHO}: solves for the last layer, and the net does not end with a dense layer`,
    'end it with one',
    'take another optimizer',
  );
  return last;
}

export class LastLayer {
  #program: BatchProgram;
  #data: DeviceData;
  #layer: BuiltLayer;
  #targets: Tensor;
  #hyper: Hyper;

  private constructor(program: BatchProgram, data: DeviceData, layer: BuiltLayer, targets: Tensor, hyper: Hyper) {
    this.#program = program;
    this.#data = data;
    this.#layer = layer;
    this.#targets = targets;
    this.#hyper = hyper;
  }

  /** Of the net that is trained with the memory of `data`; `hyper` are those of the rule. */
  static async create(o: EvaluationOptions, data: DeviceData, hyper: Hyper): Promise<LastLayer> {
    const { dataset } = data.run;
    const usual = usualLoss(dataset);
    const { loss = usual } = o;
    check(
      loss === usual,
      say`${WHO}: solves for the loss ${usual}, not ${typeof loss === 'string' ? loss : 'one of your own'}`,
      say`leave out ${named('loss')}`,
    );
    check(!o.exchange, say`${WHO}: is of a run that trains alone`, say`leave out ${named('distribute')}`);
    const graph = new Graph({ training: false, profile: o.device.profile, seed: o.seed });
    const { logits, batch } = modelOn(graph, gatherBatch(graph, data, 'train', []), o);
    const layer = lastDense(graph, logits);
    const coefficients = layer.weight!.value.size + (layer.bias?.value.size ?? 0);
    check(
      dataset.outputs || coefficients <= MOST,
      say`${WHO}: Newton's method for ${coefficients} weights of the last layer takes too long`,
      `have ${MOST} at most: fewer units before it, or fewer classes`,
      'take another optimizer',
    );
    for (const t of [layer.inputs[0]!, batch.labels]) graph.kept.add(t);
    return new LastLayer(await BatchProgram.compile(batch, { fuse: o.fuse }), data, layer, batch.labels, hyper);
  }

  /** Puts the best coefficients for all training samples, as the net is now, in place of the present ones. */
  async solve(): Promise<void> {
    const { memory, run, n: size } = this.#data;
    const { weight, bias, inputs } = this.#layer;
    const features = product(inputs[0]!.shape.slice(1));
    const d = features + (bias ? 1 : 0);
    const k = weight!.value.shape[0]!;
    const n = run.parts.train.n;
    const rows = new Float64Array(n * d).fill(1);
    const targets = new Float64Array(run.dataset.outputs ? n * k : n);
    for (let at = 0; at < n; at += size) {
      const count = Math.min(size, n - at);
      await this.#program.run({ offset: at, valid: 0, seed: 0, epoch: 0 });
      const seen = await this.#program.read(inputs[0]!);
      for (let i = 0; i < count; i++) rows.set(seen.subarray(i * features, (i + 1) * features), (at + i) * d);
      const own = await this.#program.read(this.#targets);
      const given = run.dataset.outputs ? own : new Uint32Array(own.buffer, own.byteOffset, own.length);
      targets.set(given.subarray(0, (targets.length / n) * count), (targets.length / n) * at);
    }
    const solved = run.dataset.outputs ? this.#leastSquares(rows, targets, n, d, k) : await this.#newton(rows, targets, n, d, k);
    memory.write(
      weight!.value,
      Float32Array.from({ length: k * features }, (_, i) => solved[(i % features) * k + Math.floor(i / features)]!),
    );
    if (bias) memory.write(bias.value, Float32Array.from(solved.subarray(features * k)));
  }

  #leastSquares(rows: Float64Array, targets: Float64Array, n: number, d: number, k: number): Float64Array {
    const normal = normalOf(d, k);
    for (let i = 0; i < n; i++) accumulate(normal, rows.subarray(i * d, (i + 1) * d), targets.subarray(i * k, (i + 1) * k));
    return leastSquares(normal, this.#hyper.ridge! * n).x;
  }

  async #newton(rows: Float64Array, labels: Float64Array, n: number, d: number, k: number): Promise<Float64Array> {
    const { memory } = this.#data;
    const { weight, bias } = this.#layer;
    const features = bias ? d - 1 : d;
    const now = await memory.read(weight!.value);
    const start = new Float64Array(d * k);
    for (let i = 0; i < features; i++) for (let c = 0; c < k; c++) start[i * k + c] = now[c * features + i]!;
    if (bias) start.set(await memory.read(bias.value), features * k);
    return newton({ rows, labels, n, d, k }, start, this.#hyper.newton!, this.#hyper.ridge);
  }

  destroy(): void {
    this.#program.destroy();
  }
}
