/** A trained model on the images of a data set. */
import { check, kindOf, onlyOptions, type Known } from '../../engine/check.ts';
import { Device } from '../../engine/device.ts';
import { Memory } from '../../engine/memory.ts';
import type { Transform } from '../../shaders/images/transform.ts';
import { DeviceData } from '../data/device-data.ts';
import type { Part } from '../data/split.ts';
import type { Tensors } from '../run/safetensors.ts';
import type { Score } from './score.ts';
import { writeWeights } from './match.ts';
import { savedOf } from './weights.ts';
import { Evaluator } from './evaluator.ts';
import { evaluationGraph } from './evaluation-graph.ts';
import type { EvaluationOptions } from './evaluation-options.ts';

const PARTS: readonly Part[] = ['test', 'val', 'train'];

const OPTIONS: Known<EvaluationOptions> = {
  device: true,
  model: true,
  data: true,
  batchSize: true,
  seed: true,
  loss: true,
  fuse: 'boolean',
  population: 'boolean',
  exchange: true,
  evaluatesAlone: 'boolean',
};

/**
 * A trained model that is only evaluated: nothing of a training step is compiled or held on the device. Calls wait for one another, and
 * throw after `destroy`.
 */
export class Inference {
  #memory: Memory;
  #evaluator: Evaluator;

  /** `weights` are parameters and buffers: every tensor of the model with its shape, and no other. */
  constructor(o: EvaluationOptions, weights: Tensors) {
    onlyOptions('Inference', o, OPTIONS);
    check(o.device instanceof Device, `device: ${kindOf(o.device)} is none`, 'give what openDevice() returned');
    check(o.data?.parts && o.data.normalisation, `data: it is ${kindOf(o.data)}`, 'give await openData(dataset)');
    check(Number.isInteger(o.batchSize) && o.batchSize >= 1, `batchSize: it is ${kindOf(o.batchSize)}`, 'give a whole number from 1 on');
    this.#memory = new Memory(o.device);
    const data = new DeviceData(o.data, this.#memory, o.batchSize);
    const part = PARTS.find(part => o.data.parts[part].n > 0) ?? 'test';
    const { graph } = evaluationGraph(o, data, part); // all parts have the same weights
    this.#memory.reserve(graph);
    this.#memory.allocate(graph);
    writeWeights(this.#memory, savedOf(graph), weights);
    this.#evaluator = new Evaluator(o, data);
  }

  /** Compiles what evaluates the test images. Throws TooLarge where their batches do not fit on the device. */
  compile(): Promise<void> {
    return this.#memory.inTurn(() => this.#evaluator.compile('test'));
  }

  /** The score over all images of a part. */
  evaluate(part: Part): Promise<Score> {
    return this.#memory.inTurn(() => this.#evaluator.evaluate(part));
  }

  /** Logits, or the numbers that are predicted, [size, outputs] of the images of a part, each as `view` shows it. */
  logits(part: Part, count?: number, view?: readonly Transform[]): Promise<Float32Array> {
    return this.#memory.inTurn(() => this.#evaluator.logits(part, count, view));
  }

  /** Gives its memory on the device back. */
  destroy(): void {
    this.#evaluator.destroy();
    this.#memory.destroy();
  }
}
