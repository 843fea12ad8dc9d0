/** What is seen of a data set: how many images each class has and some of them, and what augmentation makes of them. */
import { image } from '../../data/pictures.ts';
import type { AugmentPreview, DataPreview } from '../../worker/protocol.ts';
import { count, el } from '../dom.ts';
import { quiet } from '../panel.ts';
import './preview-pictures.css';

const strip = (bytes: Uint8Array, shape: DataPreview['shape'], label: (i: number) => string): HTMLElement[] => {
  const size = shape.reduce((a, b) => a * b);
  return Array.from({ length: bytes.length / size }, (_, i) => image(bytes.subarray(i * size, (i + 1) * size), shape, label(i)));
};

/** The classes of a data set, a row each. */
export function dataTable({ shape, classes, isRegression, images, train, test, samples }: DataPreview): HTMLElement {
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

/** Images in a column each for themselves and for what augmentation makes of them in some epochs. */
export function augmentedRows({ shape, n, seen }: AugmentPreview): HTMLElement {
  const columns = seen.map((bytes, k) => strip(bytes, shape, i => (k ? `image ${i + 1} in epoch ${k}` : `image ${i + 1} as it is`)));
  const rows = Array.from({ length: n }, (_, i) => el('div', { class: 'strip' }, ...columns.map(column => column[i]!)));
  const words =
    seen.length > 1
      ? `The first training images as they are, then in ${seen.length - 1} epochs.`
      : 'The first training images, as they are.';
  return el('div', { class: 'augmented' }, el('p', { class: 'hint', textContent: words }), ...rows);
}
