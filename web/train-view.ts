/** The screen to learn from: a configuration, its runs, their curves, and looks into the net. */
import type { MetricsLine } from '../train/metrics.ts';
import { parseNumber } from '../train/spec.ts';
import { capital } from './catalogue.ts';
import type { Curve, CurveChart, Point } from './charts.ts';
import { available } from './data.ts';
import { button, count, el, fold, notice, percent, pick, save, told } from './dom.ts';
import { isDataFile, keepData, type Dropped } from './dropped.ts';
import { field } from './field.ts';
import { itemsOf, type FolderFile } from './folder.ts';
import { ConfigForm, configOf, textsOf, type Texts } from './form.ts';
import { overfitting, smooth } from './gap.ts';
import { LooksView } from './looks-view.ts';
import { announce, Run } from './runs.ts';

/** A run as a file. */
interface RunFile { readonly config: Texts; readonly lines: readonly MetricsLine[] }

export class TrainView {
  readonly element: HTMLElement;
  readonly runs: Run[] = [];
  selected: Run | undefined;
  #form: ConfigForm;
  readonly dropped: Dropped = { files: {}, folders: {} };
  /** The data sets that can be had now. */
  available: ReadonlySet<string> = new Set(['shapes']);
  #looks = new LooksView();
  #charts: { loss: CurveChart; accuracy: CurveChart } | undefined;
  #facts = el('dl', { class: 'facts', 'aria-live': 'off' });
  #table = el('div', { class: 'runs' });
  #status = el('p', { class: 'status', role: 'status' }, 'No run yet. Choose a configuration and press Start.');
  #buttons: Record<'play' | 'step' | 'reset' | 'test' | 'save' | 'average' | 'load', HTMLButtonElement>;
  #every = el('input', { type: 'text', value: '50', inputMode: 'numeric', name: 'evalEvery' });
  #next = 0;
  #drawing = false;

  /** `texts` are those of an address. */
  constructor({ evalEvery, ...texts }: Texts & { evalEvery?: string }) {
    if (evalEvery !== undefined) this.#every.value = evalEvery;
    this.#form = new ConfigForm(texts, this.available, el('div', { class: 'row small' },
      button('Add files', () => pick({ multiple: true }, files => this.addData(files)),
        { title: 'Files of a known data set, gzipped or not, or their archive' }),
      button('Add a folder', () =>
        pick({ webkitdirectory: true }, files => this.addFolder(files.map(file => ({ path: file.webkitRelativePath, file })))),
        { title: 'Images, one subfolder a class' })));
    const act = (work: (run: Run) => unknown) => () =>
      told(() => (this.selected ? work(this.selected) : notice('There is no run yet; press Start.', 'info')) as Promise<void>);
    this.#buttons = {
      play: button('Pause', act(run => run.engine.call(run.state === 'running' ? 'pause' : 'play'))),
      step: button('Step', act(run => run.engine.call('stepOnce')), { title: 'One step of training' }),
      reset: button('Reset', act(run => run.engine.call('reset')), { title: 'Back to the first weights' }),
      test: button('Test', act(run => run.engine.call('evaluate', 'test')), { title: 'Loss and accuracy over all test images' }),
      save: button('Export weights', act(run => this.#export(run, false)),
        { title: 'As a safetensors file for the command line, or for PyTorch' }),
      average: button('Export average', act(run => this.#export(run, true)),
        { title: 'The averaged weights, which evaluations judge', hidden: true }),
      load: button('Import weights',
        () => pick({ accept: '.safetensors' },
        async ([file]) => this.importWeights(new Uint8Array(await file!.arrayBuffer()), file!.name))),
    };
    const losses = el('div'), accuracies = el('div');
    this.element = el('div', { class: 'train' },
      el('aside', { 'aria-label': 'Configuration' },
        el('div', { class: 'row start' },
          button('Start', () => this.start(false), { class: 'primary', id: 'start', title: 'A new run in place of the selected one' }),
          button('Compare', () => this.start(true), { title: 'A new run beside those there are' })),
        fold('Configuration', this.#form.element,
          field('Validate every', this.#every, { text: 'Steps between evaluations on the validation images; 0 after each epoch only.' }),
        el('div', { class: 'row' }, button('Share link', () => this.#share()), button('Save runs', () => this.#saveRuns()),
          button('Load runs', () => pick({ accept: '.json' }, async ([file]) => this.loadRuns(await file!.text(), file!.name)))))),
      el('div', { class: 'screen' },
        el('div', { class: 'row toolbar', role: 'group', 'aria-label': 'Run' }, ...Object.values(this.#buttons)), this.#status, this.#facts,
        el('div', { class: 'two' },
          el('section', { class: 'panel' }, el('h2', { textContent: 'Loss' }),
            el('p', { class: 'hint',
            textContent: 'Solid: training, smoothed; faint: as it was. Dashed: validation. Shaded: where validation is worse, the overfitting gap.' }), losses),
          el('section', { class: 'panel' }, el('h2', { textContent: 'Accuracy' }),
            el('p', { class: 'hint', textContent: 'Share of right answers by step.' }), accuracies)),
        this.#table, this.#looks.element));
    void import('./charts.ts').then(({ curveChart }) => {
      this.#charts = { loss: curveChart(losses, 'Loss by step'), accuracy: curveChart(accuracies, 'Accuracy by step', { percent: true }) };
      this.draw();
    });
    void told(() => this.#form.validate());
    void this.offer();
    this.draw();
  }

  /** Puts a shared configuration into the form; throws where a name is unknown. */
  configure({ evalEvery, ...texts }: Texts & { evalEvery?: string }): void {
    this.#every.value = evalEvery ?? '50';
    this.#form.set(texts);
    this.#form.validate();
  }

  /** Which data sets are there now. */
  async offer(): Promise<void> { this.#form.offer(this.available = await available(this.dropped, document.baseURI)); }

  /** Keeps files of known data sets, and says what these lack. */
  async addData(files: readonly File[]): Promise<void> {
    notice(`Reading ${files.length === 1 ? files[0]!.name : `${files.length} files`} …`, 'info');
    const lacks = new Map<string, readonly string[]>();
    try {
      for (const file of files) {
        if (!isDataFile(file.name)) {
          throw new Error(`${file.name}: is of no known data set; `
            + 'add the files of one as they are published, or a folder of images by class');
        }
        for (const [name, missing] of await keepData(file, this.dropped)) lacks.set(name, missing);
      }
    } finally {
      await this.offer(); // those before one that is damaged are kept
    }
    const whole = [...lacks.keys()].filter(name => !lacks.get(name)!.length);
    if (whole.length) this.#form.choose(whole.at(-1)!);
    const told = [...lacks].map(([name, missing]) => missing.length
      ? `${name}: still needs ${missing.join(', ')}; add them too.`
      : `${name}: is complete${name === whole.at(-1) ? ', and chosen' : ''}.`);
    notice(told.join(' '), 'info');
  }

  /** Keeps a folder of images by class under its name. */
  async addFolder(files: readonly FolderFile[]): Promise<void> {
    const name = files[0]?.path.split('/')[0]?.replace(/[,:=]/g, '-') ?? 'folder',
      inside = files.map(({ path, file }) => ({ path: path.slice(path.indexOf('/') + 1), file }));
    const { classes, train, test } = itemsOf(name, inside);
    this.dropped.folders[name] = inside;
    await this.offer();
    this.#form.choose(name);
    notice(`${name}: ${count(train.length + (test?.length ?? 0))} images of ${classes.length} classes (${classes.slice(0, 6).join(', ')}${classes.length > 6 ? ' …' : ''}), chosen.`, 'info');
  }

  /** A new run of what the form says, in place of the selected one or beside it. */
  async start(beside: boolean): Promise<void> {
    notice('');
    await told(async () => {
      const config = this.#form.config(),
        evalEvery = parseNumber('Validate every', this.#every.value.trim() || '0', { integer: true, min: 0 });
      const before = beside || this.selected?.state === 'loaded' ? undefined : this.selected, going = before?.state === 'running';
      if (going) await before!.engine.call('pause');
      const run = new Run(this.#next++, config, (changed, event) => this.#changed(changed, event?.kind === 'state'));
      this.runs.push(run);
      this.selected = run;
      this.draw();
      try {
        await run.open({ evalEvery }, this.dropped);
      } catch (error) { // what was there stays
        const removed = !this.runs.includes(run); // by its button, while it was being built
        this.#remove(run);
        if (before) this.selected = before;
        if (going) void before!.engine.call('play');
        this.draw();
        if (removed) return;
        throw error;
      }
      if (before && this.runs.includes(before)) this.#remove(before);
      announce(() => this.runs.some(r => r.state === 'running'));
      await run.engine.call('play');
    });
  }

  #remove(run: Run): void {
    run.engine.close();
    if (this.runs.includes(run)) this.runs.splice(this.runs.indexOf(run), 1);
    if (this.selected === run) this.selected = this.runs.at(-1);
  }

  #changed(run: Run, state: boolean): void {
    this.draw();
    if (run === this.selected) void this.#looks.refresh(run, state && run.state !== 'running');
  }

  /** Draws once a frame at most. */
  draw(): void {
    if (this.#drawing) return;
    this.#drawing = true;
    setTimeout(() => { this.#drawing = false; this.#draw(); }, 100);
  }

  #draw(): void {
    const run = this.selected, b = this.#buttons, ready = run?.facts && run.state !== 'building' && run.state !== 'failed'
      && run.state !== 'loaded';
    b.play.textContent = run?.state === 'running' ? 'Pause' : 'Resume';
    for (const [name, e] of Object.entries(b)) e.disabled = !ready || (name === 'step' && run.state === 'running')
      || (run.state === 'done' && (name === 'step' || name === 'play'));
    b.average.hidden = !run?.facts?.averages;
    if (run) {
      const state = run.message || {
        building: 'Loading the data and compiling the programs …',
        running: `Run ${run.id + 1} trains on ${run.facts?.adapter}; it goes on while the tab is hidden.`,
        paused: `Run ${run.id + 1} is paused at step ${run.step}.`,
        done: `Run ${run.id + 1} is done after ${count(run.step)} step${run.step === 1 ? '' : 's'}.`,
        failed: 'The run stopped.',
        loaded: '',
      }[run.state];
      this.#status.textContent = run.note ? `${state} ${capital(run.note)}.` : state;
      this.#status.dataset.state = run.state;
      const { facts } = run, last = run.steps.at(-1), val = run.validation.at(-1), test = run.lastTest;
      const shown: [string, string][] = [
        ['step', count(run.step)], ['epoch', facts ? (run.step / facts.stepsPerEpoch).toFixed(2) : '–'],
        ['training loss', last ? last.loss.toFixed(4) : '–'], ['training accuracy', last ? percent(last.accuracy) : '–'],
        ['validation accuracy', val ? percent(val.accuracy) : '–'], ['gap in loss', val && last ? (val.loss - last.loss).toFixed(4) : '–'],
        ['test accuracy', test ? percent(test.accuracy) : '–'],
        ['images/s', last ? count(Math.round(last.images_per_s)) : '–'], ['dispatches/step', facts ? count(facts.dispatches) : '–'],
        ['learning rate', last ? Number(last.lr.toPrecision(4)).toString() : '–'], ['parameters', facts ? count(facts.parameters) : '–'],
        ['device memory', facts ? `${(facts.bytes / 2 ** 20).toFixed(1)} MiB` : '–'],
      ];
      this.#facts.replaceChildren(...shown.map(([k, v]) => el('div', {}, el('dt', { textContent: k }), el('dd', { textContent: v }))));
    }
    this.#table.replaceChildren(...(this.runs.length ? [el('ul', { 'aria-label': 'Runs' }, ...this.runs.map(r => this.#row(r)))] : []));
    const points = (lines: readonly MetricsLine[], key: 'loss' | 'accuracy') => lines.map((l): Point => [l.step, l[key]]);
    const label = (run: Run) => this.runs.length > 1 ? String(run.id + 1) : undefined; // colours alone are not for everyone
    for (const key of ['loss', 'accuracy'] as const) {
      this.#charts?.[key].show(
        this.runs.flatMap(r => [...traces(`${r.name} train`, r.colour, label(r), points(r.steps, key)),
          { name: `${r.name} validation`, colour: r.colour, points: points(r.validation, key), dashed: true }]),
        this.runs.map(r => ({ colour: r.colour,
          ...overfitting(smooth(points(r.steps, key)), points(r.validation, key), key === 'loss' ? 1 : -1) })));
    }
  }

  #row(run: Run): HTMLElement {
    const best = run.validation.reduce((m, l) => Math.max(m, l.accuracy), 0);
    const swatch = el('span', { class: 'swatch', 'aria-hidden': 'true' });
    swatch.style.background = run.colour;
    return el('li', { class: run === this.selected ? 'selected' : '' },
      el('button', { type: 'button', class: 'pick', 'aria-pressed': String(run === this.selected),
        onclick: () => { this.selected = run; this.draw(); void this.#looks.refresh(run, true); } },
        swatch, el('span', { textContent: `${run.name} on ${run.config.dataset}, batch ${run.config.batchSize}, seed ${run.config.seed}` })),
      el('span', { class: 'quiet', textContent: `${run.state}, step ${run.step}${best ? `, best validation ${percent(best)}` : ''}` }),
      button('Use', () => this.#form.set(textsOf(run.config)), { title: 'Put this configuration into the form' }),
      button('×', () => { this.#remove(run); this.draw(); }, { 'aria-label': `Remove run ${run.id + 1}` }));
  }

  async #share(): Promise<void> {
    await told(async () => {
      const url = new URL(location.href);
      const config = this.#form.config(),
        texts = { ...textsOf(config), dataset: config.dataset, ...this.#every.value !== '50' && { evalEvery: this.#every.value } };
      url.hash = `train?${new URLSearchParams(texts).toString()}`;
      history.replaceState(null, '', url);
      await navigator.clipboard?.writeText(url.href).catch(() => undefined);
      notice(`The address of this page now names the configuration${navigator.clipboard ? ', and is in the clipboard' : ''}.`, 'info');
    });
  }

  #saveRuns(): void {
    save('descent-runs.json', JSON.stringify(this.runs.map((r): RunFile => ({ config: textsOf(r.config), lines: r.lines })), null, 1),
      'application/json');
  }

  /** Runs of a file, as curves beside those here. */
  loadRuns(text: string, name: string): void {
    let files: unknown;
    try { files = JSON.parse(text); } catch { /* said below */ }
    if (!Array.isArray(files)
      || files.some(f => typeof f?.config !== 'object' || !Array.isArray(f?.lines)
      || f.lines.some((l: Partial<MetricsLine> | null) => typeof l?.step !== 'number'
      || typeof l.loss !== 'number'))) throw new Error(`${name}: holds no runs; give a file that Save runs has written`);
    for (const { config, lines } of files as RunFile[]) {
      const run = new Run(this.#next++, configOf(config), () => this.draw());
      run.lines = [...lines];
      run.step = lines.at(-1)?.step ?? 0;
      run.state = 'loaded';
      run.message = `Run ${run.id + 1} is from ${name}: its curves are here, its weights are not. Use puts its configuration into the form.`;
      this.runs.push(run);
      this.selected ??= run;
    }
    this.draw();
  }

  async importWeights(bytes: Uint8Array, name: string): Promise<void> {
    const run = this.selected;
    if (!run?.facts) throw new Error(`${name}: there is no run to import into; start one of the same model first`);
    await run.engine.call('importWeights', bytes, name);
    notice(`${name}: imported into run ${run.id + 1}.`, 'info');
    await this.#looks.refresh(run, true);
  }

  async #export(run: Run, averaged: boolean): Promise<void> {
    const bytes = await run.engine.call('exportWeights', averaged);
    save(`${run.config.model.split(':')[0]}-${run.config.dataset}${averaged ? '-average' : ''}.safetensors`, new Uint8Array(bytes),
      'application/octet-stream');
  }
}

/** The training curve, smoothed, on itself as it was. */
const traces = (name: string, colour: string, label: string | undefined, points: readonly Point[]): Curve[] =>
  [{ name: `${name} as it was`, colour, points, faint: true }, { name, colour, label, points: smooth(points) }];
