/** Orders in which runs are listed. */
import { bestOf, isBetter } from '../../../train/step/metrics.ts';
import type { RunState } from '../../worker/protocol.ts';
import type { Run } from '../runs.ts';

/** A run, and its values of the options in which runs differ. */
export interface Listed {
  readonly run: Pick<Run, 'state' | 'validation' | 'seconds'>;
  readonly differs: readonly string[];
}

/** Those that need someone first. */
const STATES: readonly RunState[] = ['running', 'building', 'paused', 'kept', 'done', 'loaded', 'failed'];
const collator = new Intl.Collator('en');

function byScore({ run: a }: Listed, { run: b }: Listed): number {
  const [one, other] = [bestOf(a.validation), bestOf(b.validation)];
  if (!one || !other) return Number(!one) - Number(!other);
  return Number(isBetter(other, one)) - Number(isBetter(one, other));
}

function byDifference({ differs: a }: Listed, { differs: b }: Listed): number {
  for (const [i, one] of a.entries()) {
    const other = b[i]!;
    const apart = Number(one) - Number(other);
    const sign = Number.isNaN(apart) ? collator.compare(one, other) : apart;
    if (sign) return sign;
  }
  return 0;
}

/** By their names; of runs that are equal the one that was begun first comes first. */
export const ORDERS: Readonly<Record<string, (a: Listed, b: Listed) => number>> = {
  'as begun': () => 0,
  'by what differs': byDifference,
  'by best validation': byScore,
  'by state': ({ run: a }, { run: b }) => STATES.indexOf(a.state) - STATES.indexOf(b.state),
  'by time': ({ run: a }, { run: b }) => a.seconds - b.seconds,
};
