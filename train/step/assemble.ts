/** What a trainer is made of on the device: its data, its programs and its phases, from options that go together. */
import { check, named, say } from '../../engine/check.ts';
import { Memory } from '../../engine/memory.ts';
import type { Optimizer } from '../../optim/optimizer.ts';
import type { QuasiNewton } from '../../optim/quasi-newton.ts';
import { BatchProgram } from '../data/batch-program.ts';
import { DeviceData } from '../data/device-data.ts';
import { trainingGraph, type BuiltGraph } from './graphs.ts';
import type { TrainerOptions } from './options.ts';
import { ActivePhase, type Phase } from './phases.ts';

export interface Parts {
  readonly data: DeviceData;
  /** The graph that computes the gradients, and its program. */
  readonly train: BuiltGraph;
  readonly program: BatchProgram;
  readonly phases: readonly ActivePhase[];
  /** Whether the program of the gradients has the update too. */
  readonly fused: boolean;
}

/** Throws where the options do not go together, or the model does not take the images; TooLarge where the batch does not fit. */
export async function assemble(o: TrainerOptions): Promise<Parts> {
  const { accumulate = 1 } = o;
  const phases = Array.isArray(o.optimizer) ? (o.optimizer as readonly Phase[]) : [{ optimizer: o.optimizer as Optimizer | QuasiNewton }];
  checkOptions(o, phases);
  const memory = new Memory(o.device);
  try {
    const data = new DeviceData(o.data, memory, o.batchSize / accumulate);
    const train = trainingGraph(o, data);
    const { graph } = train;
    memory.reserve(graph);
    const gradients = { summed: accumulate > 1 || Boolean(o.schedule?.grows), scaled: o.half ?? false };
    const fusable = ActivePhase.fits(phases, gradients);
    fusable?.addTo(graph, memory.layout, gradients);
    const fused = fusable !== undefined;
    const program = await BatchProgram.compile(train.batch, o);
    const active = await ActivePhase.create(phases, memory, graph, fused ? undefined : gradients);
    return { data, train, program, phases: active, fused };
  } catch (error) {
    memory.destroy();
    throw error;
  }
}

/** Throws where the batch, its parts or the precision do not go with the data, the device or the optimizers. */
function checkOptions(o: TrainerOptions, phases: readonly Phase[]): void {
  const { batchSize, accumulate = 1, half = false, device } = o;
  const available = o.data.parts.train.n;
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
