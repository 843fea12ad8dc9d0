/** `descent look`: what a trained net has learnt and computes, as pictures. */
import { join } from 'node:path';
import { imagesOf, numbers, type Dataset } from '../../datasets/dataset.ts';
import { counted } from '../../engine/counted.ts';
import { check } from '../../engine/check.ts';
import type { Device } from '../../engine/device.ts';
import { Memory } from '../../engine/memory.ts';
import { absent } from '../../engine/node/optional.ts';
import { draw } from '../../plots/chart.ts';
import { writePicture } from '../pictures.ts';
import type { Panel } from '../../plots/panel.ts';
import { reportPicture } from '../../train/study/report-picture.ts';
import { contactSheet } from '../../plots/sheet.ts';
import { ACROSS, strips, type Strip } from '../../plots/strips.ts';
import { OPTIONS } from '../../train/config/options.ts';
import type { Recipe } from '../../train/config/recipe.ts';
import { parseNumber } from '../../engine/spec.ts';
import { bytesOfImage, type RunData } from '../../train/data/data.ts';
import { Probe, probeGraph } from '../../train/evaluate/probe.ts';
import { report } from '../../train/evaluate/report.ts';
import { writeWeights } from '../../train/evaluate/match.ts';
import { savedOf } from '../../train/evaluate/weights.ts';
import { makeFolder } from '../../train/run/node/files.ts';
import { openInference } from '../../train/run/open-inference.ts';
import type { Tensors } from '../../train/run/safetensors.ts';
import { activationStats, rms, type LayerStats } from '../../train/study/layer-stats.ts';
import { activationsOf, filtersOf, firstFilters, shades, type Filters, type Planes } from '../../train/study/looks.ts';
import { percent, print, table } from '../output.ts';
import { checkTrainedOn, openCheckpoint, weightsFor, openFor, type Checkpoint, type CheckpointOptions } from './checkpoint.ts';
import { onInterrupt } from './interrupt.ts';
import { once } from './job.ts';
import { openDevice, type DeviceOptions } from './device.ts';
import { folderOf, isPictures, mistakesSheet } from './report.ts';
import { localRecipe } from './session.ts';

export interface LookOptions extends CheckpointOptions, DeviceOptions {
  image: string;
  limitTest?: string;
  out?: string;
  dataDir?: string;
}

/** Images whose activations the statistics are of. */
const IMAGES = 32;
/** Layers that are drawn. */
const LAYERS = 24;

export const look = (path: string, options: LookOptions): Promise<void> => once([path, options], () => lookInto(path, options));

async function lookInto(path: string, options: LookOptions): Promise<void> {
  const chosen = parseNumber('--image', options.image, { integer: true, min: 1 }) - 1;
  const checkpoint = await openCheckpoint(path, options);
  checkTrainedOn(checkpoint, options);
  const limit = options.limitTest === undefined ? {} : { limitTest: OPTIONS.limitTest.type.parse('--limit-test', options.limitTest) };
  const recipe = localRecipe({ ...checkpoint.config, ...limit });
  const folder = options.out ?? folderOf(path, 'look');
  const removeEmpty = makeFolder(folder, 'name another folder with --out');
  const interrupt = onInterrupt(removeEmpty);
  try {
    await lookAt(checkpoint, recipe, chosen, folder, options);
  } finally {
    interrupt.end();
    removeEmpty();
  }
}

/** Draws what there is to see of a net into a folder, and says so. */
async function lookAt(checkpoint: Checkpoint, recipe: Recipe, chosen: number, folder: string, options: LookOptions): Promise<void> {
  const { dataDir, quiet, json } = options;
  const { file, moments, statistics } = checkpoint;
  const dataset = await openFor(checkpoint, recipe.config, { dataDir, quiet });
  check(!dataset.outputs, `look: pictures are of classes, and ${dataset.name} has numbers to predict`, 'take descent eval --predictions');
  check(chosen < dataset.test.n, `--image: ${chosen + 1} is beyond the ${dataset.test.n} test images`, `give 1 to ${dataset.test.n}`);

  const weights = weightsFor(checkpoint, dataset);
  const device = await openDevice(options);
  try {
    const { inference, data } = await openInference(recipe, weights, dataset, device, { moments, statistics });
    const part = data.parts.test;
    const logits = await inference.logits('test');
    inference.destroy();
    const found = report(logits, part.labels, dataset.classes);
    const { filters, activations, layers } = await insideOf(recipe, weights, data, device, chosen);

    const net = `${recipe.config.model} on ${dataset.name}`;
    const pictures: [name: string, svg: string][] = [['confusion', reportPicture(found, `${net}: ${part.n} test images`)]];
    if (filters) pictures.push(['filters', await drawFilters(filters, net, dataset)]);
    pictures.push(['activations', await drawActivations(activations, `${net}: test image ${chosen + 1}, ${classOf(dataset, chosen)}`)]);
    pictures.push(['layers', drawLayers(layers, net)]);
    if (found.mistakes.length && isPictures(dataset)) pictures.push(['mistakes', await mistakesSheet(found, { part, dataset, logits })]);
    const files: string[] = [];
    for (const [name, svg] of pictures) files.push(...(await writePicture(join(folder, name), svg)));

    const { loss, accuracy } = found;
    if (json) return print(JSON.stringify({ file, folder, pictures: files, images: part.n, loss, accuracy, layers }));
    if (!quiet) print(`${file}: test loss ${loss.toFixed(4)}  accuracy ${percent(accuracy)}\n\n${statsTable(layers)}\n`);
    print(`${pictures.map(([name]) => name).join(', ')}, each as .svg and .png, in ${folder}`);
  } finally {
    device.close();
  }
}

const classOf = ({ classes, test }: Dataset, i: number): string => classes[test.labels[i]!]!;

interface Inside {
  readonly filters: Filters | undefined;
  readonly activations: readonly Planes[];
  readonly layers: readonly LayerStats[];
}

/** Looks into the net on its weights: at its filters, at test image number `chosen`, and at the first ones together. */
async function insideOf(recipe: Recipe, weights: Tensors, data: RunData, device: Device, chosen: number): Promise<Inside> {
  const { dataset } = data;
  const { shape, classes, test } = dataset;
  const model = recipe.model.layer({ shape, classes: classes.length });
  const memory = new Memory(device);
  try {
    const { graph } = probeGraph(memory, model, data, 1);
    memory.reserve(graph);
    memory.allocate(graph);
    writeWeights(memory, savedOf(graph), weights);
    const size = bytesOfImage(dataset);
    const one = await Probe.create(memory, model, data, 1, true);
    const activations = await activationsOf(one, await imagesOf(test, size, numbers(chosen, chosen + 1)));
    const n = Math.min(IMAGES, test.n);
    const several = await Probe.create(memory, model, data, n, true);
    const computed = await activationStats(several, await imagesOf(test, size, numbers(0, n)), n);
    const layers = computed.map(stats => {
      const weight = weights[`${stats.name}.weight`];
      return weight ? { ...stats, weight: rms(weight.data) } : stats;
    });
    const first = firstFilters(
      Array.from(graph.params.values(), p => p.value),
      shape,
    );
    return { filters: first && filtersOf(first, weights[first.name]!.data, shape, classes.length), activations, layers };
  } finally {
    memory.destroy();
  }
}

async function pngOf(planes: Planes & { readonly channels?: number }, i: number): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp').catch(absent('sharp', 'drawing filters'));
  const raw = { width: planes.w, height: planes.h, channels: 3 } as const;
  return sharp(shades(planes, i), { raw }).png().toBuffer();
}

async function drawFilters(filters: Filters, net: string, { classes }: Dataset): Promise<string> {
  const items = Array.from({ length: filters.count }, async (_, i) => ({
    png: await pngOf(filters, i),
    lines: [filters.templates ? classes[i]! : String(i + 1)],
  }));
  const what = filters.templates ? 'templates of the classes' : `${filters.count} pictures ${filters.h}x${filters.w} of ${filters.name}`;
  return contactSheet(
    await Promise.all(items),
    `${net}: ${what}; grey is 0${filters.data.every(Number.isFinite) ? '' : ', red no finite number'}`,
  );
}

/** Of many layers as many as fit, evenly chosen, the last among them. */
function spread<T>(all: readonly T[], most: number): T[] {
  if (all.length <= most) return [...all];
  return Array.from({ length: most }, (_, i) => all[Math.round(((i + 1) * all.length) / most) - 1]!);
}

async function drawActivations(all: readonly Planes[], title: string): Promise<string> {
  const rows = spread(all, LAYERS).map(async (planes): Promise<Strip> => {
    const shown = Math.min(planes.count, ACROSS);
    const pngs = await Promise.all(Array.from({ length: shown }, (_, i) => pngOf(planes, i)));
    const isVector = planes.h === 1 && planes.count === 1;
    const note = isVector ? counted(planes.w, 'value') : `${planes.h}x${planes.w}, the first ${shown}`;
    return { name: planes.name, note, pngs, isWide: isVector };
  });
  return strips(await Promise.all(rows), title);
}

function drawLayers(all: readonly LayerStats[], title: string): string {
  const computed = spread(all, LAYERS);
  const weighted = spread(
    all.filter(l => l.weight !== undefined),
    LAYERS,
  );
  type Bars = Readonly<Record<string, (l: LayerStats) => number | undefined>>;
  const bars = (label: string, layers: readonly LayerStats[], series: Bars, share = false): Panel => ({
    kind: 'bar',
    title: label,
    y: share ? { label: 'share', percent: true, min: 0, max: 1 } : { label: 'value' },
    categories: layers.map(l => l.name),
    series: Object.entries(series).map(([name, of]) => ({ name, values: layers.map(l => of(l) ?? 0) })),
  });
  const panels = [
    bars('Outputs on test images', computed, { mean: l => l.mean, deviation: l => l.std }),
    bars('Values that are 0, and units that always are', computed, { zeros: l => l.zeros, dead: l => l.dead }, true),
    ...(weighted.length ? [bars('Root mean square of the weights', weighted, { weights: l => l.weight })] : []),
  ];
  return draw(panels, { title, width: 300, height: Math.max(260, computed.length * 26), columns: 3 });
}

const statsTable = (layers: readonly LayerStats[]): string => {
  const number = (v: number | undefined) => (v === undefined ? '-' : v.toPrecision(3));
  return table([
    ['layer', 'weights', 'mean', 'deviation', 'zeros', 'dead'],
    ...layers.map(l => [l.name, number(l.weight), number(l.mean), number(l.std), percent(l.zeros ?? 0), percent(l.dead ?? 0)]),
  ]);
};
