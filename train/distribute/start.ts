/** A trainer as one of several ranks, by any of the methods: what the loop of a run works with. */
import type { Fitted } from '../run/loop.ts';
import type { Trainer } from '../step/trainer.ts';
import { Asynchronous, type AsynchronousOptions } from './asynchronous.ts';
import { delayTolerant } from './delay-tolerant.ts';
import { downpour } from './downpour.ts';
import { easgd } from './easgd.ts';
import type { Exchange } from './exchange.ts';
import { hogwild } from './hogwild.ts';
import { localSgd } from './local.ts';
import type { Method, Rank, Vectors } from './method.ts';
import type { Distribution, OptionsOf } from './methods.ts';

/** What a checkpoint keeps beside the weights and the state of rank 0's trainer. */
export interface Kept {
  /** What the ranks hold together; on rank 0 alone. All ranks take it back. */
  state(): Promise<Vectors>;
  load(state: Vectors): Promise<void>;
  /** What each holds for itself, beside its trainer's state. */
  ownState(): Promise<Vectors>;
  loadOwn(state: Vectors): Promise<void>;
}

export interface Started {
  readonly fitted: Fitted;
  /** Does a step in place of the trainer's own. */
  readonly step?: (log: boolean) => Promise<void>;
  readonly kept: Kept;
  /** Whether a rank asked that the run ends, as all know by now. */
  readonly isAsked: boolean;
  /** Whether the ranks' trainers have states of their own. */
  readonly apart: boolean;
  /** Brings rank 0 to where it can go on from, where another is lost. */
  abandon?(): Promise<void>;
}

const nothing: Kept = { state: async () => ({}), load: async () => undefined, ownState: async () => ({}), loadOwn: async () => undefined };

/** All ranks call it, with trainers of the same weights. */
export async function start(
  trainer: Trainer,
  exchange: Exchange,
  { name, options }: Distribution,
  o: AsynchronousOptions,
): Promise<Started> {
  if (name === 'sync') return synchronous(trainer, o);
  if (name === 'local') return averaging(trainer, exchange, options as OptionsOf<'local'>, o);
  const made: Readonly<Record<typeof name, (rank: Rank) => Promise<Method>>> = {
    downpour: rank => downpour(rank, options as OptionsOf<'downpour'>),
    easgd: rank => easgd(rank, options as OptionsOf<'easgd'>),
    'delay-tolerant': delayTolerant,
    hogwild,
  };
  const fitted = await Asynchronous.create(trainer, exchange, made[name], o);
  const { method } = fitted;
  return {
    fitted,
    apart: true,
    abandon: () => fitted.abandon(),
    get isAsked() {
      return fitted.isAsked;
    },
    kept: {
      state: async () => (await method.state?.()) ?? {},
      load: async state => (exchange.rank === 0 ? method.load?.(state) : undefined),
      ownState: async () => (await method.ownState?.()) ?? {},
      loadOwn: async state => method.loadOwn?.(state),
    },
  };
}

function synchronous(trainer: Trainer, { asks, delay }: AsynchronousOptions): Started {
  const mean = trainer.mean!;
  return {
    fitted: trainer,
    async step(log) {
      mean.asks = asks();
      await delay?.();
      await trainer.step(log);
    },
    kept: nothing,
    apart: false,
    get isAsked() {
      return mean.isAsked;
    },
  };
}

async function averaging(trainer: Trainer, exchange: Exchange, options: OptionsOf<'local'>, o: AsynchronousOptions): Promise<Started> {
  const averages = await localSgd(trainer, exchange, options, o.asks);
  return {
    fitted: trainer,
    async step(log) {
      if (averages.isAsked) return; // a step beyond the mean would take one that a run which is not asked to end does not take
      await o.delay?.();
      const next = trainer.steps + 1;
      const isMeeting = next % options.every === 0 || next === o.total || next % trainer.stepsPerEpoch === 0;
      const ends = isMeeting && (await averages.agree());
      await trainer.step(log || ends);
      if (isMeeting) await averages.mean();
    },
    kept: { ...nothing, state: async () => averages.state(), load: async state => averages.load(state) },
    apart: true,
    get isAsked() {
      return averages.isAsked;
    },
  };
}
