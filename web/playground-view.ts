/** Small nets on points of a plane, with the decision boundary as it moves. */
import { plane, planeByte, PLANE_RANGE, PLANE_SETS, planeValue } from '../datasets/synthetic.ts';
import { models } from '../models/index.ts';
import { quasiNewton } from '../optim/quasi-newton.ts';
import { OPTIONS, parseConfig } from '../train/config.ts';
import type { CurveChart } from './charts.ts';
import { hyperOf, OPTIMIZER_NAMES } from './choices.ts';
import { CLASSES, classGround } from './colours.ts';
import { button, el, fold, isDark, percent, select, told } from './dom.ts';
import { field } from './field.ts';
import { overfitting } from './gap.ts';
import { Run } from './runs.ts';

/** Points of the grid along one side, and pixels of the picture. */
const GRID = 48, SIZE = 480;
/** Rates for a few points, where the optimizer's own are meant for images. */
const RATES: Readonly<Record<string, number>> = { adam: 0.02, adamw: 0.02, amsgrad: 0.02, nadam: 0.02, adamax: 0.02, rmsprop: 0.01,
  adagrad: 0.1, momentum: 0.1, nesterov: 0.1, sgd: 0.5 };

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
  #inputs: Record<string, HTMLInputElement | HTMLSelectElement>;

  constructor() {
    const input = (value: string) => el('input', { type: 'text', value, autocomplete: 'off' });
    const slider = (value: string, min: number, max: number, step: number) =>
      el('input', { type: 'range', min: String(min), max: String(max), step: String(step), value });
    const activations = models.mlp!.options!.activation!.accepts.split(', ');
    this.#inputs = {
      set: select(PLANE_SETS.map(n => [n, n] as const), 'circles'), noise: slider('0.25', 0, 1.5, 0.05),
      layers: slider('2', 0, 6, 1), units: slider('8', 1, 32, 1), activation: select(activations.map(n => [n, n] as const), 'tanh'),
      optimizer: select(OPTIMIZER_NAMES.map(n => [n, n] as const), 'adam'), lr: input('0.02'), batchSize: slider('32', 1, 128, 1),
      weightDecay: input('0'), l1: input('0'), seed: input('0'),
    };
    const i = this.#inputs, texts: [keyof typeof i, string, string, string?][] = [
      ['set', 'Points', 'Two classes in the plane.'], ['noise', 'Noise', 'Deviation added to each coordinate.'],
      ['layers', 'Hidden layers', 'None is a straight boundary.'],
      ['units', 'Units a layer', 'More units, more bends.'],
      ['activation', 'Activation', 'What each unit does to its sum.', 'y = f(W x + b)'], ['optimizer', 'Optimizer', 'How weights move.'],
      ['lr', 'Learning rate', 'Length of a step.', 'w ← w − η · step'],
      ['batchSize', 'Batch size', 'Points a step; lbfgs and bfgs take all.'], ['weightDecay', 'L2', 'Pulls weights to 0.', 'g ← g + λ w'],
      ...('l1' in OPTIONS ? [['l1', 'L1', 'Pulls weights to exactly 0.', 'g ← g + λ sign(w)'] as [string, string, string, string]] : []),
      ['seed', 'Seed', 'Decides points and first weights.'],
    ];
    const curves = el('div');
    const shown = el('div', { class: 'config' }, ...texts.map(([key, label, text, formula]) => {
      const e = i[key]!, f = field(label, e, { text, formula });
      if (e.type === 'range') {
        const value = el('output', { textContent: e.value });
        f.querySelector('label')!.append(' ', value);
        e.addEventListener('input', () => { value.textContent = e.value; });
      }
      e.addEventListener('change', () => {
        if (e === i.optimizer) i.lr!.value = String(RATES[e.value] ?? hyperOf(e.value).lr);
        this.#close();
        this.#points();
      });
      return f;
    }));
    this.element = el('div', { class: 'train playground' }, el('aside', { 'aria-label': 'Net and points' }, fold('Net and points', shown)),
      el('div', { class: 'screen' },
        el('div', { class: 'row toolbar', role: 'group', 'aria-label': 'Playground' }, this.#play,
          button('Step', () => told(async () => { await this.#open(); await this.#run?.engine.call('stepOnce'); })),
          button('Reset', () => { this.#close(); this.#points(); })),
        this.#status,
        el('div', { class: 'two' }, el('section', { class: 'panel' }, el('h2', { textContent: 'Decision boundary' }), this.#picture),
          el('section', { class: 'panel' }, el('h2', { textContent: 'Loss' }),
            el('p', { class: 'hint', textContent: 'Solid: training. Dashed: validation. Shaded: the overfitting gap.' }), curves))));
    this.#points();
    addEventListener('themechange', () => { this.#paint(); this.#curves(); });
    void import('./charts.ts').then(({ curveChart }) => { this.#chart = curveChart(curves, 'Loss by step', { height: 300 });
      this.#curves(); });
  }

  stop(): void { if (this.#run?.state === 'running') void this.#run.engine.call('pause').catch(() => undefined); }

  #value(name: string): string { return this.#inputs[name]!.value; }

  async #toggle(): Promise<void> {
    await told(async () => {
      await this.#open();
      await this.#run?.engine.call(this.#run.state === 'running' ? 'pause' : 'play');
    });
  }

  async #open(): Promise<void> {
    if (this.#run) return;
    const v = (name: string) => this.#value(name), layers = Number(v('layers'));
    const hidden = layers ? Array<string>(layers).fill(v('units')).join('-') : 'none';
    const config = parseConfig(`mlp:hidden=${hidden},activation=${v('activation')}`, {
      dataset: v('set'), optimizer: v('optimizer'), lr: v('lr'), batchSize: v('optimizer') in quasiNewton ? '320' : v('batchSize'),
      weightDecay: v('weightDecay'), ...('l1' in OPTIONS ? { l1: v('l1') } : {}), seed: v('seed'),
      epochs: '1000', limitTrain: '400', limitTest: '200', logEvery: '10', valSplit: '0.2',
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
    const last = run.steps.at(-1), val = run.validation.at(-1);
    this.#status.textContent =
      `Step ${run.step}${last ? `, loss ${last.loss.toFixed(3)}, right ${percent(last.accuracy)}` : ''}${val ? `, validation ${percent(val.accuracy)}` : ''}`;
    this.#curves();
    void this.#look(run);
  }

  #curves(): void {
    const run = this.#run, points = (lines: readonly { step: number; loss: number }[]) => lines.map(l => [l.step, l.loss] as const);
    this.#chart?.show(run ? [{ name: 'training', colour: run.colour, points: points(run.steps) },
      { name: 'validation', colour: run.colour, points: points(run.validation), dashed: true }] : [],
      run ? [{ colour: run.colour, ...overfitting(points(run.steps), points(run.validation), 1) }] : []);
  }

  async #look(run: Run): Promise<void> {
    if (this.#looking || !run.facts) return;
    this.#looking = true;
    try {
      const bytes = new Uint8Array(2 * GRID * GRID);
      for (let p = 0; p < GRID * GRID; p++) {
        bytes[2 * p] = planeByte((p % GRID + 0.5) / GRID * 2 * PLANE_RANGE - PLANE_RANGE);
        bytes[2 * p + 1] = planeByte(PLANE_RANGE - (Math.floor(p / GRID) + 0.5) / GRID * 2 * PLANE_RANGE);
      }
      const grid = await run.engine.call('predict', bytes, GRID * GRID);
      if (run === this.#run) { this.#grid = grid; this.#paint(); }
    } catch { /* the run says itself what is wrong with it */ } finally { this.#looking = false; }
  }

  #points(): void { this.#grid = undefined; this.#paint(); }

  #paint(): void {
    const context = this.#picture.getContext('2d')!, ground = classGround();
    const small = new OffscreenCanvas(GRID, GRID), on = small.getContext('2d')!, pixels = on.createImageData(GRID, GRID);
    for (let p = 0; p < GRID * GRID; p++) {
      const blue = this.#grid?.[2 * p + 1] ?? 0.5, strength = Math.abs(2 * blue - 1) * 0.75, colour = CLASSES[blue > 0.5 ? 1 : 0];
      pixels.data.set([...colour.map(c => ground + (c - ground) * strength), 255], 4 * p);
    }
    on.putImageData(pixels, 0, 0);
    context.imageSmoothingEnabled = true;
    context.drawImage(small, 0, 0, SIZE, SIZE);
    const { images, labels, n } =
      plane(this.#value('set'), 400, 0, { seed: Number(this.#value('seed')) || 0, noise: Number(this.#value('noise')) });
    for (let p = 0; p < n; p++) {
      const at = (v: number) => (v + PLANE_RANGE) / (2 * PLANE_RANGE) * SIZE;
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
