/** Panels that look into the net of a run: first filters, answers on test images, confusions, layers, activations. */
import { el, percent, select } from './dom.ts';
import { image, planes } from './pictures.ts';
import type { Run } from './runs.ts';

const SHOWN = 30;
const panel = (title: string, hint: string): { box: HTMLElement; body: HTMLElement } => {
  const body = el('div', { class: 'body' },
    el('p', { class: 'quiet', textContent: 'Filled while a run is there and this is on the screen.' }));
  return { box: el('section', { class: 'panel', 'aria-label': title }, el('h2', { textContent: title }),
    el('p', { class: 'hint', textContent: hint }), body), body };
};

export class LooksView {
  readonly element: HTMLElement;
  #predictions = panel('Test images', 'What the net says of the first test images; green is right, red is wrong with its answer below.');
  #filters = panel('First-layer filters', 'Weights of the first convolution: grey is 0, white positive, black negative.');
  #confusion = panel('Confusion matrix', 'Rows are labels, columns answers, over the first 500 test images at most.');
  #layers = panel('Layers',
    'Root mean square of weights and of their gradients; mean and deviation of what a layer computes; units that are 0 for all of 16 images (dead ReLUs).');
  #activations = panel('Activations', 'What each layer makes of one test image.');
  #chosen = 0;
  #run: Run | undefined;
  #images: Uint8Array | undefined;
  #busy = false;
  #next = 0;

  constructor() {
    this.element = el('div', { class: 'looks' }, this.#predictions.box, this.#confusion.box, this.#filters.box, this.#layers.box,
      this.#activations.box);
    let later: ReturnType<typeof setTimeout> | undefined;
    addEventListener('scroll', () => {
      clearTimeout(later);
      later = setTimeout(() => void this.refresh(this.#run, true), 200);
    }, { passive: true });
  }

  /** A panel that is on the screen, or nearly: looking at what nobody sees takes time from training. */
  #seen({ box }: { box: HTMLElement }): boolean {
    const { top, bottom } = box.getBoundingClientRect();
    return box.isConnected && top < innerHeight + 80 && bottom > -80;
  }

  /** Looks again, if the last look is long enough ago: a look takes time from training. */
  async refresh(run: Run | undefined, force = false): Promise<void> {
    if (!run?.facts || this.#busy || run.state === 'building' || run.state === 'failed'
      || (!force && run === this.#run && performance.now() < this.#next)) return;
    if (document.hidden && !force) return;
    this.#busy = true;
    const begun = performance.now();
    try {
      if (run !== this.#run) this.#images = undefined;
      this.#run = run;
      if (run.facts.shape[0] !== 2) {
        this.#images ??= await run.engine.call('testImages', SHOWN);
        await this.#look(run);
      }
    } catch { /* the run says itself what is wrong with it */ } finally {
      this.#busy = false;
      this.#next = performance.now() + Math.max(2000, 6 * (performance.now() - begun));
    }
  }

  async #look(run: Run): Promise<void> {
    const { classes, shape } = run.facts!, size = shape[0] * shape[1] * shape[2], images = this.#images!;
    if (this.#seen(this.#predictions)) await this.#predict(run, classes, shape, size, images);
    if (this.#seen(this.#filters)) {
      const filters = await run.engine.call('filters');
      this.#filters.body.replaceChildren(filters
        ? el('div', { class: 'strip large', role: 'img', 'aria-label': `${filters.count} filters of ${filters.h}×${filters.w}` },
        ...planes(filters)) : el('p', { class: 'quiet', textContent: 'This model has no convolution.' }));
    }
    if (this.#seen(this.#confusion)) this.#confusions(classes, await run.engine.call('confusion', 500));
    if (this.#seen(this.#layers)) this.#statistics(await run.engine.call('layers', 16));
    if (this.#seen(this.#activations)) await this.#activate(run);
  }

  async #predict(run: Run, classes: readonly string[], shape: readonly [number, number, number], size: number,
    images: Uint8Array): Promise<void> {
    const predictions = await run.engine.call('predictions', SHOWN);
    this.#predictions.body.replaceChildren(el('div', { class: 'tiles' }, ...predictions.map(({ index, label, probabilities }) => {
      const best = probabilities.indexOf(Math.max(...probabilities)), right = best === label;
      const text = `${classes[label]}: ${right ? 'right' : `taken for ${classes[best]}`}, ${percent(probabilities[best]!)}`;
      return el('figure', { class: right ? 'tile right' : 'tile wrong', title: text },
        image(images.subarray(index * size, (index + 1) * size), shape, text),
        el('figcaption', { textContent: `${right ? '✓' : '✗'} ${classes[best]}` }));
    })));
  }

  async #activate(run: Run): Promise<void> {
    const { classes, shape } = run.facts!, size = shape[0] * shape[1] * shape[2];
    const found = await run.engine.call('activations', this.#chosen), labels = await run.engine.call('predictions', SHOWN);
    const choice = select(labels.map(({ label }, i) => [String(i), `image ${i + 1}: ${classes[label]}`] as const), String(this.#chosen), {
      'aria-label': 'Test image',
      onchange: (e: Event) => { this.#chosen = Number((e.target as HTMLSelectElement).value);
      void this.#activate(run).catch(() => undefined); },
    });
    this.#activations.body.replaceChildren(
      el('div', { class: 'row' }, image(this.#images!.subarray(this.#chosen * size, (this.#chosen + 1) * size), shape, 'the chosen image'),
        choice),
      ...found.slice(0, 24).map(layer => el('div', { class: 'layer' }, el('span', { class: 'name', textContent: layer.name }),
        el('div', { class: layer.h > 1 ? 'strip' : 'strip flat', role: 'img', 'aria-label': layer.h > 1
        ? `${layer.count} channels of ${layer.h}×${layer.w}` : `${layer.w} values` }, ...planes(layer)))));
  }

  #confusions(classes: readonly string[], counts: Uint32Array): void {
    const k = classes.length;
    if (k > 20) return void this.#confusion.body.replaceChildren(el('p',
      { class: 'quiet', textContent: `${k} classes are too many for a table.` }));
    const rows = Array.from({ length: k }, (_, r) => counts.slice(r * k, (r + 1) * k));
    this.#confusion.body.replaceChildren(el('div', { class: 'scroll' },
      el('table', { class: 'confusion', 'aria-label': 'Labels and answers' },
      el('thead', {}, el('tr', {}, el('th', { textContent: 'label \\ answer', scope: 'col' }),
        ...classes.map(c => el('th', { scope: 'col', title: c }, el('span', { textContent: c }))))),
      el('tbody', {}, ...rows.map((row, r) => {
        const sum = Math.max(1, row.reduce((a, b) => a + b, 0));
        return el('tr', {}, el('th', { textContent: classes[r], scope: 'row' }), ...[...row].map((n, c) => {
          const cell = el('td', { textContent: n ? String(n) : '', class: c === r ? 'right' : 'wrong',
            title: `${classes[r]} taken for ${classes[c]}: ${n}` });
          cell.style.setProperty('--share', String(n / sum));
          return cell;
        }));
      })))));
  }

  #statistics(layers: readonly { name: string; weight?: number; gradient?: number; mean?: number; std?: number; dead?: number }[]): void {
    const n = (v: number | undefined) => (v === undefined ? '' : Math.abs(v) < 1e-3 && v !== 0 ? v.toExponential(1) : v.toPrecision(3));
    this.#layers.body.replaceChildren(el('div', { class: 'scroll' }, el('table', { class: 'numbers', 'aria-label': 'Statistics of layers' },
      el('thead', {}, el('tr', {},
        ...['layer', 'weights', 'gradients', 'output mean', 'deviation', 'dead'].map(t => el('th', { textContent: t, scope: 'col' })))),
      el('tbody', {}, ...layers.map(l =>
        el('tr', {}, el('th', { textContent: l.name, scope: 'row' }),
        ...[n(l.weight), n(l.gradient), n(l.mean), n(l.std)].map(t => el('td', { textContent: t })),
        el('td', { textContent: l.dead === undefined ? '' : percent(l.dead), class: (l.dead ?? 0) > 0.5 ? 'bad' : '' })))))));
  }
}
