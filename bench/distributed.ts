/** `descent bench distributed`: means over ranks, and what each method adds to a step. */
import { check, named, say } from '../engine/check.ts';
import { counted } from '../engine/counted.ts';
import type { Exchange } from '../train/distribute/exchange.ts';
import { pagesOf } from '../train/distribute/method.ts';
import { distribution, methods, type MethodName } from '../train/distribute/methods.ts';
import { start } from '../train/distribute/start.ts';
import { loop } from '../train/run/loop.ts';
import type { Trainer } from '../train/step/trainer.ts';

const ROUNDS = 9;

async function median(time: () => Promise<number>): Promise<number> {
  const each: number[] = [];
  for (let r = 0; r < ROUNDS; r++) each.push(await time());
  return each.sort((a, b) => a - b)[ROUNDS >> 1]!;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** Median milliseconds of a mean over all ranks of so many values. */
export async function benchMean(exchange: Exchange, values: number): Promise<number> {
  const x = exchange.vector(values);
  await exchange.mean(x);
  return median(async () => {
    await exchange.texts('');
    return timed(() => exchange.mean(x));
  });
}

/** Median milliseconds in which all gradients of a trainer go from the device to the host and back. */
export async function benchTurn({ memory }: Trainer): Promise<number> {
  const gradients = pagesOf(memory, 'grad');
  const x = new Float32Array(gradients.length);
  const ms = await median(() =>
    timed(async () => {
      await gradients.read(x);
      gradients.write(x);
      await memory.device.done();
    }),
  );
  gradients.destroy();
  return ms;
}

/** Steps before those that are timed. */
const BEFORE = 2;
/** What one rank's steps take together where nobody says how many are timed (ms), and the bounds of these. */
export const LASTS = 3000;
export const FEWEST = 10;
export const MOST = 150;

/** Milliseconds of a step of this process, which speaks to no other. */
async function benchSteps(trainer: Trainer, steps: number): Promise<number> {
  const ms = await timed(async () => {
    for (let i = 0; i < steps; i++) await trainer.step();
    await trainer.settle();
  });
  return ms / steps;
}

export interface PlainSteps {
  /** How many steps were timed. */
  readonly steps: number;
  /** Milliseconds of a step of rank 0 while the others wait. */
  readonly alone: number;
  /** Milliseconds of a step, in the mean over ranks, while all make steps and none speaks to another. */
  readonly apart: number;
}

/** Throws where an epoch has not as many steps of each rank as a method makes: several methods end one, which is not to be timed. */
function checkSteps(steps: number, { stepsPerEpoch }: Trainer, { size }: Exchange): void {
  const most = Math.floor(stepsPerEpoch / size) - BEFORE;
  check(
    steps <= most,
    `bench distributed: an epoch has ${counted(most + BEFORE, 'step')} of each rank, and ${BEFORE + steps} are made`,
    ...(most > 0 ? [say`give ${named('steps', String(most))}`] : []),
    say`give a smaller ${named('batchSize')}`,
  );
}

/** Times plain steps: `asked` of them, or as many as fit the time that each method is given. All ranks call it. */
export async function benchPlain(trainer: Trainer, exchange: Exchange, asked?: number): Promise<PlainSteps> {
  const values = exchange.vector(2);
  await exchange.texts(''); // all are refused at once, and the first of them says why
  if (asked !== undefined) checkSteps(asked, trainer, exchange);
  await benchSteps(trainer, BEFORE);
  await exchange.texts('');
  if (exchange.rank === 0) {
    const steps = asked ?? Math.min(MOST, Math.max(FEWEST, Math.round(LASTS / (await benchSteps(trainer, FEWEST)))));
    values.set([steps, await benchSteps(trainer, steps)]);
  }
  await exchange.broadcast(values);
  const [steps, alone] = [...values] as [number, number];
  checkSteps(steps, trainer, exchange);
  if (exchange.size === 1) return { steps, alone, apart: alone };
  const apart = Float32Array.of(await benchSteps(trainer, steps));
  await exchange.mean(apart);
  return { steps, alone, apart: apart[0]! };
}

export interface MethodResult {
  readonly method: MethodName;
  /** Milliseconds in which each rank makes a step. */
  readonly ms: number;
  /** Of synchronous training the share of the time of means that went by while the device still computed. */
  readonly hidden?: number;
  /** Of asynchronous training the changes between reading the weights and changing them, in the mean. */
  readonly staleness?: number;
}

/** Times `steps` steps of each rank by a method, of the trainers of all ranks; the first ones before that are not counted. */
export async function benchMethod(trainer: Trainer, exchange: Exchange, method: MethodName, steps: number): Promise<MethodResult> {
  const each = methods[method].together ? 1 : exchange.size; // of the steps that an epoch counts
  let staleness: number | undefined;
  const run = async (total: number) => {
    const o = { total: total * each, logEvery: total * each, asks: () => false, onMetrics: () => undefined };
    const started = await start(trainer, exchange, distribution(method, {}), o);
    await exchange.texts('');
    return timed(async () => {
      await loop(started.fitted, {
        ...o,
        validate: false,
        state: { evaluated: [] },
        step: started.step,
        onMetrics: line => {
          staleness = line.staleness ?? staleness;
        },
        onEvaluation: () => undefined,
        onCheckpoint: async () => undefined,
      });
      await exchange.texts('');
    });
  };
  await run(BEFORE);
  const { mean } = trainer;
  if (mean) Object.assign(mean.spent, { travelling: 0, waiting: 0 });
  const ms = (await run(BEFORE + steps)) / steps;
  return {
    method,
    ms,
    ...(mean && exchange.size > 1 && { hidden: Math.max(0, 1 - mean.spent.waiting / Math.max(mean.spent.travelling, 1e-9)) }),
    ...(staleness !== undefined && { staleness }),
  };
}
