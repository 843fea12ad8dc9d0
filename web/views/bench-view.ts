/** The kernel and step parts of `descent bench` in the page: the same code, the same tables, the results as JSON. */
import type { KernelResult } from '../../bench/kernels.ts';
import { milliseconds, perSecond } from '../../bench/milliseconds.ts';
import { chromeTrace, type StepResult } from '../../bench/step.ts';
import { built } from '../../engine/build.ts';
import { models } from '../../models/index.ts';
import { rules } from '../../optim/index.ts';
import { laidOut } from '../../shaders/kernel/laid-out.ts';
import { parseConfig } from '../../train/config/config.ts';
import { Engine } from '../worker/client.ts';
import { button, capital, count, el, notice, percent, save, select, told } from './dom.ts';
import type { Dropped } from '../data/dropped.ts';
import { field } from '../form/field.ts';
import type { Measured } from '../worker/protocol.ts';

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

export class BenchView {
  readonly element: HTMLElement;
  #engine: Engine | undefined;
  #data: () => { dropped: Dropped; available: ReadonlySet<string> };
  #filter = el('input', { type: 'text', placeholder: 'all', autocomplete: 'off', spellcheck: false });
  #all = el('input', { type: 'checkbox' });
  #model = select(
    Object.keys(models).map(n => [n, n] as const),
    'lenet5',
  );
  #batch = el('input', { type: 'text', value: '64', inputMode: 'numeric', autocomplete: 'off' });
  #optimizer = select(
    Object.keys(rules).map(n => [n, n] as const),
    'adam',
  );
  #trace = el('input', { type: 'checkbox' });
  #status = el('p', { class: 'status', role: 'status' }, 'Nothing has been measured yet.');
  #ceiling = el('p', { class: 'hint' });
  #kernels = el('div', { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'Times of kernels' });
  #step = el('div', { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'Time of a step' });
  #texts: { readonly name: string; readonly wgsl: readonly string[] }[] = [];
  #which = el('select', { onchange: () => this.#showText() });
  #text = el('pre', { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'WGSL' });
  #reading = el(
    'section',
    { class: 'panel apart', hidden: true },
    el('h2', { textContent: 'WGSL' }),
    field('Kernel, variant and shape', this.#which, {
      about: 'What ran, as the adapter was given it; of what is done in stages, that of each.',
    }),
    this.#text,
  );
  #buttons: Record<'kernels' | 'step' | 'stop' | 'json' | 'trace', HTMLButtonElement>;
  #measured: Record<string, unknown> = {};

  /** `data` gives what the page has for a step on images. */
  constructor(data: () => { dropped: Dropped; available: ReadonlySet<string> }) {
    this.#data = data;
    const json = () =>
      save('descent-bench.json', `${JSON.stringify({ ...facts(), ...this.#measured }, undefined, 2)}\n`, 'application/json');
    const trace = () => save('descent-trace.json', chromeTrace(this.#measured.trace as Measured['trace'] & object), 'application/json');
    const b = (this.#buttons = {
      kernels: button('Time kernels', () => this.#runKernels(), { class: 'primary' }),
      step: button('Time a step', () => this.#runStep(), { class: 'primary' }),
      stop: button('Stop', () => this.stop()),
      json: button('Download JSON', json),
      trace: button('Download trace', trace, { title: 'For chrome://tracing or Perfetto' }),
    });
    this.element = el(
      'div',
      { class: 'train' },
      el(
        'aside',
        { 'aria-label': 'What to measure' },
        el('h2', { textContent: 'Kernels' }),
        field('Filter', this.#filter, { about: 'Part of a kernel\u2019s or layer\u2019s name, as conv or 3x3; empty for all.' }),
        field('Every variant', this.#all, { about: 'All that fit this adapter, to compare them; without it the one that is used.' }, true),
        b.kernels,
        el('h2', { class: 'apart', textContent: 'A training step' }),
        field('Model', this.#model),
        field('Batch size', this.#batch, { about: 'Images a step.' }),
        field('Optimizer', this.#optimizer),
        field('Each dispatch', this.#trace, { about: 'Times every dispatch by itself too.' }, true),
        b.step,
      ),
      el(
        'div',
        { class: 'screen' },
        el('div', { class: 'row' }, b.stop, b.json, b.trace),
        this.#status,
        el(
          'section',
          { class: 'panel' },
          el('h2', { textContent: 'A training step' }),
          hint('Two steps in flight, medians of five rounds. Close other tabs: they share the GPU.'),
          this.#step,
        ),
        el(
          'section',
          { class: 'panel apart' },
          el('h2', { textContent: 'Kernels' }),
          hint('Best of three rounds, as a share of a multiply-add and of a copy kernel measured in the same run.'),
          this.#ceiling,
          this.#kernels,
        ),
        this.#reading,
      ),
    );
    this.#ready(false);
  }

  stop(): void {
    if (!this.#engine) return;
    this.#engine.close();
    this.#engine = undefined;
    this.#status.textContent = 'Stopped.';
    this.#ready(false);
  }

  #keepText(result: KernelResult, wgsl: readonly string[]): void {
    const name = `${result.kernel}, ${result.variant}: ${result.shape}`;
    this.#texts.push({ name, wgsl });
    this.#which.append(new Option(name));
    this.#reading.hidden = false;
    if (this.#texts.length === 1) this.#showText();
  }

  #showText(): void {
    this.#text.textContent = this.#texts[this.#which.selectedIndex]!.wgsl.map(laidOut).join('\n\n');
  }

  #ready(busy: boolean): void {
    const b = this.#buttons;
    b.kernels.disabled = b.step.disabled = busy;
    b.stop.disabled = !busy;
    b.json.disabled = busy || !Object.keys(this.#measured).length;
    b.trace.disabled = busy || !this.#measured.trace;
  }

  /** Measures in a worker of its own, which ends with it; being stopped is no error. */
  async #measure(work: (engine: Engine) => Promise<Measured>, engine: Engine, doing: string): Promise<Measured | undefined> {
    notice('');
    this.#engine = engine;
    this.#status.textContent = doing;
    this.#ready(true);
    const found = await told(async () => {
      try {
        return await work(engine);
      } catch (error) {
        if (this.#engine === engine) throw error;
        return undefined;
      }
    });
    if (this.#engine !== engine) return undefined;
    engine.close();
    this.#engine = undefined;
    this.#status.textContent = found ? `Measured on ${found.adapter.description}.` : 'Nothing was measured.';
    if (found) Object.assign(this.#measured, { ...this.#measured, ...found });
    this.#ready(false);
    return found;
  }

  async #runKernels(): Promise<void> {
    const results: KernelResult[] = [];
    const body = el('tbody');
    const filter = this.#filter.value.trim();
    this.#ceiling.textContent = '';
    this.#texts = [];
    this.#which.replaceChildren();
    this.#reading.hidden = true;
    this.#kernels.replaceChildren(
      el(
        'table',
        { class: 'numbers', 'aria-label': 'Times of kernels' },
        head(['kernel', 'variant', 'shape', 'ms', 'GFLOP/s', 'of FMA', 'GB/s', 'of copy'], 3),
        body,
      ),
    );
    const engine = new Engine(event => {
      if (event.kind !== 'timed') return;
      const { result: r, wgsl, done, of } = event;
      results.push(r);
      this.#keepText(r, wgsl);
      const numbers = [milliseconds(r.ms, 3), perSecond(r.gflops), percent(r.ofFma), perSecond(r.gbs), percent(r.ofCopy)];
      const row = line([r.kernel, r.variant, r.shape, ...numbers], 3);
      const slower = results.filter(other => other !== r && other.ms >= r.ms).length;
      body.insertBefore(row, body.children[slower] ?? null);
      results.sort((a, b) => b.ms - a.ms);
      for (const [i, { ms }] of results.entries()) bar(body.children[i]!.children[3]!, ms / results[0]!.ms);
      this.#status.textContent = `${done} of ${of} kernels timed.`;
    });
    const found = await this.#measure(
      e => e.call('benchKernels', filter, this.#all.checked),
      engine,
      'Measuring what the adapter can do at most …',
    );
    if (found?.ceiling) {
      const { gbPerSecond, gflopPerSecond } = found.ceiling;
      this.#ceiling.textContent =
        `${found.adapter.description}: copy ${gbPerSecond.toFixed(1)} GB/s, ` +
        `multiply-add ${gflopPerSecond.toFixed(1)} GFLOP/s, measured now.`;
    }
    if (found && !results.length)
      this.#kernels.replaceChildren(el('p', { class: 'quiet', textContent: `No kernel or layer has '${filter}' in its name.` }));
  }

  async #runStep(): Promise<void> {
    await told(async () => {
      const { available, dropped } = this.#data();
      const model = this.#model.value;
      const usual = ['lenet5', 'mlp'].includes(model) ? 'fashion-mnist' : 'cifar10';
      const config = parseConfig(model, {
        dataset: available.has(usual) ? usual : 'shapes',
        batchSize: this.#batch.value.trim(),
        optimizer: this.#optimizer.value,
        valSplit: '0',
        limitTrain: '4000',
        limitTest: '100',
      });
      const { dataset, batchSize: batch, optimizer } = config;
      const found = await this.#measure(
        e => e.call('benchStep', config, this.#trace.checked, document.baseURI, dropped),
        new Engine(),
        `Building ${model} and timing its steps on ${dataset} …`,
      );
      if (!found?.step) return;
      Object.assign(this.#measured, { model, dataset, batch, optimizer, trace: found.trace });
      this.#ready(false);
      const what = `${model} on ${dataset}, batches of ${batch}, ${optimizer}, on ${found.adapter.description}`;
      this.#step.replaceChildren(el('p', { textContent: what }), ...stepTables(found, found.step));
    });
  }
}

/** Times and memory of a step, and of each dispatch where they were taken. */
function stepTables({ firstStepMs, note, trace }: Measured, s: StepResult): HTMLElement[] {
  const numbers = [
    count(Math.round(s.imagesPerSecond)),
    milliseconds(s.ms, 2),
    milliseconds(s.best, 2),
    count(s.dispatches),
    count(s.submits),
    count(s.pipelines),
    count(Math.round(firstStepMs!)),
  ];
  const shown: HTMLElement[] = [
    el(
      'table',
      { class: 'numbers', 'aria-label': 'Time of a step' },
      head(['images/s', 'ms a step', 'best ms', 'dispatches', 'submits', 'pipelines', 'first step ms'], 0),
      el('tbody', {}, line(numbers, 0)),
    ),
    hint(
      `Activations ${mib(s.activations)} (alive at once ${mib(s.bound)}, without reuse ${mib(s.withoutReuse)}); ` +
        `all device memory ${mib(s.device)}.`,
    ),
  ];
  if (note) shown.push(hint(`${capital(note)}.`));
  if (trace) {
    const sum = trace.reduce((all, { ms }) => all + ms, 0);
    const longest = trace.reduce((most, { ms }) => Math.max(most, ms), 0);
    const rows = trace.map(t => {
      const row = line([t.op, t.kernel, t.variant, milliseconds(t.ms, 3), percent(t.ms / sum), t.gflops ? perSecond(t.gflops) : '–'], 3);
      bar(row.children[3]!, t.ms / longest);
      return row;
    });
    rows.push(line(['sum', '', '', milliseconds(sum, 3), '100 %', ''], 3));
    shown.push(
      el(
        'table',
        { class: 'numbers', 'aria-label': 'Times of dispatches' },
        head(['layer', 'kernel', 'variant', 'ms', 'share', 'GFLOP/s'], 3),
        el('tbody', {}, ...rows),
      ),
    );
  }
  return shown;
}

/** Shows a number as a bar behind it, too. */
function bar(cell: Element, share: number): void {
  cell.classList.add('bar');
  (cell as HTMLElement).style.setProperty('--share', String(share));
}

/** What every result file says of where it was measured. */
const facts = (): Record<string, unknown> => ({
  descent: built?.version,
  commit: built?.commit,
  browser: navigator.userAgent,
  cores: navigator.hardwareConcurrency,
});

const hint = (text: string): HTMLElement => el('p', { class: 'hint', textContent: text });

/** The first `words` columns are words, which begin at the left. */
const head = (names: readonly string[], words: number): HTMLElement =>
  el(
    'thead',
    {},
    el('tr', {}, ...names.map((textContent, i) => el('th', { textContent, scope: 'col', class: i < words ? 'word' : 'number' }))),
  );
const line = (cells: readonly string[], words: number): HTMLElement =>
  el(
    'tr',
    {},
    ...cells.map((textContent, i) =>
      i === 0 && words ? el('th', { textContent, scope: 'row' }) : el('td', { textContent, class: i < words ? 'word' : 'number' }),
    ),
  );
