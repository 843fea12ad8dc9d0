/** `descent bench distributed`: means over ranks, and what each method adds to a step. */
import { check, named, say } from '../engine/check.ts';
import type { Exchange } from '../train/distribute/exchange.ts';
import { distribution, type MethodName } from '../train/distribute/methods.ts';
import { start } from '../train/distribute/start.ts';
import { loop } from '../train/run/loop.ts';
import type { Trainer } from '../train/step/trainer.ts';

/** Median milliseconds of a mean over all ranks of so many values. */
export async function benchMean(exchange: Exchange, values: number, rounds = 9): Promise<number> {
  const x = exchange.vector(values);
  const each: number[] = [];
  await exchange.mean(x);
  for (let r = 0; r < rounds; r++) {
    await exchange.texts('');
    const begun = performance.now();
    await exchange.mean(x);
    each.push(performance.now() - begun);
  }
  return each.sort((a, b) => a - b)[rounds >> 1]!;
}

export interface MethodResult {
  readonly method: MethodName;
  /** Milliseconds of a step of the whole job: until a batch more is done. */
  readonly ms: number;
  /** Of synchronous training the share of the time of means that the step did not wait for. */
  readonly hidden?: number;
  /** Of asynchronous training the changes between reading the weights and changing them, in the mean. */
  readonly staleness?: number;
}

/** Times `steps` steps of a method, of the trainers of all ranks; the first ones before that are not counted. */
export async function benchMethod(trainer: Trainer, exchange: Exchange, method: MethodName, steps: number): Promise<MethodResult> {
  const before = 3;
  const { stepsPerEpoch } = trainer;
  check(
    stepsPerEpoch >= before + steps,
    `bench distributed: an epoch has ${stepsPerEpoch} steps of ${method}, and ${before + steps} are made`,
    `give ${Math.max(1, stepsPerEpoch - before)} steps or fewer`,
    say`a smaller ${named('batchSize')}`,
  );
  let staleness: number | undefined;
  const run = async (total: number) => {
    const o = { total, logEvery: total, asks: () => false, onMetrics: () => undefined };
    const started = await start(trainer, exchange, distribution(method, {}), o);
    await exchange.texts('');
    const begun = performance.now();
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
    return performance.now() - begun;
  };
  await run(before);
  const { mean } = trainer;
  if (mean) Object.assign(mean.spent, { travelling: 0, waiting: 0 });
  const ms = (await run(before + steps)) / steps;
  return {
    method,
    ms,
    ...(mean && { hidden: Math.max(0, 1 - mean.spent.waiting / Math.max(mean.spent.travelling, 1e-9)) }),
    ...(staleness !== undefined && { staleness }),
  };
}
