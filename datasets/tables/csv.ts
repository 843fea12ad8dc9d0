/** Tables as comma-separated values: each row a sample, each column a feature or what is to be predicted. */
import { counted } from '../../engine/counted.ts';
import { check, named, say, some } from '../../engine/check.ts';
import { parseNumber } from '../../engine/spec.ts';
import { Numbers } from '../coarse.ts';
import { first, type Dataset, type Limits } from '../dataset.ts';
import { datasetOf } from '../memory.ts';

/** The columns of a file, each of as many cells. */
export interface Table {
  readonly names: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const isNumber = (cell: string): boolean => cell.trim() !== '' && Number.isFinite(Number(cell));

/** Reads a table; what separates its cells is found out. Columns of a file without a head are called by their numbers, from 1 on. */
export async function parseCsv(who: string, text: string): Promise<Table> {
  check(!text.includes('\ufffd'), `${who}: it is not text in UTF-8`, 'save it as UTF-8'); // other letters would all be one
  const { default: papa } = await import('papaparse');
  const { data, errors } = papa.parse<string[]>(text.replace(/^\ufeff/, ''), { skipEmptyLines: 'greedy' });
  const broken = errors.find(error => error.type === 'Quotes');
  check(!broken, `${who}: row ${(broken?.row ?? 0) + 1} has a quote that does not end`, 'mend the file');
  const [head = []] = data;
  const isHeadless = head.every(isNumber);
  const names = head.map((cell, i) => (isHeadless ? String(i + 1) : cell.trim()));
  const rows = isHeadless ? data : data.slice(1);
  check(rows.length, `${who}: it has no rows`, 'give a table with a row for each sample');
  const uneven = rows.findIndex(row => row.length !== names.length);
  check(
    uneven < 0,
    `${who}: row ${uneven + 1} has ${counted(rows[uneven]?.length ?? 0, 'cell')}, its head ${names.length}`,
    'give each row as many cells as there are columns',
  );
  const twice = names.find((name, i) => names.indexOf(name) < i);
  check(twice === undefined, `${who}: two columns are called '${twice}'`, 'give each a name of its own');
  return { names, rows };
}

/** The number that a text is. Throws where it is none, or one that float32 makes infinite. */
export function float32Of(who: string, text: string): number {
  const value = parseNumber(who, text.trim());
  check(Number.isFinite(Math.fround(value)), `${who}: ${value} is beyond float32`, 'give numbers of up to 3.4e38, in another unit');
  return value;
}

/** The columns `names` of a table as numbers, row after row. Throws where one is not there, or a cell is no number of float32. */
export function numbersOf(who: string, table: Table, names: readonly string[]): Float32Array {
  const places = names.map(name => {
    const place = table.names.indexOf(name);
    check(place >= 0, `${who}: there is no column '${name}'`, `it has ${some(table.names)}`);
    return place;
  });
  return Float32Array.from(
    table.rows.flatMap((row, r) => places.map((place, k) => float32Of(`${who}: row ${r + 1}, column '${names[k]}'`, row[place]!))),
  );
}

/** A line for each column of which float32 keeps too little. */
const coarseColumns = (who: string, table: Table, names: readonly string[]): string[] =>
  names.flatMap(name => {
    const place = table.names.indexOf(name);
    const column = new Numbers();
    for (const row of table.rows) column.add(Number(row[place]));
    return column.note(`${who}: column '${name}'`);
  });

/** Share of the rows that is held back to test on. */
const TEST = 0.2;

/**
 * A table as a data set: the columns `target`, a name or several with commas between, are predicted from all others, or from `inputs` in
 * that order, which must be numbers. A single target of names makes classes; one whose cells are numbers for the most part is a regression. A
 * fifth of the rows, always the same ones, is held back for testing. `notes` names columns of which float32 keeps too little.
 */
export async function tableSet(
  who: string,
  text: string,
  target: string | undefined,
  { limitTrain, limitTest, inputs: taken }: Limits & { readonly inputs?: readonly string[] | undefined } = {},
): Promise<Dataset> {
  const table = await parseCsv(who, text);
  check(
    target !== undefined,
    `${who}: which column is to be predicted is not said`,
    say`give ${named('target')} as one of ${some(table.names)}`,
  );
  const targets = target.split(',').map(name => name.trim());
  const inputs = taken ?? table.names.filter(name => !targets.includes(name));
  check(inputs.length, `${who}: no column is left to predict ${target} from`, 'leave some out of the targets');
  const place = table.names.indexOf(targets[0]!);
  const labels = targets.length === 1 && place >= 0 ? table.rows.map(row => row[place]!.trim()) : [];
  const unsaid = labels.indexOf('');
  check(unsaid < 0, `${who}: row ${unsaid + 1}, column '${target}': it is empty`, 'give what is to be predicted', 'leave the row out');
  const isNamed = labels.filter(isNumber).length < labels.length / 2;
  const dataset = await datasetOf({
    name: who,
    images: numbersOf(who, table, inputs),
    shape: [inputs.length],
    test: TEST,
    ...(isNamed ? { labels } : { targets: numbersOf(who, table, targets), outputs: targets }),
  });
  const notes = coarseColumns(who, table, isNamed ? inputs : [...inputs, ...targets]);
  return { ...dataset, inputs, notes, train: first(dataset.train, limitTrain), test: first(dataset.test, limitTest) };
}
