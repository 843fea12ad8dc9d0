/**
 * Local SGD (Stich 2019): the ranks share each batch out and train by themselves; every `every` steps all take the mean of their weights.
 * With `outer=nesterov` the mean is what a momentum step of its own goes towards (DiLoCo, Douillard et al. 2023): Δ = θ − mean, v ← μ v + Δ,
 * θ ← θ − η (Δ + μ v).
 */
import type { Trainer } from '../step/trainer.ts';
import type { Exchange } from './exchange.ts';
import { pagesOf, type Vectors } from './method.ts';
import type { OptionsOf } from './methods.ts';

export interface Averaging {
  /** Tells all ranks whether one of them asks that the run ends; they call it before the step whose weights they take the mean of. */
  agree(): Promise<boolean>;
  /** Whether one asked the last time. */
  readonly isAsked: boolean;
  /** All take the mean of their weights. */
  mean(): Promise<void>;
  state(): Vectors;
  load(state: Vectors): void;
}

export async function localSgd(trainer: Trainer, exchange: Exchange, o: OptionsOf<'local'>, asks: () => boolean): Promise<Averaging> {
  const weights = pagesOf(trainer.memory, 'param');
  const running = pagesOf(trainer.memory, 'buffer');
  const [x, statistics, stop] = [exchange.vector(weights.length), exchange.vector(running.length), exchange.vector(1)];
  const theta = exchange.vector(weights.length);
  const v = exchange.vector(weights.length);
  const isNesterov = o.outer === 'nesterov';
  let isAsked = false;
  await weights.read(theta);

  const step = () => {
    const { outer_lr: lr, outer_momentum: momentum } = o;
    for (let i = 0; i < x.length; i++) {
      const delta = theta[i]! - x[i]!;
      v[i] = momentum * v[i]! + delta;
      x[i] = theta[i]! - lr * (delta + momentum * v[i]!);
    }
  };
  return {
    async agree() {
      stop[0] = asks() ? 1 : 0;
      await exchange.mean(stop, 1);
      isAsked = stop[0] > 0;
      return isAsked;
    },
    async mean() {
      await weights.read(x);
      await exchange.mean(x);
      if (isNesterov) step();
      theta.set(x);
      weights.write(x);
      if (running.length) {
        await running.read(statistics);
        await exchange.mean(statistics);
        running.write(statistics);
      }
    },
    get isAsked() {
      return isAsked;
    },
    state: (): Vectors => (isNesterov ? { v } : {}),
    load(state) {
      if (state.v) v.set(state.v);
    },
  };
}
