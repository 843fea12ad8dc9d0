/** `descent eval --report` and `--predictions`: what a report says as tables, pictures and files. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { bytesOfImage } from '../../train/data/data.ts';
import { imagesOf, type Dataset } from '../../datasets/dataset.ts';
import { counted } from '../../engine/counted.ts';
import { check } from '../../engine/check.ts';
import { absent } from '../../engine/node/optional.ts';
import { report, type Report } from '../../train/evaluate/report.ts';
import type { PartImages } from '../../train/data/split.ts';
import { checkWritable, makeFolder, writeWhole } from '../../train/run/node/files.ts';
import { softmaxRows } from '../../train/study/probabilities.ts';
import { percent, print, table } from '../output.ts';
import { csv, predictionRows } from './csv.ts';

/** Logits [n, classes] of the images of a part. */
export interface Predictions {
  readonly part: PartImages;
  readonly dataset: Dataset;
  readonly logits: Float32Array | Float64Array;
}

interface ReportFlags {
  report?: boolean | undefined;
  out?: string | undefined;
  predictions?: string | undefined;
  json?: boolean | undefined;
  quiet?: boolean | undefined;
}

/** Refuses what writing would refuse later. */
export function checkReport({ report, out, predictions }: ReportFlags): void {
  check(out === undefined || report, '--out: names the folder of a report', 'give --report too');
  check(predictions === undefined || /\.csv$/i.test(predictions), `--predictions: ${predictions} is no .csv file`, 'let it end in .csv');
  if (predictions !== undefined) checkWritable(predictions);
}

/** An image as a reader finds it again: the path of its file, or its number in the split that it is from. */
const nameOf = ({ from, indices }: PartImages, i: number): string => from.names?.[indices[i]!] ?? String(indices[i]);

export function writePredictions(path: string, { part, dataset, logits }: Predictions, { json, quiet }: ReportFlags): void {
  const names = Array.from({ length: part.n }, (_, i) => nameOf(part, i));
  const probabilities = softmaxRows(Float32Array.from(logits), dataset.classes.length);
  writeWhole(path, csv(predictionRows(names, dataset.classes, probabilities, part.labels)));
  if (!json && !quiet) print(`predictions of ${counted(part.n, 'image')} in ${path}`);
}

/** As writePredictions, of a regression: each sample's features where it is a row of a table, targets and predictions. */
export function writeValues(path: string, { part, dataset, logits }: Predictions, { json, quiet }: ReportFlags): void {
  const outputs = dataset.outputs!;
  const [features, h, w] = dataset.shape;
  const { images } = part.from;
  const width = h * w === 1 && images instanceof Float32Array ? features : 0;
  const named = dataset.inputs ?? Array.from({ length: features }, (_, i) => `x${i + 1}`);
  const rows = Array.from(part.indices, (index, i) => [
    ...images.subarray(index * width, (index + 1) * width),
    ...part.targets!.subarray(i * outputs.length, (i + 1) * outputs.length),
    ...Array.from({ length: outputs.length }, (_, k) => logits[i * outputs.length + k]!),
  ]);
  const head = [...named.slice(0, width), ...outputs, ...outputs.map(name => `predicted ${name}`)];
  writeWhole(path, csv([head, ...rows.map(row => row.map(v => Number(v.toPrecision(9))))]));
  if (!json && !quiet) print(`predictions of ${counted(part.n, 'sample')} in ${path}`);
}

/** Confusions are printed of so many classes, and so many lines of scores. */
const MOST_CONFUSED = 20;
/** The table of confusions is written whole of so many classes: of 10,000 it would be longer than a text may be. */
const MOST_WHOLE = 1000;
const MOST_SCORED = 40;
const MISTAKES = 40;

/** Where what is told of the weights `path` stands, if nothing else is said: in the folder of the run, or beside the file. */
export const folderOf = (path: string, what: string): string =>
  statSync(path).isDirectory() ? join(path, what) : `${path.replace(/\.(safetensors|onnx)$/, '')}-${what}`;

/** Writes the report of the evaluation `facts` to a folder, by default one beside the weights `path`, and prints it. */
export async function writeReport(path: string, facts: object, predictions: Predictions, { out, json, quiet }: ReportFlags): Promise<void> {
  const { part, dataset, logits } = predictions;
  const folder = out ?? folderOf(path, 'report');
  const found = report(logits, part.labels, dataset.classes);
  const [{ reportPicture }, { writePicture }] = await Promise.all([
    import('../../train/study/report-picture.ts'),
    import('../pictures.ts'),
  ]);
  makeFolder(folder, 'name another folder with --out');
  const mistakes = found.mistakes.map(m => ({ ...m, image: nameOf(part, m.image) }));
  const isLarge = dataset.classes.length > MOST_WHOLE;
  const counts = isLarge ? { confusion: undefined, confusions: confusionsOf(found) } : { confusion: rowsOf(found) };
  const written = { ...facts, ...found, ...counts, mistakes };
  writeWhole(join(folder, 'report.json'), `${JSON.stringify(written, undefined, 1)}\n`);
  const pictures = await writePicture(join(folder, 'report'), reportPicture(found, `${dataset.name}, ${counted(part.n, 'image')}`));
  const pictured = mistakes.length > 0 && isPictures(dataset);
  if (pictured) {
    const file = join(folder, 'mistakes.png');
    await writeMistakes(file, found, predictions);
    pictures.push(file);
  }
  if (json) print(JSON.stringify({ report: folder, ...written, mistakes: mistakes.slice(0, MISTAKES), pictures }));
  else if (!quiet) tell(found, folder, pictured);
}

/** Whether samples can be shown: bytes of one or three colours. */
export const isPictures = ({ shape: [c], dtype = 'uint8' }: Dataset): boolean => (c === 1 || c === 3) && dtype === 'uint8';

/** The counts of confusions, one row a label. */
const rowsOf = ({ classes, confusion }: Report): number[][] =>
  classes.map((_, row) => [...confusion.subarray(row * classes.length, (row + 1) * classes.length)]);

/** The counts that are not 0, by label and answer. */
function confusionsOf({ classes, confusion }: Report): { label: number; answer: number; images: number }[] {
  const k = classes.length;
  const found: { label: number; answer: number; images: number }[] = [];
  for (const [i, images] of confusion.entries()) if (images) found.push({ label: Math.floor(i / k), answer: i % k, images });
  return found;
}

function tell(found: Report, folder: string, pictured: boolean): void {
  const { classes, top, balancedAccuracy, calibrationError, loss, macro, weighted, images } = found;
  const tops = Object.entries(top).flatMap(([k, share]) => (k === '1' ? [] : [`top-${k} accuracy ${percent(share)}`]));
  const figures = [`cross-entropy ${loss.toFixed(4)}`, ...tops, `balanced accuracy ${percent(balancedAccuracy)}`];
  print(`${figures.join('  ')}  expected calibration error ${percent(calibrationError)}`);
  const three = (...shares: number[]) => shares.map(percent);
  const worst = classes.length > MOST_SCORED ? [...classes].sort((a, b) => a.f1 - b.f1).slice(0, MOST_SCORED) : classes;
  if (worst !== classes) print(`\nthe ${MOST_SCORED} classes of ${classes.length} with the lowest F1`);
  print(
    `\n${table([
      ['class', 'precision', 'recall', 'F1', 'images'],
      ...worst.map(c => [c.name, ...three(c.precision, c.recall, c.f1), String(c.support)]),
      ['mean of classes', ...three(macro.precision, macro.recall, macro.f1), String(images)],
      ['weighted by images', ...three(weighted.precision, weighted.recall, weighted.f1), String(images)],
    ])}`,
  );
  if (classes.length <= MOST_CONFUSED) {
    const rows = rowsOf(found).map((row, i) => [`${i} ${classes[i]!.name}`, ...row.map(String)]);
    print(`\n${table([['label \\ answer', ...classes.map((_, i) => String(i))], ...rows])}`);
  }
  print(`\nreport.json, report.svg, report.png${pictured ? ', mistakes.png' : ''} in ${folder}`);
}

async function writeMistakes(path: string, found: Report, predictions: Predictions): Promise<void> {
  const { png } = await import('../pictures.ts');
  writeWhole(path, await png(await mistakesSheet(found, predictions)));
}

/** The most confident mistakes as one picture: each with its label, its answer and how sure the net was. */
export async function mistakesSheet({ classes, mistakes }: Report, { part, dataset }: Predictions): Promise<string> {
  const shown = mistakes.slice(0, MISTAKES);
  const [c, h, w] = dataset.shape;
  const [{ default: sharp }, { contactSheet }] = await Promise.all([
    import('sharp').catch(absent('sharp', 'drawing mistakes')),
    import('../../plots/sheet.ts'),
  ]);
  const size = bytesOfImage(dataset);
  const items = shown.map(async ({ image, label, answer, probability }) => {
    const planes = await imagesOf(part.from, size, part.indices.subarray(image, image + 1));
    const pixels = new Uint8Array(size);
    for (let i = 0; i < size; i++) pixels[i] = planes[(i % c) * h * w + Math.floor(i / c)]!;
    const picture = await sharp(pixels, { raw: { width: w, height: h, channels: c as 1 | 3 } })
      .png()
      .toBuffer();
    return {
      png: picture,
      lines: [nameOf(part, image), classes[label]!.name, `${Math.round(100 * probability)}% ${classes[answer]!.name}`],
    };
  });
  const title = `${mistakes.length} mistakes, the most confident first: image, label, answer`;
  return contactSheet(await Promise.all(items), title);
}
