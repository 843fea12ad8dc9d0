/** Small nets on points of a plane, with the decision boundary as it moves. */
import { plane, planeByte, PLANE_RANGE, PLANE_SETS, planeValue } from '../../datasets/synthetic.ts';
import { models } from '../../models/index.ts';
import { optimizers, rules } from '../../optim/index.ts';
import { quasiNewtonMethods } from '../../optim/quasi-newton.ts';
import { parseConfig } from '../../train/config/config.ts';
import { optionOf, OPTIONS } from '../../train/config/options.ts';
import type { CurveChart } from './charts.ts';
import { CLASSES, classGround } from './colours.ts';
import { button, el, fold, isDark, percent, select, told } from './dom.ts';
import { field, type Hint } from '../form/field.ts';
import { overfitting } from './gap.ts';
import { Run } from './runs.ts';

/** Points of the grid along one side, and pixels of the picture. */
const GRID = 48;
const SIZE = 480;
/** The learning rate of an optimizer for a few points. */
const rateOf = (name: string): number => rules[name]?.rates?.points ?? optimizers[name]!.hyper.lr.default;

const TEXTS = [
  ['set', 'Points', 'Two classes in the plane.'],
  ['noise', 'Noise', 'Deviation added to each coordinate.'],
  ['layers', 'Hidden layers', 'None is a straight boundary.'],
  ['units', 'Units a layer', 'More units, more bends.'],
  ['activation', 'Activation', 'What each unit does to its sum.', 'y = f(W x + b)'],
  ['optimizer', 'Optimizer', 'How weights move.'],
  ['lr', 'Learning rate', 'Length of a step.'],
  ['batchSize', 'Batch size', 'Points a step; lbfgs and bfgs take all.'],
  ['weightDecay', 'L2', 'Pulls weights to 0.'],
  ['l1Proximal', 'L1', 'Pulls weights to exactly 0.'],
  ['seed', 'Seed', 'Decides points and first weights.'],
] as const satisfies readonly (readonly [key: string, label: string, text: string, formula?: string])[];
type Key = (typeof TEXTS)[number][0];

/** That of the option, where it is one of every run. */
const formulaOf = (key: Key): string | undefined => (key in OPTIONS ? optionOf(key as keyof typeof OPTIONS).formula : undefined);

const input = (value: string): HTMLInputElement => el('input', { type: 'text', value, autocomplete: 'off' });
const slider = (value: string, min: number, max: number, step: number): HTMLInputElement =>
  el('input', { type: 'range', min: String(min), max: String(max), step: String(step), value });
const choice = (names: readonly string[], value: string): HTMLSelectElement =>
  select(
    names.map(n => [n, n] as const),
    value,
  );

export class PlaygroundView {
  readonly element: HTMLElement;
  #run: Run | undefined;
  #picture = el('canvas', { width: SIZE, height: SIZE, class: 'plane', role: 'img', 'aria-label': 'Points and decision boundary' });
  #status = el('p', { class: 'status', role: 'status' }, 'Press Start.');
  #play = button('Start', () => this.#toggle(), { class: 'primary' });
  #chart: CurveChart | undefined;
  #made = 0;
  #looking = false;
  #grid: Float32Array | undefined;
  #inputs: Record<Key, HTMLInputElement | HTMLSelectElement> = {
    set: choice(PLANE_SETS, 'circles'),
    noise: slider('0.25', 0, 1.5, 0.05),
    layers: slider('2', 0, 6, 1),
    units: slider('8', 1, 32, 1),
    activation: choice(models.mlp!.options!.activation!.choices!, 'tanh'),
    optimizer: choice(Object.keys(optimizers), 'adam'),
    lr: input(String(rateOf('adam'))),
    batchSize: slider('32', 1, 128, 1),
    weightDecay: input('0'),
    l1Proximal: input('0'),
    seed: input('0'),
  };

  constructor() {
    const curves = el('div');
    const shown = el(
      'div',
      { class: 'config' },
      ...TEXTS.map(([key, label, about, formula]) => this.#field(key, label, { about, formula: formula ?? formulaOf(key) })),
    );
    const step = () =>
      told(async () => {
        await this.#open();
        await this.#run?.engine.call('stepOnce');
      });
    const panel = (title: string, ...inside: HTMLElement[]) =>
      el('section', { class: 'panel' }, el('h2', { textContent: title }), ...inside);
    this.element = el(
      'div',
      { class: 'train playground' },
      el('aside', { 'aria-label': 'Net and points' }, fold('Net and points', shown)),
      el(
        'div',
        { class: 'screen' },
        el(
          'div',
          { class: 'row toolbar', role: 'group', 'aria-label': 'Playground' },
          this.#play,
          button('Step', step),
          button('Reset', () => this.#restart()),
        ),
        this.#status,
        el(
          'div',
          { class: 'two' },
          panel('Decision boundary', this.#picture),
          panel(
            'Loss',
            el('p', { class: 'hint', textContent: 'Solid: training. Dashed: validation. Shaded: the overfitting gap.' }),
            curves,
          ),
        ),
      ),
    );
    this.#points();
    addEventListener('themechange', () => {
      this.#paint();
      this.#curves();
    });
    void import('./charts.ts').then(({ curveChart }) => {
      this.#chart = curveChart(curves, 'Loss by step', { height: 300 });
      this.#curves();
    });
  }

  stop(): void {
    if (this.#run?.state === 'running') void this.#run.engine.call('pause').catch(() => undefined);
  }

  /** A labelled input; a slider shows its value. Each change starts anew. */
  #field(key: Key, label: string, below: Hint): HTMLElement {
    const input = this.#inputs[key];
    const shown = field(label, input, below);
    if (input.type === 'range') {
      const value = el('output', { textContent: input.value });
      shown.querySelector('label')!.append(' ', value);
      input.addEventListener('input', () => {
        value.textContent = input.value;
      });
    }
    input.addEventListener('change', () => {
      if (key === 'optimizer') this.#inputs.lr.value = String(rateOf(input.value));
      this.#restart();
    });
    return shown;
  }

  #value(key: Key): string {
    return this.#inputs[key].value;
  }

  async #toggle(): Promise<void> {
    await told(async () => {
      await this.#open();
      await this.#run?.engine.call(this.#run.state === 'running' ? 'pause' : 'play');
    });
  }

  async #open(): Promise<void> {
    if (this.#run) return;
    const v = (key: Key) => this.#value(key);
    const layers = Number(v('layers'));
    const hidden = layers ? Array<string>(layers).fill(v('units')).join('-') : 'none';
    const config = parseConfig(`mlp:hidden=${hidden},activation=${v('activation')}`, {
      dataset: v('set'),
      optimizer: v('optimizer'),
      lr: v('lr'),
      batchSize: v('optimizer') in quasiNewtonMethods ? '320' : v('batchSize'), // those take all that are not held out
      weightDecay: v('weightDecay'),
      l1Proximal: v('l1Proximal'),
      seed: v('seed'),
      epochs: '1000',
      limitTrain: '400',
      limitTest: '200',
      logEvery: '10',
      valSplit: '0.2',
    });
    this.#run = new Run(this.#made++, config, () => this.#changed());
    await this.#run.open({ evalEvery: 20, noise: Number(v('noise')) });
  }

  #close(): void {
    this.#run?.engine.close();
    this.#run = undefined;
    this.#grid = undefined;
    this.#status.textContent = 'Press Start.';
    this.#play.textContent = 'Start';
    this.#curves();
  }

  #changed(): void {
    const run = this.#run;
    if (!run) return;
    this.#play.textContent = run.state === 'running' ? 'Pause' : 'Resume';
    this.#status.setAttribute('aria-live', run.state === 'running' ? 'off' : 'polite'); // many times a second
    const last = run.steps.at(-1);
    const val = run.validation.at(-1);
    const training = last ? `, loss ${last.loss.toFixed(3)}, right ${percent(last.accuracy!)}` : '';
    const validation = val ? `, validation ${percent(val.accuracy!)}` : '';
    this.#status.textContent = `Step ${run.step}${training}${validation}`;
    this.#curves();
    void this.#look(run);
  }

  #curves(): void {
    const run = this.#run;
    if (!run) {
      this.#chart?.show([]);
      return;
    }
    const points = (lines: readonly { step: number; loss: number }[]) => lines.map(l => [l.step, l.loss] as const);
    const training = points(run.steps);
    const validation = points(run.validation);
    const { colour } = run;
    this.#chart?.show(
      [
        { name: 'training', colour, points: training },
        { name: 'validation', colour, points: validation, dashed: true },
      ],
      [{ colour, ...overfitting(training, validation, 1) }],
    );
  }

  async #look(run: Run): Promise<void> {
    if (this.#looking || !run.facts) return;
    this.#looking = true;
    try {
      const bytes = new Uint8Array(2 * GRID * GRID);
      for (let p = 0; p < GRID * GRID; p++) {
        bytes[2 * p] = planeByte((((p % GRID) + 0.5) / GRID) * 2 * PLANE_RANGE - PLANE_RANGE);
        bytes[2 * p + 1] = planeByte(PLANE_RANGE - ((Math.floor(p / GRID) + 0.5) / GRID) * 2 * PLANE_RANGE);
      }
      const grid = await run.engine.call('predict', bytes);
      if (run !== this.#run) return;
      this.#grid = grid;
      this.#paint();
    } catch {
      /* the run says itself what is wrong with it */
    } finally {
      this.#looking = false;
    }
  }

  #restart(): void {
    this.#close();
    this.#points();
  }

  /** The points alone, as nothing is learned yet. */
  #points(): void {
    this.#grid = undefined;
    this.#paint();
  }

  #paint(): void {
    const context = this.#picture.getContext('2d')!;
    const ground = classGround();
    const small = new OffscreenCanvas(GRID, GRID);
    const on = small.getContext('2d')!;
    const pixels = on.createImageData(GRID, GRID);
    for (let p = 0; p < GRID * GRID; p++) {
      const blue = this.#grid?.[2 * p + 1] ?? 0.5;
      const colour = CLASSES[blue > 0.5 ? 1 : 0];
      const strength = Math.abs(2 * blue - 1) * 0.75;
      pixels.data.set([...colour.map(c => ground + (c - ground) * strength), 255], 4 * p);
    }
    on.putImageData(pixels, 0, 0);
    context.imageSmoothingEnabled = true;
    context.drawImage(small, 0, 0, SIZE, SIZE);
    const { images, labels, n } = plane(this.#value('set'), 400, 0, {
      seed: Number(this.#value('seed')) || 0,
      noise: Number(this.#value('noise')),
    });
    for (let p = 0; p < n; p++) {
      const at = (v: number) => ((v + PLANE_RANGE) / (2 * PLANE_RANGE)) * SIZE;
      context.beginPath();
      context.arc(at(planeValue(images[2 * p]!)), SIZE - at(planeValue(images[2 * p + 1]!)), 3.5, 0, 7);
      context.fillStyle = `rgb(${CLASSES[labels[p]! as 0 | 1].join(' ')})`;
      context.fill();
      context.lineWidth = 1;
      context.strokeStyle = isDark() ? '#111' : '#fff';
      context.stroke();
    }
  }
}
