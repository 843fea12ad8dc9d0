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
  /** After each step of all ranks; `due` has them take the mean now. */
  after(due: boolean): Promise<void>;
  /** Whether a rank that gave `asks` at the last mean asked that the run ends. */
  readonly isAsked: boolean;
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
    async after(due) {
      if (!due && trainer.steps % o.every !== 0) return;
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
      stop[0] = asks() ? 1 : 0;
      await exchange.mean(stop, 1);
      isAsked = stop[0] > 0;
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
