/** Panels that look into the net of a run: first filters, answers on test images, confusions, layers, activations. */
import type { LayerStats } from '../../train/study/layer-stats.ts';
import { confusionTable } from './confusion.ts';
import { el, percent, select } from './dom.ts';
import { image, planes } from '../data/pictures.ts';
import type { Filters, Planes } from '../../train/study/looks.ts';
import type { Prediction, RunFacts } from '../worker/protocol.ts';
import type { Run } from './runs.ts';

/** Test images that are shown. */
const SHOWN = 30;
interface Panel {
  readonly box: HTMLElement;
  readonly body: HTMLElement;
}
function panel(title: string, hint: string): Panel {
  const body = el('div', { class: 'body' }, quiet('Filled while a run is there and this is on the screen.'));
  const box = el(
    'section',
    { class: 'panel', 'aria-label': title },
    el('h2', { textContent: title }),
    el('p', { class: 'hint', textContent: hint }),
    body,
  );
  return { box, body };
}
const quiet = (text: string): HTMLElement => el('p', { class: 'quiet', textContent: text });

export class InspectView {
  readonly element: HTMLElement;
  #predictions = panel('Test images', 'What the net says of the first test images; green is right, red is wrong with its answer below.');
  #filters = panel(
    'First-layer filters',
    'Weights of the first convolution, or of a dense layer on the image: grey is 0, white positive, black negative.',
  );
  #confusion = panel('Confusion matrix', 'Rows are labels, columns answers, over the first 500 test images at most.');
  #layers = panel(
    'Layers',
    'Root mean square of weights and of their gradients; mean and deviation of what a layer computes; ' +
      'units that are 0 for all of 16 images (dead ReLUs).',
  );
  #activations = panel('Activations', 'What each layer makes of one test image.');
  #chosen = 0;
  #run: Run | undefined;
  #images: Uint8Array | undefined;
  #busy = false;
  #next = 0;

  constructor() {
    this.element = el(
      'div',
      { class: 'inspect' },
      ...[this.#predictions, this.#confusion, this.#filters, this.#layers, this.#activations].map(({ box }) => box),
    );
    let later: ReturnType<typeof setTimeout> | undefined;
    addEventListener(
      'scroll',
      () => {
        clearTimeout(later);
        later = setTimeout(() => void this.refresh(this.#run, true), 200);
      },
      { passive: true },
    );
  }

  /** A panel that is on the screen, or nearly: looking at what nobody sees takes time from training. */
  #seen({ box }: Panel): boolean {
    const { top, bottom } = box.getBoundingClientRect();
    return box.isConnected && top < innerHeight + 80 && bottom > -80;
  }

  /** Fills the panels anew, if that was last done long enough ago: it takes time from training. */
  async refresh(run: Run | undefined, force = false): Promise<void> {
    if (!run?.facts || this.#busy || run.state === 'building' || run.state === 'failed') return;
    const early = run === this.#run && performance.now() < this.#next;
    if (!force && (early || document.hidden)) return;
    this.#busy = true;
    const begun = performance.now();
    try {
      if (run !== this.#run) this.#images = undefined;
      this.#run = run;
      if (run.facts.shape[0] !== 2 && !run.facts.outputs) {
        this.#images ??= await run.engine.call('testImages', SHOWN);
        await this.#fill(run);
      }
    } catch {
      /* the run says itself what is wrong with it */
    } finally {
      this.#busy = false;
      this.#next = performance.now() + Math.max(2000, 6 * (performance.now() - begun));
    }
  }

  async #fill(run: Run): Promise<void> {
    const { engine } = run;
    if (this.#seen(this.#predictions)) this.#predict(run.facts!, await engine.call('predictions', SHOWN));
    if (this.#seen(this.#filters)) this.#filter(await engine.call('filters'));
    if (this.#seen(this.#confusion)) this.#confuse(run.facts!.classes, await engine.call('confusion', 500));
    if (this.#seen(this.#layers)) this.#measure(await engine.call('layers', 16));
    if (this.#seen(this.#activations)) await this.#activate(run);
  }

  /** A test image as a canvas. */
  #image(index: number, [c, h, w]: RunFacts['shape'], label: string): HTMLCanvasElement {
    const size = c * h * w;
    return image(this.#images!.subarray(index * size, (index + 1) * size), [c, h, w], label);
  }

  #predict({ classes, shape }: RunFacts, predictions: readonly Prediction[]): void {
    this.#predictions.body.replaceChildren(
      el(
        'div',
        { class: 'tiles' },
        ...predictions.map(({ index, label, probabilities }) => {
          const best = probabilities.indexOf(Math.max(...probabilities));
          const right = best === label;
          const text = `${classes[label]}: ${right ? 'right' : `taken for ${classes[best]}`}, ${percent(probabilities[best]!)}`;
          return el(
            'figure',
            { class: right ? 'tile right' : 'tile wrong', title: text },
            this.#image(index, shape, text),
            el('figcaption', { textContent: `${right ? '✓' : '✗'} ${classes[best]}` }),
          );
        }),
      ),
    );
  }

  #filter(filters: Filters | undefined): void {
    this.#filters.body.replaceChildren(
      filters
        ? strip('strip large', `${filters.count} filters of ${filters.h}×${filters.w}`, filters)
        : quiet('The first layer of this model has no weights that are pictures.'),
    );
  }

  async #activate(run: Run): Promise<void> {
    const { classes, shape } = run.facts!;
    const found = await run.engine.call('activations', this.#chosen);
    const images = await run.engine.call('predictions', SHOWN);
    const choose = (e: Event) => {
      this.#chosen = Number((e.target as HTMLSelectElement).value);
      void this.#activate(run).catch(() => undefined);
    };
    const names = images.map(({ label }, i) => [String(i), `image ${i + 1}: ${classes[label]}`] as const);
    const choice = select(names, String(this.#chosen), { 'aria-label': 'Test image', onchange: choose });
    const lines = found
      .slice(0, 24)
      .map(layer =>
        el(
          'div',
          { class: 'layer' },
          el('span', { class: 'name', textContent: layer.name }),
          layer.h > 1
            ? strip('strip', `${layer.count} channels of ${layer.h}×${layer.w}`, layer)
            : strip('strip flat', `${layer.w} values`, layer),
        ),
      );
    this.#activations.body.replaceChildren(
      el('div', { class: 'row' }, this.#image(this.#chosen, shape, 'the chosen image'), choice),
      ...lines,
    );
  }

  #confuse(classes: readonly string[], counts: Uint32Array): void {
    const k = classes.length;
    if (k > 20) {
      this.#confusion.body.replaceChildren(quiet(`${k} classes are too many for a table.`));
      return;
    }
    this.#confusion.body.replaceChildren(confusionTable(classes, counts));
  }

  #measure(layers: readonly LayerStats[]): void {
    const head = ['layer', 'weights', 'gradients', 'output mean', 'deviation', 'dead'];
    const rows = layers.map(l =>
      el(
        'tr',
        {},
        el('th', { textContent: l.name, scope: 'row' }),
        ...[l.weight, l.gradient, l.mean, l.std].map(v => el('td', { textContent: short(v) })),
        el('td', { textContent: l.dead === undefined ? '' : percent(l.dead), class: (l.dead ?? 0) > 0.5 ? 'bad' : '' }),
      ),
    );
    this.#layers.body.replaceChildren(
      el(
        'div',
        { class: 'scroll' },
        el(
          'table',
          { class: 'numbers', 'aria-label': 'Statistics of layers' },
          el('thead', {}, el('tr', {}, ...head.map(t => el('th', { textContent: t, scope: 'col' })))),
          el('tbody', {}, ...rows),
        ),
      ),
    );
  }
}

const strip = (style: string, label: string, pictures: Planes): HTMLElement =>
  el('div', { class: style, role: 'img', 'aria-label': label }, ...planes(pictures));

function short(v: number | undefined): string {
  if (v === undefined) return '';
  return Math.abs(v) < 1e-3 && v !== 0 ? v.toExponential(1) : v.toPrecision(3);
}
