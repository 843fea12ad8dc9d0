/** Learning rates for large batches. */
import type { Rates, Schedule } from '../../optim/schedule.ts';

/**
 * The linear scaling rule with gradual warm-up (Goyal et al. 2017, Accurate, large minibatch SGD): the rate of `schedule` times `factor`,
 * which rises to that from 1 over the first `warmup` updates. `lr` is the rate where there is no schedule.
 */
export function scaledRates(schedule: Schedule | undefined, lr: number, factor: number, warmup: number): Schedule {
  const at = (t: number): Rates => {
    const rates = schedule?.at(t) ?? { lr };
    const now = t < warmup ? 1 + ((factor - 1) * t) / warmup : factor;
    return { ...rates, lr: rates.lr * now };
  };
  return { ...schedule, at };
}
