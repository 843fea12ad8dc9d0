/** What stands below fields of the form: the rates of a schedule, the data set, and what augmentation makes of its images. */
import { datasetFrom, knownName } from '../../../datasets/index.ts';
import { readingOf, type RunConfig } from '../../../train/config/config.ts';
import type { Key } from '../../../train/config/options.ts';
import type { Recipe } from '../../../train/config/recipe.ts';
import { rateCurve, type RateCurve } from '../../../train/run/rates.ts';
import { batchFor } from '../../data/batch-size.ts';
import type { Dropped } from '../../data/dropped.ts';
import { image } from '../../data/pictures.ts';
import { inPageWords } from '../../words.ts';
import { Engine, RUNS } from '../../worker/client.ts';
import type { AugmentPreview, DataPreview } from '../../worker/protocol.ts';
import { count, el } from '../dom.ts';
import { quiet } from '../panel.ts';
import { ratePicture } from './rate-picture.ts';

/** Milliseconds after the last change of the form. */
const REST = 400;

/** A part that is filled while it is open. */
interface Preview {
  readonly element: HTMLDetailsElement;
  /** Fills it with what is so for a configuration, unless it is filled with that. */
  fill(config: RunConfig | undefined): void;
}

export class Previews {
  readonly below: Partial<Record<Key, HTMLElement>>;
  #rates = ratePicture();
  #engine: Engine | undefined;
  #config: RunConfig | undefined;
  #all: readonly Preview[];
  #later: ReturnType<typeof setTimeout> | undefined;

  /** `dropped` gives the data that was dropped on the page. */
  constructor(dropped: () => Dropped) {
    const engine = () => (this.#engine ??= new Engine(undefined, RUNS));
    const given = (config: RunConfig) => [config, document.baseURI, dropped()] as const;
    const data = this.#preview(
      'Classes and samples',
      config => [config.dataset, readingOf(config)],
      async config => dataTable(await engine().call('previewData', ...given(config))),
    );
    const augment = this.#preview(
      'What the net sees',
      config => [config.dataset, readingOf(config), config.augment, config.seed],
      async config => augmentedRows(await engine().call('previewAugment', ...given(config))),
    );
    this.#all = [data, augment];
    this.below = { dataset: data.element, schedule: this.#rates.element, augment: augment.element };
  }

  /** What the form says now; nothing where no run can be made of it. */
  show(recipe: Recipe | undefined): void {
    this.#config = recipe?.config;
    const known = recipe && curveOf(recipe);
    this.#rates.show(known?.curve, known?.note);
    clearTimeout(this.#later);
    this.#later = setTimeout(() => this.#fill(), REST);
  }

  #fill(): void {
    for (const preview of this.#all) preview.fill(this.#config);
    if (this.#all.some(({ element }) => element.open)) return;
    void this.#engine?.close();
    this.#engine = undefined;
  }

  #preview(title: string, keyOf: (config: RunConfig) => unknown, make: (config: RunConfig) => Promise<HTMLElement>): Preview {
    const body = el('div', { 'aria-live': 'polite' });
    const element = el('details', { class: 'preview', ontoggle: () => this.#fill() }, el('summary', { textContent: title }), body);
    let shown: string | undefined;
    return {
      element,
      fill(config) {
        if (!element.open || !config) return;
        const key = JSON.stringify(keyOf(config));
        if (key === shown) return;
        shown = key;
        if (!body.childElementCount) body.replaceChildren(quiet('Loading …'));
        void make(config)
          .catch((error: Error) => {
            if (shown === key) shown = undefined;
            return el('p', { class: 'hint wrong', textContent: inPageWords(error) });
          })
          .then(made => {
            if (shown === key || shown === undefined) body.replaceChildren(made);
          });
      },
    };
  }
}

/** The rates of a run, where it is known on how many images it is. */
function curveOf(recipe: Recipe): { readonly curve: RateCurve; readonly note?: string } | undefined {
  const { dataset, limitTrain = Infinity, valSplit, schedule } = recipe;
  if (knownName(dataset) === undefined) return undefined;
  const { info, options } = datasetFrom(dataset);
  const { points = info.train } = options as { points?: number };
  const all = Math.min(points, limitTrain);
  const images = all - Math.round(all * valSplit);
  const curve = rateCurve({ ...recipe, batchSize: batchFor(recipe.batchSize, images) }, images);
  if (schedule?.name === 'plateau') return { curve, note: 'It falls where the validation loss does not, which nobody knows before.' };
  if (schedule?.name === 'batch-growth') return { curve, note: 'The batch grows in place of a falling rate.' };
  return { curve };
}

const strip = (bytes: Uint8Array, shape: DataPreview['shape'], label: (i: number) => string): HTMLElement[] => {
  const size = shape.reduce((a, b) => a * b);
  return Array.from({ length: bytes.length / size }, (_, i) => image(bytes.subarray(i * size, (i + 1) * size), shape, label(i)));
};

function dataTable({ shape, classes, isRegression, images, train, test, samples }: DataPreview): HTMLElement {
  const numbers = `${count(images.train)} to train on, ${count(images.test)} to test on, of ${shape.join('×')}`;
  if (isRegression) return quiet(`${numbers}, each with numbers to predict.`);
  const without = images.train - train.reduce((a, b) => a + b, 0);
  const rows = classes.map((name, c) =>
    el(
      'li',
      {},
      el('span', { class: 'name', textContent: name }),
      el('span', { class: 'value', textContent: `${count(train[c]!)} + ${count(test[c]!)}` }),
      el('div', { class: 'strip' }, ...strip(samples[c] ?? new Uint8Array(), shape, i => `${name}, sample ${i + 1}`)),
    ),
  );
  return el(
    'div',
    {},
    el('p', {
      class: 'hint',
      textContent: `${numbers}${without ? `, ${count(without)} without a label` : ''}. By class: training + test.`,
    }),
    el('ul', { class: 'classes', tabIndex: 0, 'aria-label': 'Classes' }, ...rows),
  );
}

function augmentedRows({ shape, n, seen }: AugmentPreview): HTMLElement {
  const columns = seen.map((bytes, k) => strip(bytes, shape, i => (k ? `image ${i + 1} in epoch ${k}` : `image ${i + 1} as it is`)));
  const rows = Array.from({ length: n }, (_, i) => el('div', { class: 'strip' }, ...columns.map(column => column[i]!)));
  const words =
    seen.length > 1
      ? `The first training images as they are, then in ${seen.length - 1} epochs.`
      : 'The first training images, as they are.';
  return el('div', { class: 'augmented' }, el('p', { class: 'hint', textContent: words }), ...rows);
}
