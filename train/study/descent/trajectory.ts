/** The ways that optimizers take on functions of two variables, computed by the same fused updates that train nets. */
import { check } from '../../../engine/check.ts';
import { compute } from '../../../engine/compute.ts';
import type { Device } from '../../../engine/device.ts';
import type { Graph } from '../../../engine/graph.ts';
import type { Memory } from '../../../engine/memory.ts';
import { rules } from '../../../optim/index.ts';
import { optimizer } from '../../../optim/optimizer.ts';
import { range } from '../../../shaders/kernel/wgsl.ts';
import { surfaceGradient } from '../../../shaders/update/surface.ts';
import type { Landscape, Point } from './landscapes.ts';

/** The points before each of `steps` updates of a rule, and after the last. Throws where the rule needs more than a gradient. */
export async function trajectory(
  device: Device,
  land: Pick<Landscape, 'gradient' | 'given' | 'noise' | 'start'>,
  rule: string,
  { steps, lr, hyper = {}, seed = 0 }: { steps: number; lr?: number; hyper?: Readonly<Record<string, number>>; seed?: number },
): Promise<Point[]> {
  const update = optimizer(rules[rule]!, { ...hyper, ...(lr !== undefined && { lr }) });
  check(!update.rule.probes, `${rule}: needs the loss of a net beside its gradient`, 'choose another rule');
  const build = (g: Graph, memory: Memory) => {
    const { value, grad } = g.param('point', [2], () => Float32Array.from(land.start));
    const trail = g.persistent('state', 'trail', [2 * (steps + 1)]);
    g.run(
      surfaceGradient,
      { gradient: land.gradient, noise: land.noise ?? 0, ...(land.given && { given: land.given }) },
      { w: value, g: grad, trail },
    );
    memory.reserve(g);
    update.addTo(g, memory.layout);
    return { trail };
  };
  const values = range(steps + 1).map(t => ({ ...update.values(t + 1, update.hyper.lr), seed, step: t + 1 }));
  const { trail } = await compute(device, build, {}, values, { training: true, seed });
  return range(steps + 1).map(t => [trail[2 * t]!, trail[2 * t + 1]!]);
}
