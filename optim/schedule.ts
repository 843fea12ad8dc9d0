/** What a schedule is, and what all schedules take. */
import { check, kindOf } from '../engine/check.ts';
import { number, type Described, type Parameters, type Values } from '../engine/parameter.ts';

/** What a schedule sets for one update. */
export interface Rates {
  readonly lr: number;
  /** In place of the optimizer's momentum or beta1. */
  readonly momentum?: number;
  /** Batches whose mean gradient makes one update; 1 without it. */
  readonly batches?: number;
}

/** A schedule of one run. */
export interface Schedule {
  /** The rates of the update after `t` others. */
  at(t: number): Rates;
  /** Reports the loss on the validation images, where the schedule follows it. */
  observe?(loss: number): void;
  /** Whether it gives `batches`. */
  readonly grows?: boolean;
}

/** The rates of the update after `t` others: those of the schedule, where there is one. Throws where one of a program's own gives no rate. */
export function ratesAt(schedule: Schedule | undefined, t: number, lr: number): Rates {
  const rates = schedule ? schedule.at(t) : { lr };
  check(Number.isFinite(rates?.lr), `schedule: at(${t}) gave ${kindOf(rates)}`, 'give a rate, as { lr: 0.1 }');
  return rates;
}

/** What a schedule is made for: the optimizer's rate, and the updates of the whole run. */
export interface Run {
  readonly lr: number;
  readonly total: number;
}

/** What a schedule is called and takes. In `formula` η is the optimizer's rate, t updates made, T those of the run. */
export interface Kind extends Described {
  readonly options: Parameters;
  /** Whether it gives `batches`. */
  readonly grows?: true;
  make(options: Readonly<Record<string, any>>, run: Run): Schedule;
}

/** Infers the names and types of the options for `make`. */
export const kind = <O extends Parameters>(
  k: Omit<Kind, 'options' | 'make'> & { options: O; make(o: Values<O>, run: Run): Schedule },
): Kind => k;

/** A schedule of the rate alone. */
export const rate = (lr: (t: number) => number): Schedule => ({ at: t => ({ lr: lr(t) }) });

/** What every schedule takes beside its own options. */
const WARMUP = {
  warmup: number(0, 'updates of linear rise in front'),
  warmup_from: number(0, 'share of the rate at its start'),
};

/** All options of a schedule. */
export const optionsOf = ({ options }: Kind): Parameters & typeof WARMUP => ({ ...options, ...WARMUP });
