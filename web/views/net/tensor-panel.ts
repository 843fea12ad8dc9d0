/** One layer of a run opened: its weights and activations as pictures, and how their values spread from look to look. */
import { counted } from '../../../engine/counted.ts';
import type { Histogram } from '../../../train/study/looks.ts';
import { image, planes } from '../../data/pictures.ts';
import type { LayerLook } from '../../worker/protocol.ts';
import { bars } from '../bars.ts';
import { button, capital, count, el, select } from '../dom.ts';
import { quiet } from '../panel.ts';
import type { Run } from '../runs.ts';
import { svg } from '../svg.ts';

/** Test images to choose from. */
const IMAGES = 30;
/** Classes whose scores are told. */
const SCORES = 10;
/** Looks whose histograms are kept: where there are more, every second one goes. */
const LOOKS = 16;

interface Look {
  readonly step: number;
  readonly histogram: Histogram;
}
type Kind = LayerLook['histograms'][number]['of'];

export class TensorPanel {
  readonly element = el('section', { class: 'tensor', hidden: true, 'aria-label': 'The layer' });
  #title = el('h3', { tabIndex: -1 });
  #body = el('div');
  #picture = el('span');
  #choice: HTMLSelectElement;
  #name: string | undefined;
  /** Whether what it makes are the scores of classes. */
  #isLast = false;
  #run: Run | undefined;
  #looks = new Map<Kind, Look[]>();

  /** `again` is called where another image is chosen, `closed` after it is closed. */
  constructor(again: () => void, closed: () => void) {
    const names = Array.from({ length: IMAGES }, (_, i) => [String(i), `Test image ${i + 1}`] as const);
    this.#choice = select(names, '0', { 'aria-label': 'Test image', onchange: again });
    const close = button('Close the layer', () => {
      this.close();
      closed();
    });
    this.element.append(
      el('div', { class: 'row head' }, this.#title, close),
      el('div', { class: 'row' }, this.#picture, this.#choice),
      this.#body,
    );
  }

  /** The layer that is open. */
  get name(): string | undefined {
    return this.#name;
  }

  /** `isLast`: whether no layer follows it. */
  open(name: string, isLast: boolean, run: Run | undefined): void {
    this.#name = name;
    this.#isLast = isLast;
    this.#run = run;
    this.#looks.clear();
    this.#title.textContent = name;
    this.element.hidden = false;
    this.#picture.replaceChildren();
    this.#body.replaceChildren(quiet(run?.facts ? 'Looking …' : 'Its weights and activations are here once a run is there; press Start.'));
  }

  close(): void {
    this.#name = undefined;
    this.element.hidden = true;
  }

  focus(): void {
    this.#title.focus();
  }

  /** Looks anew, unless another run or layer is shown by then. */
  async fill(run: Run, isShown: () => boolean): Promise<void> {
    const name = this.#name;
    if (name === undefined || !run.facts) return;
    if (run !== this.#run) this.open(name, this.#isLast, run);
    const { shape, images } = run.facts;
    for (const option of this.#choice.options) option.hidden = Number(option.value) >= images.test;
    const index = Math.min(Number(this.#choice.value), images.test - 1);
    const look = await run.engine.call('layer', name, index);
    const bytes = await run.engine.call('imagesAt', Uint32Array.of(index));
    if (!isShown() || name !== this.#name) return;
    this.#picture.replaceChildren(image(bytes, shape, 'the chosen image'));
    for (const { of, histogram } of look.histograms) this.#keep(of, { step: look.step, histogram });
    this.#draw(look, run.facts.classes);
  }

  #keep(kind: Kind, look: Look): void {
    const before = (this.#looks.get(kind) ?? []).filter(l => l.step < look.step); // after a reset they come again
    const kept = before.length >= LOOKS ? before.filter((_, i) => i % 2 === 0) : before;
    this.#looks.set(kind, [...kept, look]);
  }

  #draw({ weight, activations }: LayerLook, classes: readonly string[]): void {
    const pictures = (title: string, all: HTMLElement | undefined) => (all ? [el('h4', { textContent: title }), all] : []);
    const strip = (style: string, label: string, drawn: Parameters<typeof planes>[0]) =>
      el('div', { class: style, role: 'img', 'aria-label': label }, ...planes(drawn));
    const isMatrix = weight?.count === 1;
    const size = weight && `${weight.h}×${weight.w}`;
    const isScores = this.#isLast && activations?.h === 1 && activations.w === classes.length;
    this.#body.replaceChildren(
      ...pictures(
        isMatrix ? `Weights, the first ${size}` : 'Filters',
        weight &&
          strip(
            isMatrix ? 'strip matrix' : 'strip',
            isMatrix ? `weights ${size}` : `${counted(weight.count, 'filter')} of ${size}`,
            weight,
          ),
      ),
      ...pictures(
        'Activations for the image',
        isScores
          ? scores(activations.data, classes)
          : activations &&
              strip(
                activations.h > 1 ? 'strip' : 'strip flat',
                activations.h > 1
                  ? `${counted(activations.count, 'channel')} of ${activations.h}×${activations.w}`
                  : counted(activations.w, 'value'),
                activations,
              ),
      ),
      el('div', { class: 'ridges' }, ...Array.from(this.#looks, ([kind, looks]) => ridges(kind, looks))),
    );
  }
}

/** The largest scores of classes, which softmax makes probabilities of, as bars from the least of all. */
function scores(values: Float32Array, classes: readonly string[]): HTMLElement {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const all = [...values].map((v, i) => ({
    name: classes[i]!,
    share: (v - least) / (most - least || 1),
    said: v.toFixed(2).replace('-', '−'),
  }));
  const { element, show } = bars('Scores of classes, the largest first');
  show(all.sort((a, b) => b.share - a.share).slice(0, SCORES));
  element.classList.add('scores');
  return element;
}

/** Pixels of a picture of histograms, of one of them and of what they are apart. */
const SIZE = { w: 260, h: 46, step: 9 } as const;

/** Histograms one behind another, the last in front, all over the same range. */
function ridges(kind: Kind, looks: readonly Look[]): HTMLElement {
  const reach = Math.max(...looks.map(l => l.histogram.reach));
  const height = SIZE.h + SIZE.step * looks.length;
  const drawn = looks.map(({ histogram }, i) => {
    const { counts } = histogram;
    const most = Math.max(1, ...counts);
    const base = SIZE.h + SIZE.step * (i + 1) - 1;
    const x = (bin: number) => SIZE.w / 2 + (SIZE.w / 2) * (((2 * bin + 1) / counts.length - 1) * (histogram.reach / (reach || 1)));
    const points = Array.from(counts, (n, bin) => `${x(bin).toFixed(1)} ${(base - (SIZE.h * n) / most).toFixed(1)}`);
    const d = `M${x(0).toFixed(1)} ${base}L${points.join('L')}L${x(counts.length - 1).toFixed(1)} ${base}z`;
    return svg('path', { d, fill: 'var(--card)', stroke: i === looks.length - 1 ? 'var(--accent)' : 'var(--edge)' });
  });
  const [first, last] = [looks[0]!, looks.at(-1)!];
  const when = looks.length > 1 ? `steps ${count(first.step)} to ${count(last.step)}` : `step ${count(last.step)}`;
  const { counts, others } = last.histogram;
  const range = reach ? `−${reach.toPrecision(2)} to ${reach.toPrecision(2)}` : counts.some(n => n) && 'all 0';
  const label = [capital(kind), range, others > 0 && `${count(others)} not finite`, when].filter(Boolean).join(', ');
  const picture = svg('svg', { viewBox: `0 0 ${SIZE.w} ${height}`, width: SIZE.w, height, role: 'img', 'aria-label': label }, ...drawn);
  return el('figure', {}, picture, el('figcaption', { class: 'hint', textContent: label }));
}
