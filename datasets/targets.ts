/** The numbers that a regression predicts, as a program has them. */
import { check, kindOf } from '../engine/check.ts';
import { Numbers } from './coarse.ts';

/** A number for each sample, or several: as rows, or one after the other. */
export type Targets = ArrayLike<number> | readonly (readonly number[])[];

export interface Targeted {
  /** [n, outputs] */
  readonly targets: Float32Array;
  readonly n: number;
  /** Names of the numbers. */
  readonly outputs: readonly string[];
  /** A line for each of which float32 keeps too little. */
  readonly notes: readonly string[];
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
  const numbers = flat as number[];
  const large = numbers.find(v => !Number.isFinite(Math.fround(v)));
  check(large === undefined, `${who}: ${large} is beyond float32`, 'give numbers of up to 3.4e38, in another unit');
  check(width > 0 && flat.length % width === 0, `${who}: ${flat.length} numbers for samples of ${width}`, 'give as many for each');
  const outputs = names ?? (width === 1 ? ['y'] : Array.from({ length: width }, (_, k) => `y${k + 1}`));
  check(outputs.length === width, `outputs: ${outputs.length} names for ${width} numbers of a sample`, 'give one for each');
  const columns = outputs.map(() => new Numbers());
  for (const [i, v] of numbers.entries()) columns[i % width]!.add(v);
  const notes = columns.flatMap((column, k) => column.note(`${who}: ${outputs[k]}`));
  return { targets: Float32Array.from(numbers), n: numbers.length / width, outputs, notes };
}
