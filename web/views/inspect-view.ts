/** Panels that look into the net of a run: answers on test images, first filters, layers, activations. */
import type { LayerStats } from '../../train/study/layer-stats.ts';
import { el, percent, select } from './dom.ts';
import { AnswersView } from './looking/answers.ts';
import { isSeen, panel, quiet, type Panel } from './panel.ts';
import { image, planes } from '../data/pictures.ts';
import type { Filters, Planes } from '../../train/study/looks.ts';
import type { Prediction, RunFacts } from '../worker/protocol.ts';
import type { Run } from './runs.ts';

/** Test images that are shown. */
const SHOWN = 30;

export class InspectView {
  readonly element: HTMLElement;
  #answers = new AnswersView();
  #filters = panel(
    'First-layer filters',
    'Weights of the first convolution, or of a dense layer on the image: grey is 0, white positive, black negative; of colours each channel by itself.',
  );
  #layers = panel(
    'Layers',
    'Root mean square of weights and of their gradients; mean and deviation of what a layer computes; ' +
      'units that are 0 for all of 16 images (dead ReLUs).',
  );
  #activations = panel('Activations', 'What each layer makes of one test image.');
  #chosen = 0;
  #panels = [...this.#answers.panels, this.#filters, this.#layers, this.#activations];
  #images: Uint8Array | undefined;
  /** Of the activations: the picture and its choice, made once for a run, and the strips below. */
  #choice: { readonly row: HTMLElement; readonly strips: HTMLElement } | undefined;
  #busy = false;
  /** Whether it was asked for while it was being done. */
  #again = false;
  #whose = el('p', { class: 'whose hint' });
  /** The run that the panels show, or are to show, and whether its net was there when they were cleared for it. */
  #shown: Run | undefined;
  #hasFacts = false;
  #next = 0;

  constructor() {
    this.element = el('div', { class: 'inspect' }, this.#whose, ...this.#panels.map(({ box }) => box));
    this.#clear(undefined);
    let later: ReturnType<typeof setTimeout> | undefined;
    addEventListener(
      'scroll',
      () => {
        clearTimeout(later);
        later = setTimeout(() => void this.refresh(this.#shown, true), 200);
      },
      { passive: true },
    );
  }

  /** Whose net the panels are of: what they showed of another is taken away. */
  of(run: Run | undefined): void {
    if (run === this.#shown && (run?.facts !== undefined) === this.#hasFacts) return;
    this.#shown = run;
    this.#hasFacts = run?.facts !== undefined;
    this.#clear(run);
    this.#images = undefined;
    this.#choice = undefined;
    this.#next = 0;
    void this.refresh(run, true);
  }

  #clear(run: Run | undefined): void {
    const number = run && run.id + 1;
    const swatch = el('span', { class: 'swatch', 'aria-hidden': 'true' });
    if (run) swatch.style.background = run.colour;
    const isThere = run?.facts !== undefined;
    this.#whose.replaceChildren(...(isThere ? [swatch, ` Looks into run ${number}`] : []));
    let why = 'Filled while a run is there and this is on the screen.';
    if (isThere) why = 'Filled while this is on the screen.';
    else if (run?.state === 'loaded') why = `Run ${number} is from a file: its curves are here, its net is not.`;
    else if (run?.state === 'kept') why = `Resume opens the net of run ${number} again.`;
    else if (run?.state === 'building') why = `Run ${number} is being built.`;
    for (const { body } of this.#panels) body.replaceChildren(quiet(why));
  }

  /** Fills the panels anew, if that was last done long enough ago: it takes time from training. */
  async refresh(run: Run | undefined, force = false): Promise<void> {
    if (!run?.facts || run.state === 'building' || run.state === 'failed') return;
    if (run !== this.#shown || (!force && (performance.now() < this.#next || document.hidden))) return;
    if (this.#busy) {
      this.#again ||= force;
      return;
    }
    this.#busy = true;
    const begun = performance.now();
    try {
      if (run.facts.shape[0] !== 2 && !run.facts.outputs) {
        const images = this.#images ?? (await run.engine.call('testImages', SHOWN));
        if (run === this.#shown) this.#images = images;
        await this.#fill(run);
      }
    } catch {
      /* the run says itself what is wrong with it */
    } finally {
      this.#busy = false;
      this.#next = performance.now() + Math.max(2000, 6 * (performance.now() - begun));
      const again = this.#again;
      this.#again = false;
      if (again) void this.refresh(this.#shown, true);
    }
  }

  /** Fills each panel that is seen, unless another run is shown by the time the answer is there. */
  async #fill(run: Run): Promise<void> {
    const { engine } = run;
    const fill = async <T>(panel: Panel, ask: () => Promise<T>, show: (found: T) => void) => {
      if (run !== this.#shown || !isSeen(panel)) return;
      const found = await ask();
      if (run === this.#shown) show(found);
    };
    const predictions = () => engine.call('predictions', SHOWN);
    await this.#answers.fill(run, () => run === this.#shown);
    await fill(
      this.#filters,
      () => engine.call('filters'),
      found => this.#filter(found),
    );
    await fill(
      this.#layers,
      () => engine.call('layers', 16),
      found => this.#measure(found),
    );
    await fill(
      this.#activations,
      async () => ({ layers: await engine.call('activations', this.#chosen), images: this.#choice ? [] : await predictions() }),
      ({ layers, images }) => this.#activate(run, layers, images),
    );
  }

  /** A test image as a canvas. */
  #image(index: number, [c, h, w]: RunFacts['shape'], label: string): HTMLCanvasElement {
    const size = c * h * w;
    return image(this.#images!.subarray(index * size, (index + 1) * size), [c, h, w], label);
  }

  #filter(filters: Filters | undefined): void {
    this.#filters.body.replaceChildren(
      filters
        ? strip('strip large', `${filters.count} filters of ${filters.h}×${filters.w}`, filters)
        : quiet('The first layer of this model has no weights that are pictures.'),
    );
  }

  #activate(run: Run, layers: readonly Planes[], images: readonly Prediction[]): void {
    const { classes, shape } = run.facts!;
    if (!this.#choice) {
      const row = el('div', { class: 'row' });
      const names = images.map(({ label }, i) => [String(i), `image ${i + 1}: ${classes[label]}`] as const);
      const onchange = () => {
        this.#chosen = Number(choice.value);
        row.firstElementChild!.replaceWith(this.#image(this.#chosen, shape, 'the chosen image'));
        void this.refresh(run, true);
      };
      const choice = select(names, String(this.#chosen), { 'aria-label': 'Test image', onchange });
      row.append(this.#image(this.#chosen, shape, 'the chosen image'), choice);
      this.#choice = { row, strips: el('div') };
      this.#activations.body.replaceChildren(row, this.#choice.strips);
    }
    this.#choice.strips.replaceChildren(
      ...layers
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
        ),
    );
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
