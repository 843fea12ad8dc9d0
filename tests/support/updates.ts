/** An optimizer by itself: weights that its kernels update with gradients given from outside. */
import { Graph } from '../../engine/graph.ts';
import { Memory } from '../../engine/memory.ts';
import { Program } from '../../engine/program.ts';
import { stateBuffer, type Optimizer } from '../../optim/optimizer.ts';
import { deviceFor, random, type Way } from './check.ts';

/** A weight [3, 5], a bias [3] and a weight [2, 2, 2]: 26 values with gaps between the tensors, as in a model. */
const SHAPES = { 'a.weight': [3, 5], 'a.bias': [3], 'b.weight': [2, 2, 2] } as const;
export const SIZE = 26;

/** Weights that are updated by the kernels of training with gradients given from outside. */
export async function bench(chosen: Optimizer, way: Way = 'own', start: ArrayLike<number> = random(SIZE, 5), summed = 1) {
  const device = await deviceFor(way);
  const memory = new Memory(device);
  const g = new Graph({ training: true, profile: device.profile });
  const params = Object.entries(SHAPES).map(([name, shape]) =>
    g.param(name, shape, () => new Float32Array(shape.reduce((a: number, b) => a * b, 1))),
  );
  memory.reserve(g);
  chosen.addTo(g, memory.layout, { summed: summed > 1 });
  const program = await Program.compile(memory, g);
  const split = (values: ArrayLike<number>) => {
    let at = 0;
    return params.map(p => Float32Array.from(Array.from(values).slice(at, (at += p.value.size))));
  };
  const write = (which: 'value' | 'grad', values: ArrayLike<number>) => split(values).forEach((v, i) => memory.write(params[i]![which], v));
  write('value', start);
  const read = async () => Float64Array.from((await Promise.all(params.map(p => memory.read(p.value)))).flatMap(v => [...v]));
  const readState = async (name: string) => {
    const all = new Float32Array(
      await memory.download(memory.buffers.get(stateBuffer(chosen.rule, name, 0))!, 0, memory.layout.pages('param')[0]!.bytes),
    );
    return params.flatMap(p => {
      const at = memory.place(p.value).offset / 4;
      return [...all.subarray(at, at + p.value.size)];
    });
  };
  return {
    program,
    read,
    readState,
    async step(t: number, gradient: ArrayLike<number>, lr = chosen.hyper.lr, momentum?: number): Promise<Float64Array> {
      write('grad', gradient);
      program.run({ ...chosen.values(t, lr, momentum, summed), seed: 3, step: t });
      return read();
    },
    writeState(name: string, values: ArrayLike<number>) {
      split(values).forEach((v, i) =>
        device.gpu.queue.writeBuffer(
          memory.buffers.get(stateBuffer(chosen.rule, name, 0))!,
          memory.place(params[i]!.value).offset,
          v as Float32Array<ArrayBuffer>,
        ),
      );
    },
    destroy() {
      program.destroy();
      memory.destroy();
    },
  };
}

/** Gradients, others at each step. */
export const given = (t: number) => random(SIZE, 300 + t);

/** Weights after a step of descent at rate 0.1. */
export const moved = (w: Float64Array, g: ArrayLike<number>): Float64Array => w.map((v, i) => v - 0.1 * g[i]!);
