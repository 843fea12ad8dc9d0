/** A race on the device: the slope of a landscape in place of a net's gradient, then the very update that trains nets. */
import { lookUp } from '../../engine/check.ts';
import { compute } from '../../engine/compute.ts';
import type { Device } from '../../engine/device.ts';
import type { Graph } from '../../engine/graph.ts';
import type { Memory } from '../../engine/memory.ts';
import { rules } from '../../optim/index.ts';
import { optimizer } from '../../optim/optimizer.ts';
import { kernel } from '../../shaders/kernel/kernel.ts';
import { range } from '../../shaders/kernel/wgsl.ts';
import { openDevice } from './device.ts';
import { landscapes } from './landscapes.ts';
import type { RaceRequest } from './protocol.ts';

/** Writes the slope at `w` and notes where `w` is. The noise is a hash of the step, the same for all. */
const slope = kernel({
  name: 'landscape',
  bindings: { w: 'read', g: 'write', path: 'write' },
  step: () => ({ at: 'u32' }),
  grid: () => [1, 1, 1],
  code: (p: { gradient: string }) => `
fn uniform01(n : u32) -> f32 {
  var s = n * 747796405u + 2891336453u;
  s = ((s >> ((s >> 28u) + 4u)) ^ s) * 277803737u;
  return (f32(((s >> 22u) ^ s) >> 8u) + 0.5) / 16777216.0;
}
@compute @workgroup_size(1)
fn main() {
  let x = w[0];
  let y = w[1];
  path[2u * op.at] = x;
  path[2u * op.at + 1u] = y;
  let radius = sqrt(-2.0 * log(uniform01(2u * op.at)));
  let angle = 6.2831853 * uniform01(2u * op.at + 1u);
  let u = radius * cos(angle);
  let v = radius * sin(angle);
  ${p.gradient}
  g[0] = slope.x;
  g[1] = slope.y;
  g[2] = 0.0;
  g[3] = 0.0;
}`,
});

let device: Promise<Device> | undefined;

/** x, y of `steps` + 1 points. */
export async function runRace({ rule, lr, landscape, start, steps }: RaceRequest): Promise<Float32Array> {
  const chosen = optimizer(lookUp('optimizer', rule, rules), { lr });
  const { gradient } = lookUp('landscape', landscape, landscapes);
  const build = (g: Graph, memory: Memory) => {
    const { value, grad } = g.param('point', [4], () => Float32Array.of(...start, 0, 0));
    const path = g.lasting('state', 'path', [2 * (steps + 1)]);
    g.run(slope, { gradient }, { w: value, g: grad, path });
    memory.reserve(g);
    chosen.addTo(g, memory.layout);
    return { path };
  };
  const values = range(steps + 1).map(at => ({ ...chosen.values(at + 1, lr), at, step: at + 1, seed: 0, accumulate: 0 }));
  const { path } = await compute(await (device ??= openDevice()), build, {}, values, { training: true });
  return path;
}
