/** The numbers that a regression predicts, as a program has them. */
import { check, kindOf } from '../engine/check.ts';

/** A number for each sample, or several: as rows, or one after the other. */
export type Targets = ArrayLike<number> | readonly (readonly number[])[];

export interface Targeted {
  /** [n, outputs] */
  readonly targets: Float32Array;
  readonly n: number;
  /** Names of the numbers. */
  readonly outputs: readonly string[];
}

/** Throws where there is none, where one is not finite, or where samples have different numbers of them. */
export function targetsOf(who: string, given: Targets, names: readonly string[] | undefined): Targeted {
  const isList = typeof given === 'object' && given !== null && 'length' in given && given.length > 0;
  check(isList, `${who}: it is ${kindOf(given)}`, 'give an array of numbers, or of rows of numbers');
  const rows = Array.from(given as ArrayLike<unknown>);
  const width = Array.isArray(rows[0]) ? rows[0].length : (names?.length ?? 1);
  const uneven = Array.isArray(rows[0]) ? rows.findIndex(row => !Array.isArray(row) || row.length !== width) : -1;
  check(uneven < 0, `${who}[${uneven}]: it is ${kindOf(rows[uneven])}`, `give ${width} numbers, as the first row has`);
  const flat = rows.flat() as unknown[];
  const wrong = flat.findIndex(v => typeof v !== 'number' || !Number.isFinite(v));
  check(wrong < 0, `${who}: number ${wrong} is ${kindOf(flat[wrong])}`, 'give finite numbers');
  check(width > 0 && flat.length % width === 0, `${who}: ${flat.length} numbers for samples of ${width}`, 'give as many for each');
  const outputs = names ?? (width === 1 ? ['y'] : Array.from({ length: width }, (_, k) => `y${k + 1}`));
  check(outputs.length === width, `outputs: ${outputs.length} names for ${width} numbers of a sample`, 'give one for each');
  return { targets: Float32Array.from(flat as number[]), n: flat.length / width, outputs };
}
