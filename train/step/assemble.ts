/** What a trainer is made of on the device: its memory, its programs and its phases, from options that go together. */
import { check, named, say } from '../../engine/check.ts';
import { Graph } from '../../engine/graph.ts';
import { Memory, Program } from '../../engine/program.ts';
import type { Optimizer } from '../../optim/optimizer.ts';
import type { QuasiNewton } from '../../optim/quasi-newton.ts';
import { build, type BuiltGraph, type TrainerOptions } from './graphs.ts';
import { ActivePhase, type Phase } from './phases.ts';

export interface Parts {
  readonly memory: Memory;
  /** The graph that computes the gradients, and its program; one that only judges has an empty one. */
  readonly train: BuiltGraph;
  readonly program: Program;
  readonly phases: readonly ActivePhase[];
  /** Whether the program of the gradients has the update too. */
  readonly fused: boolean;
}

/** Throws where the options do not go together, or the model does not take the images; TooLarge where the batch does not fit. */
export async function assemble(o: TrainerOptions): Promise<Parts> {
  const { accumulate = 1, device } = o;
  const phases = Array.isArray(o.optimizer) ? (o.optimizer as readonly Phase[]) : [{ optimizer: o.optimizer as Optimizer | QuasiNewton }];
  checkOptions(o, phases);
  const memory = new Memory(device);
  try {
    const train = build(o, 'train', !o.judges);
    const { graph } = train;
    memory.reserve(graph);
    if (o.judges) {
      memory.allocate(graph);
      const nothing = new Graph({ training: false, profile: device.profile });
      return { memory, train, program: await Program.compile(memory, nothing), phases: [], fused: false };
    }
    const gradients = { summed: accumulate > 1 || Boolean(o.schedule?.grows), scaled: o.half ?? false };
    const fusable = ActivePhase.fits(phases, gradients);
    fusable?.addTo(graph, memory.layout, gradients);
    const fused = fusable !== undefined;
    const program = await Program.compile(memory, graph, { ...o, meanwhile: () => o.data.begin(memory, graph) });
    const active = await ActivePhase.create(phases, memory, graph, fused ? undefined : gradients);
    await o.data.measure(memory, graph);
    o.data.upload(memory, graph, 'train');
    return { memory, train, program, phases: active, fused };
  } catch (error) {
    memory.destroy();
    throw error;
  }
}

/** Throws where the batch, its parts or the precision do not go with the data, the device or the optimizers. */
function checkOptions(o: TrainerOptions, phases: readonly Phase[]): void {
  const { batchSize, accumulate = 1, half = false, device } = o;
  const available = o.data.size('train');
  check(
    batchSize >= 1 && batchSize <= available,
    say`${named('batchSize')}: ${batchSize} is more than the ${available} training images`,
    `give 1 to ${available}`,
  );
  check(
    batchSize % accumulate === 0,
    say`${named('accumulate')}: a batch of ${batchSize} is not ${accumulate} equal parts`,
    'give a divisor of the batch size',
  );
  check(
    !half || device.profile.f16,
    say`${named('precision', 'f16')}: ${device.report.description} has no shader-f16`,
    say`use ${named('precision', 'f32')}`,
    say`another ${named('adapter')}`,
  );
  for (const { optimizer } of phases) {
    const firstOrder = 'rule' in optimizer ? optimizer : undefined;
    const name = firstOrder?.rule.name ?? 'a quasi-Newton method';
    check(
      !half || (firstOrder && !firstOrder.rule.probes),
      say`${named('precision', 'f16')}: ${name} needs exact gradients`,
      say`use ${named('precision', 'f32')}`,
      'an optimizer of the first order',
    );
  }
}
