/** `descent predict` of a model that takes rows of numbers: values on the command line, or tables as .csv. */
import { readFileSync } from 'node:fs';
import type { Dataset } from '../../datasets/dataset.ts';
import { isTable } from '../../datasets/node/open.ts';
import { float32Of, numbersOf, parseCsv } from '../../datasets/tables/csv.ts';
import { counted } from '../../engine/counted.ts';
import { check } from '../../engine/check.ts';
import type { Pixels } from '../../train/evaluate/pixels.ts';
import type { Predictor } from '../../train/evaluate/predictor.ts';
import { softmaxRows } from '../../train/study/probabilities.ts';
import { print } from '../output.ts';
import { csv } from './csv.ts';

/** Rows of features as numbers, one after the other. */
export async function rowsOf(given: readonly string[], { shape, inputs }: Pick<Dataset, 'shape' | 'inputs'>): Promise<Float32Array> {
  const width = shape[0];
  const parts = await Promise.all(
    given.map(async text => {
      if (isTable(text)) {
        const table = await parseCsv(text, readFileSync(text, 'utf8'));
        const isHeadless = table.names.length === width && table.names.every((name, i) => name === String(i + 1));
        return numbersOf(text, table, isHeadless ? table.names : (inputs ?? table.names.slice(0, width)));
      }
      const cells = text.split(',');
      check(
        cells.length === width,
        `predict: '${text}' has ${counted(cells.length, 'value')}, the model takes ${width}`,
        width === 1
          ? 'give numbers, or a .csv file'
          : `give rows as ${Array.from({ length: width }, (_, i) => i / 2).join(',')}, or a .csv file`,
      );
      return Float32Array.from(cells, cell => float32Of('predict', cell));
    }),
  );
  return Float32Array.from(parts.flatMap(part => [...part]));
}

interface Form {
  readonly csv?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

/** Prints what the model says of each row: the numbers that it predicts, or its class. It takes the rows as `pixels`. */
export async function predictRows(predictor: Predictor, rows: Float32Array, pixels: Pixels, o: Form): Promise<void> {
  const { shape, inputs, outputs, classes } = predictor;
  const [width] = shape;
  const names = inputs ?? Array.from({ length: width }, (_, i) => (width === 1 ? 'x' : `x${i + 1}`));
  const answers = outputs ?? classes;
  const k = answers.length;
  const values = outputs ? await predictor.values(pixels) : softmaxRows(await predictor.logits(pixels), k);
  const n = rows.length / width;
  const lines = Array.from({ length: n }, (_, i) => ({
    row: Array.from(rows.subarray(i * width, (i + 1) * width), seven),
    answer: Array.from(values.subarray(i * k, (i + 1) * k), seven),
  }));
  if (o.csv) return void process.stdout.write(csv([[...names, ...answers], ...lines.map(l => [...l.row, ...l.answer])]));
  for (const { row, answer } of lines) {
    const best = answer.indexOf(Math.max(...answer));
    const told = outputs ? answer.map((v, i) => `${outputs[i]} ${v}`) : [`${classes[best]} ${(answer[best]! * 100).toFixed(1)}%`];
    if (o.json) {
      const predictions = Object.fromEntries(answers.map((name, i) => [name, answer[i]]));
      print(JSON.stringify({ inputs: Object.fromEntries(names.map((name, i) => [name, row[i]])), predictions }));
    } else if (o.quiet) print(outputs ? answer.join(',') : classes[best]!);
    else print(`${names.map((name, i) => `${name} ${row[i]}`).join(', ')}: ${told.join(', ')}`);
  }
}

/** As many digits as float32 has. */
const seven = (v: number): number => Number(v.toPrecision(7));
