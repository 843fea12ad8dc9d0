/** A device of WebGPU's default limits by Dawn's null backend, which checks WGSL, pipelines and limits, and computes nothing. */
import { create, globals } from 'webgpu';
import { Device } from '../../engine/device.ts';
import { fuse } from '../../engine/passes/fuse.ts';
import { Graph } from '../../engine/graph.ts';
import { halves, type Op } from '../../engine/op.ts';
import { halve } from '../../engine/passes/half.ts';
import { Memory } from '../../engine/memory.ts';
import { crossEntropy } from '../../layers/loss.ts';
import { openModel } from '../../models/index.ts';
import type { ModelInput } from '../../models/model.ts';
import { lossScale } from '../../optim/loss-scale.ts';
import type { Optimizer } from '../../optim/optimizer.ts';
import { callKey, fitting } from '../../shaders/kernel/kernel.ts';
import { scaleUp } from '../../shaders/update/loss-scale.ts';

const gpu = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);
Object.assign(globalThis, globals, { descentKeepsNull: gpu }); // see engine/node/adapters.ts

/** Of the images of models that take none of 32x32. */
const SHAPES: Readonly<Record<string, ModelInput['shape']>> = { alexnet: [3, 224, 224], 'inception-v3': [3, 299, 299] };

/** A device for which no limit was asked. Nothing is bound here: models of larger weights than the default of 128 MiB compile too. */
export async function limited(half = false): Promise<Device> {
  const requiredFeatures: GPUFeatureName[] = half ? ['shader-f16', 'subgroups'] : [];
  const adapter = (await gpu.requestAdapter())!;
  const modest = { ...adapter, info: adapter.info, requestDevice: () => adapter.requestDevice({ requiredFeatures }) };
  return Device.open(Object.assign(modest, { limits: adapter.limits, features: adapter.features }) as GPUAdapter, {
    lanes: 0,
    maxBinding: 2 ** 31,
  });
}

/** The ops of one training step on 32 images of the model's usual size. */
export function step(device: Device, model: string, update: Optimizer, half: boolean): Op[] {
  const input: ModelInput = { classes: 10, shape: SHAPES[model] ?? [3, 32, 32] };
  const g = new Graph({ training: true, profile: device.profile });
  const n = 32;
  const logits = openModel({ name: model, options: {} }, input)(g, g.tensor([n, ...input.shape], 'input', 'images'));
  const dlogits = crossEntropy(g, logits, g.persistent('input', 'labels', [n]), g.persistent('state', 'totals', [2]))!;
  g.backward(logits, dlogits, half ? x => scaled(g, x) : undefined);
  const memory = new Memory(device);
  memory.reserve(g);
  update.addTo(g, memory.layout, { summed: true, scaled: half });
  const fused = fuse(g.ops, g.kept, device.profile);
  return half ? halve(fused, g.kept) : fused;
}

function scaled(g: Graph, x: ReturnType<Graph['tensor']>) {
  const y = g.tensor(x.shape);
  g.run(scaleUp, { n: x.size }, { x, scaling: lossScale(g), y });
  return y;
}

const known = new Set<string>();
/** Compiles each variant of each call once, and returns what did not. */
export async function refused(device: Device, ops: readonly Op[], half: boolean): Promise<string[]> {
  const jobs = ops.flatMap(op => {
    const { kernel, params } = op;
    const profile = device.profileFor(halves(op));
    const key = `${half} ${callKey(kernel, params, profile)}`;
    if (known.has(key)) return [];
    known.add(key);
    return fitting(kernel, params, profile).map(async v => {
      const alone = device.withProfile({ prefer: { '*': v.name } });
      try {
        await alone.pipeline(kernel, params, Object.keys(op.tensors), halves(op));
        return [];
      } catch (e) {
        return [(e as Error).message];
      }
    });
  });
  return (await Promise.all(jobs)).flat();
}
