/** `descent bench scaling`: steps over growing batches and growing depth. */
import { processor } from '../../bench/processor.ts';
import { AXES, scale, type ScalingRow } from '../../bench/scaling.ts';
import { openDataset } from '../../datasets/node/open.ts';
import { lookUp } from '../../engine/check.ts';
import type { Panel } from '../../plots/panel.ts';
import { parseConfig } from '../../train/config/config.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { openTrainer } from '../../train/run/open.ts';
import { openDevice } from '../run/device.ts';
import { count, print, table } from '../output.ts';
import { result, type BenchOptions } from './result.ts';

export interface ScalingOptions extends BenchOptions {
  /** File of a picture of the results. */
  picture?: string;
}

/** Without `axis` all of them are measured. */
export async function scaling(axis: string | undefined, options: ScalingOptions): Promise<void> {
  const axes = axis === undefined ? AXES : { [axis]: lookUp('axis', axis, AXES) };
  if (options.picture) (await import('../../plots/node.ts')).checkPicture('--picture', options.picture);
  const device = await openDevice(options);
  const results: Record<string, ScalingRow[]> = {};
  for (const [axis, points] of Object.entries(axes)) {
    const rows: ScalingRow[] = [];
    results[axis] = rows;
    for (const point of points) {
      const config = parseConfig(point.model, {
        dataset: point.model === 'lenet5' ? 'fashion-mnist' : 'cifar10',
        batchSize: String(point.batch),
        optimizer: 'momentum',
        valSplit: '0',
      });
      const limits = { limitTrain: 1000, limitTest: 100 };
      const dataset = await openDataset(config.dataset, { dataDir: options.dataDir, quiet: true, ...limits });
      const { trainer } = await openTrainer(recipeOf(config), dataset, device);
      await trainer.step();
      await trainer.settle();
      rows.push(await scale(trainer, point, { processor }));
      trainer.destroy();
    }
    if (!options.json) {
      print(`${axis} on ${device.report.description}`);
      print(scalingTable(rows));
    }
  }
  if (options.picture) {
    const written = await drawScaling(options.picture, results, device.report.description);
    if (!options.json && !options.quiet) print(`picture in ${written}`);
  }
  result(options, device, { scaling: results });
  device.close();
}

const mebi = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

function scalingTable(rows: readonly ScalingRow[]): string {
  const head = ['model', 'batch', 'parameters', 'dispatches', 'ms a step', 'idle', 'ms an image', 'images/s'];
  const memory = ['activations MiB', 'alive at once', 'device MiB'];
  const cells = rows.map(r => [
    r.model,
    String(r.batch),
    count(r.parameters),
    String(r.dispatches),
    r.ms.toFixed(2),
    r.idle.toFixed(2),
    r.perImage.toFixed(3),
    count(Math.round(r.imagesPerSecond)),
    mebi(r.activations),
    mebi(r.bound),
    mebi(r.device),
  ]);
  return table([[...head, ...memory], ...cells]);
}

async function drawScaling(path: string, results: Readonly<Record<string, readonly ScalingRow[]>>, adapter: string): Promise<string> {
  const [{ draw }, { writePicture }] = await Promise.all([import('../../plots/chart.ts'), import('../../plots/node.ts')]);
  const panels = Object.entries(results).flatMap(([axis, rows]) => [
    scalingPanel(axis, rows, { title: 'Time of an image', label: 'ms', value: r => r.perImage }),
    scalingPanel(axis, rows, { title: 'Activations', label: 'MiB', value: r => r.activations / 2 ** 20 }),
  ]);
  const picture = draw(panels, { title: `A training step on ${adapter}`, width: 360, height: 220 });
  return writePicture(path, picture);
}

/** Over batches a line for each model, over depth one for all. */
function scalingPanel(
  axis: string,
  rows: readonly ScalingRow[],
  { title, label, value }: { title: string; label: string; value: (row: ScalingRow) => number },
): Panel {
  const overBatches = axis === 'batch';
  const at = (r: ScalingRow) => (overBatches ? r.batch : Number(/\d+$/.exec(r.model)![0]));
  const names = overBatches ? [...new Set(rows.map(r => r.model))] : ['resnet, batch 32'];
  const of = (name: string) => rows.filter(r => !overBatches || r.model === name);
  return {
    kind: 'line',
    title,
    x: overBatches ? { label: 'images a batch', log: 2 } : { label: 'layers' },
    y: { label, min: 0 },
    series: names.map(name => ({ name, dots: true, points: of(name).map(r => [at(r), value(r)] as const) })),
  };
}
