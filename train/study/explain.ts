/** What of an image a net goes by: saliency (Simonyan et al. 2013), and Grad-CAM (Selvaraju et al. 2017). */
import { check } from '../../engine/check.ts';
import type { Device } from '../../engine/device.ts';
import { Graph, type Layer } from '../../engine/graph.ts';
import { Memory } from '../../engine/memory.ts';
import { Program } from '../../engine/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { outputOf } from '../evaluate/evaluation-graph.ts';
import type { ImageKind } from '../evaluate/probe.ts';
import { writeWeights } from '../evaluate/match.ts';
import { savedOf } from '../evaluate/weights.ts';
import type { Tensors } from '../run/safetensors.ts';

/** A picture [h, w] of what is not negative. */
export interface Heat {
  readonly h: number;
  readonly w: number;
  readonly data: Float32Array;
}

export interface Explanation {
  /** How much the logit of the class changes with each pixel: the greatest magnitude of the gradient over the channels. */
  readonly saliency: Heat;
  /** The last feature maps, each by the mean gradient of the logit by it, where the sum is positive; none where the net has no maps. */
  readonly cam: (Heat & { readonly layer: string }) | undefined;
}

/** The greatest magnitude over the channels of gradients [c, h, w]. */
function saliencyOf(gradient: Float32Array, [c, h, w]: readonly [number, number, number]): Heat {
  const data = Float32Array.from({ length: h * w }, (_, p) => {
    let most = 0;
    for (let k = 0; k < c; k++) most = Math.max(most, Math.abs(gradient[k * h * w + p]!));
    return most;
  });
  return { h, w, data };
}

/** Grad-CAM of maps [c, h, w] and the gradients by them. */
export function gradCam(maps: Float32Array, gradient: Float32Array, [c, h, w]: readonly [number, number, number]): Heat {
  const data = new Float32Array(h * w);
  for (let k = 0; k < c; k++) {
    const of = (all: Float32Array) => all.subarray(k * h * w, (k + 1) * h * w);
    const weight = of(gradient).reduce((a, b) => a + b, 0) / (h * w);
    for (const [p, v] of of(maps).entries()) data[p]! += weight * v;
  }
  return { h, w, data: data.map(v => Math.max(0, v)) };
}

/** A net that explains its answers, one image at a time, on memory of its own. */
export class Explainer {
  #memory: Memory;
  #program: Program;
  #kind: ImageKind;
  #saved: readonly Tensor[];
  #input: Tensor;
  #wanted: Tensor;
  #gradient: Tensor;
  #maps: { readonly layer: string; readonly value: Tensor; readonly gradient: Tensor } | undefined;

  private constructor(memory: Memory, program: Program, kind: ImageKind, parts: ReturnType<typeof build>) {
    this.#memory = memory;
    this.#program = program;
    this.#kind = kind;
    this.#saved = savedOf(parts.graph);
    this.#input = parts.input;
    this.#wanted = parts.wanted;
    this.#gradient = parts.gradient;
    this.#maps = parts.maps;
  }

  /** Throws where images are whitened: what the net is given are then no pixels. */
  static async create(device: Device, model: Layer, kind: ImageKind): Promise<Explainer> {
    const { how } = kind.normalisation;
    check(how !== 'pca' && how !== 'zca', `explain: images are whitened (${how}), the net is given no pixels`, 'take a run without that');
    const memory = new Memory(device);
    try {
      const parts = build(memory, model, kind);
      memory.reserve(parts.graph);
      return new Explainer(memory, await Program.compile(memory, parts.graph), kind, parts);
    } catch (error) {
      memory.destroy();
      throw error;
    }
  }

  /** Of an image given as bytes [c, h, w], by `weights`: what speaks for a class. */
  async explain(weights: Tensors, bytes: Uint8Array, target: number): Promise<Explanation> {
    const { shape } = this.#kind.dataset;
    const scaling = this.#kind.normalisation.scaleAndShift();
    const size = bytes.length;
    writeWeights(this.#memory, this.#saved, weights);
    this.#memory.write(
      this.#input,
      Float32Array.from(bytes, (v, i) => v * scaling[i]! + scaling[size + i]!),
    );
    const wanted = new Float32Array(this.#wanted.size);
    wanted[target] = 1;
    this.#memory.write(this.#wanted, wanted);
    this.#program.run({ offset: 0, seed: 0, epoch: 0, step: 1, valid: 1 });
    const gradient = (await this.#program.read(this.#gradient)).map((v, i) => v * scaling[i]!);
    const maps = this.#maps;
    const cam = maps && {
      layer: maps.layer,
      ...gradCam(
        await this.#program.read(maps.value),
        await this.#program.read(maps.gradient),
        maps.value.shape.slice(1) as [number, number, number],
      ),
    };
    return { saliency: saliencyOf(gradient, shape), cam };
  }

  destroy(): void {
    this.#program.destroy();
    this.#memory.destroy();
  }
}

/** The net as it is evaluated, and the gradients of one of its logits by the image and the last maps. */
function build(memory: Memory, model: Layer, { dataset }: ImageKind) {
  const graph = new Graph({ training: false, differentiates: true, profile: memory.device.profile, frozen: () => true });
  const input = graph.persistent('input', 'x', [1, ...dataset.shape]);
  const x = graph.record([input], graph.view(input, input.shape), () => []);
  const output = outputOf(model, graph, x);
  const wanted = graph.persistent('input', 'wanted', output.shape);
  const grads = graph.backward(output, wanted);
  const gradient = grads.get(x);
  check(gradient, 'explain: the answer does not depend on the image', 'take another model');
  const mapped = graph.layers.findLast(({ output: { shape }, path }) => path && shape.length === 4 && shape[2]! * shape[3]! > 1);
  const byMaps = mapped && grads.get(mapped.output);
  const maps = byMaps && { layer: mapped.path, value: mapped.output, gradient: byMaps };
  graph.kept.add(gradient);
  if (maps) graph.kept.add(maps.value).add(maps.gradient);
  return { graph, input, wanted, gradient, maps };
}
