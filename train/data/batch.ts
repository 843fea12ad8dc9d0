/** The batch of a program: gathered on the device from the images of one part, in their order, normalised and augmented. */
import type { Graph } from '../../engine/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { usesTables } from '../../shaders/images/transform.ts';
import type { Transform } from '../../shaders/images/transform.ts';
import { gather } from '../../shaders/images/gather.ts';
import type { Pages } from '../../shaders/images/pages.ts';
import { TABLE } from '../../shaders/images/table.ts';
import { imageTables } from '../../shaders/images/tables.ts';
import { outputsOf } from '../../datasets/dataset.ts';
import type { DeviceData } from './device-data.ts';
import { layoutOf, pagesOf, type Page } from './pages.ts';
import type { Part, PartImages } from './split.ts';

/** A batch in a graph, and what it is gathered from. BatchProgram compiles the graph and runs it batch by batch. */
export interface Batch {
  /** [n * views, c, h, w]: normalised images; of several views all first ones come before all second ones. */
  readonly x: Tensor;
  /** [n], or where images are mixed [n, classes]; of a regression [n, outputs]. */
  readonly labels: Tensor;
  readonly views: number;
  readonly graph: Graph;
  readonly data: DeviceData;
  readonly images: PartImages;
  readonly layout: Pages;
  readonly inputs: BatchInputs;
  /** The step values that decide how a batch is mixed. */
  readonly mixing?: (by: { seed: number; step: number }) => Promise<Record<string, number>>;
}

export interface BatchInputs {
  /** Numbers of the images of whole batches: for evaluation the last one is filled up with images that do not count. */
  readonly order: Tensor;
  readonly pages: readonly Page[];
  /** Class numbers or targets of all images of the split that the part is chosen from. */
  readonly labels: Tensor;
  /** [2, c, h, w]: scale and shift. */
  readonly norm: Tensor;
}

/**
 * Adds the batch of a part to a graph: `data.n` of its images and their labels. They are augmented where the graph trains; `view` is done
 * to them in place of that. With `repeats` an image may come several times in an epoch, each time augmented anew.
 */
export function gatherBatch(graph: Graph, data: DeviceData, part: Part, view?: readonly Transform[], repeats?: boolean): Batch {
  const { run, n } = data;
  const { dataset, normalisation, parts } = run;
  const images = parts[part];
  const [c, h, w] = dataset.shape;
  const classes = outputsOf(dataset).length;
  const regression = dataset.outputs !== undefined;
  const augment = graph.training && !view ? run.augment : undefined;
  const transforms = view ?? augment?.transforms;
  const { mix = [], views = 1 } = augment ?? {};
  const bytes = graph.tensor([n * views, c, h, w], 'activation', 'x');
  const isSoft = mix.length > 0 || regression;
  const labels = graph.tensor(isSoft ? [n, classes] : [n], 'activation', 'labels');
  const layout = layoutOf(run, images, n, data.maxBinding);
  const order = graph.persistent('input', `${part} order`, [n * (Math.ceil(images.n / n) + (data.isShared ? 1 : 0))]);
  const pages = pagesOf(graph, images, layout);
  const bindings = Object.fromEntries(pages.map((page, i) => [`page${i}`, page.images])) as { page0: Tensor };
  const tables = transforms && usesTables(transforms) ? graph.tensor([n, c, TABLE], 'activation', 'tables') : undefined;
  if (tables) graph.run(imageTables, { ...layout, n }, { order, tables, ...bindings });
  const mean = transforms?.some(t => t.fill === 'mean') ? normalisation.moments.mean : undefined;
  const colour = transforms?.some(t => t.name === 'pca') ? normalisation.colourAxes() : undefined;
  const inputs: BatchInputs = {
    order,
    pages,
    norm: graph.persistent('input', 'norm', [2, c, h, w]),
    labels: graph.persistent('input', `${images.source} labels`, [images.from.n * (regression ? classes : 1)]),
  };
  graph.run(
    gather,
    { ...layout, n, classes, regression, mix: mix.length > 0, augment: transforms, views, mean, colour, repeats },
    {
      order,
      norm: inputs.norm,
      labelsAll: inputs.labels,
      x: bytes,
      ...(isSoft ? { soft: labels } : { labels }),
      ...bindings,
      ...(tables && { tables }),
    },
  );
  const x = normalisation.whiten(graph, bytes);
  const batch = { x, labels, views, graph, data, images, layout, inputs };
  if (!mix.length) return batch;
  const loaded = import('./augmentation.ts');
  return { ...batch, mixing: async ({ seed, step }) => (await loaded).mixValues(mix, seed, step, n, h, w) };
}
