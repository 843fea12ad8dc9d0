/** The screen to learn from: a configuration, its runs, their curves, and looks into the net. */
import { weightsOf } from '../../data/trained.ts';
import { presetList, type Preset } from './presets.ts';
import { check } from '../../../engine/check.ts';
import type { RunConfig } from '../../../train/config/config.ts';
import { available } from '../../data/data.ts';
import { button, el, fold, notice, pick, save, told } from '../dom.ts';
import { titled } from '../title.ts';
import type { Dropped } from '../../data/dropped.ts';
import type { FolderFile } from '../../data/folder.ts';
import type { Kept } from '../../data/keep.ts';
import { keptDropped, putDropped, refusal } from '../../data/kept.ts';
import { remember } from '../../data/kept-form.ts';
import type { Address } from '../../form/address.ts';
import { ConfigForm, textsOf } from '../../form/form.ts';
import { InspectView } from '../looking/inspect-view.ts';
import { Previews } from '../looking/previews.ts';
import { searches } from '../looking/searches.ts';
import { readRuns, writeRuns } from '../../data/run-file.ts';
import { RunCurves } from './run-curves.ts';
import { RunToolbar } from './run-toolbar.ts';
import { RunKeeper, type Recalled } from './run-keeper.ts';
import { RunList } from './run-list.ts';
import { numbersOf, shareOf, statusOf } from './run-view.ts';
import { announce, Run } from '../runs.ts';
import { COLOURS } from '../colours.ts';
import type { Shared } from '../../together/greeting.ts';
import { ValidateEvery } from './validate-every.ts';
import type { TogetherView } from './together-view.ts';

const NONE = 'No run yet. Choose a configuration and press Start.';

export class TrainView {
  readonly element: HTMLElement;
  readonly runs: Run[] = [];
  selected: Run | undefined;
  #form: ConfigForm;
  readonly dropped: Dropped = { files: {}, folders: {} };
  #previews = new Previews(() => this.dropped);
  #searches = searches({
    config: () => this.#form.config(),
    dropped: () => this.dropped,
    take: rate => this.#form.put('lr', rate),
    use: config => this.#form.set(textsOf(config)),
  });
  /** The data sets that can be had now. */
  available: ReadonlySet<string> = new Set(['shapes']);
  #inspect = new InspectView(() => this.#form.config());
  #curves = new RunCurves();
  #keeper = new RunKeeper();
  #toolbar = new RunToolbar({
    selected: () => this.selected,
    importWeights: (bytes, name) => this.importWeights(bytes, name),
    resume: run => this.#resume(run),
  });
  #facts = el('dl', { class: 'facts', 'aria-live': 'off' });
  #list = new RunList({
    select: run => this.#select(run),
    use: run => this.#form.set(textsOf(run.config)),
    remove: run => {
      this.#remove(run);
      this.draw();
    },
    hide: run => {
      run.hidden = !run.hidden;
      this.#keeper.changed(run);
      this.draw();
    },
    highlight: run => this.#curves.highlight(this.runs.length > 1 ? run : undefined),
  });
  #status = el('p', { class: 'status', role: 'status' }, NONE);
  #every: ValidateEvery;
  #next = 0;
  #drawing = false;

  /** Those it trains with, whose screen is loaded when it is opened. */
  #together: TogetherView | undefined;
  #presets = presetList(preset => this.try(preset));
  #togetherPart = el(
    'details',
    { class: 'panel together', ontoggle: () => void told(() => this.#openTogether()) },
    el('summary', { textContent: 'Train together' }),
  );

  /** `texts` are those of an address. */
  constructor({ evalEvery, join, stun, ...texts }: Address) {
    if (join !== undefined) void told(() => this.#join(join, stun));
    this.#every = new ValidateEvery(evalEvery);
    const addFiles = () => pick({ multiple: true }, files => this.addData(files));
    const addFolder = () =>
      pick({ webkitdirectory: true }, files => this.addFolder(files.map(file => ({ path: file.webkitRelativePath, file }))));
    this.#form = new ConfigForm(
      texts,
      this.available,
      { below: { ...this.#previews.below, lr: this.#searches.rate }, changed: recipe => this.#previews.show(recipe) },
      el(
        'div',
        { class: 'row small' },
        button('Add files', addFiles, { title: 'Files of a known data set, gzipped or not, or their archive' }),
        button('Add a folder', addFolder, { title: 'Images, one subfolder a class' }),
      ),
    );
    this.element = el('div', { class: 'train' }, this.#aside(), this.#screen());
    for (const changed of ['input', 'change']) this.#form.element.addEventListener(changed, () => this.draw()); // the net that it describes
    void this.offer();
    void told(() => this.#recall());
    addEventListener('pagehide', () => {
      const evalEvery = this.#every.text;
      remember({ ...this.#form.texts, ...(evalEvery !== undefined && { evalEvery }) });
    });
    this.draw();
  }

  #aside(): HTMLElement {
    const skip = button('Skip the configuration', () => this.#toolbar.focus(), { class: 'skip' }); // many fields lie between Start and Pause
    const load = () => pick({ accept: '.json' }, async ([file]) => this.loadRuns(await file!.text(), file!.name));
    return el(
      'aside',
      { 'aria-label': 'Configuration' },
      el(
        'div',
        { class: 'row start' },
        button('Start', () => this.start(false), { class: 'primary', id: 'start', title: 'A new run in place of the selected one' }),
        button('Compare', () => this.start(true), { title: 'A new run beside those there are' }),
        skip,
      ),
      fold(
        'Configuration',
        this.#form.element,
        this.#every.element,
        this.#searches.sweep,
        el(
          'div',
          { class: 'row' },
          button('Share link', () => this.#share()),
          button('Save runs', () => this.#save()),
          button('Load runs', load),
        ),
      ),
    );
  }

  /** All beside the configuration. */
  #screen(): HTMLElement {
    return el(
      'div',
      { class: 'screen' },
      this.#toolbar.element,
      this.#status,
      this.#facts,
      this.#presets,
      this.#curves.element,
      this.#list.element,
      this.#togetherPart,
      this.#inspect.element,
    );
  }

  /** Brings back what there was before a reload; then a name in the form that is of no data can be told. */
  async #recall(): Promise<void> {
    const { files, folders } = await keptDropped().catch(() => ({ files: {}, folders: {} })); // where there is no database, nothing was kept
    Object.assign(this.dropped.files, files);
    Object.assign(this.dropped.folders, folders);
    if (Object.keys({ ...files, ...folders }).length) await this.offer();
    const runs = await this.#keeper.recall();
    for (const run of runs) await this.#take(run);
    this.selected ??= this.runs.at(-1);
    this.draw();
    this.#form.validate();
  }

  async #take(recalled: Recalled): Promise<void> {
    const run = this.#make(recalled.checked, recalled.number);
    run.recall(recalled.lines);
    Object.assign(run, { hue: recalled.hue, hidden: recalled.hidden, isDone: recalled.done });
    run.state = recalled.curvesOnly ? 'loaded' : 'kept';
    if (recalled.curvesOnly) run.message = `Of run ${run.id + 1} the curves alone are here. Use puts its configuration into the form.`;
    await this.#keeper.add(run, recalled, recalled);
    this.runs.push(run);
  }

  /** Opens a run from before a reload from its last checkpoint, and trains on where it is not done. */
  async #resume(run: Run): Promise<void> {
    const { id, evalEvery } = this.#keeper.of(run)!;
    try {
      await run.open({ evalEvery, kept: { id, resumes: true } }, this.dropped);
    } catch (error) {
      run.engine.close();
      run.state = 'kept';
      this.draw();
      throw error;
    }
    announce(() => this.runs.some(r => r.state === 'running'));
    if (run.step < run.facts!.total) await run.engine.call('play');
  }

  /** Looks into the net again, once this is in the document: what changed while another view was shown was not looked at. */
  show(): void {
    requestAnimationFrame(() => void this.#inspect.refresh(this.selected, true));
  }

  /** Puts a shared configuration into the form; throws where a name is unknown. */
  configure({ evalEvery, join, stun, ...texts }: Address): void {
    if (join !== undefined) {
      void told(() => this.#join(join, stun));
      return;
    }
    this.#every.set(evalEvery);
    this.#form.set(texts);
    this.#form.validate();
    this.draw();
  }

  /** Which data sets are there now. */
  async offer(): Promise<void> {
    this.available = await available(this.dropped, document.baseURI);
    this.#form.offer(this.available);
    this.draw();
  }

  async addData(files: readonly File[]): Promise<void> {
    notice(`Reading ${files.length === 1 ? files[0]!.name : `${files.length} files`} …`, 'busy');
    await this.#keep(async () => (await import('../../data/keep.ts')).keepFiles(files, this.dropped));
  }

  addFolder(files: readonly FolderFile[]): Promise<void> {
    return this.#keep(async () => (await import('../../data/keep.ts')).keepFolder(files, this.dropped));
  }

  /** Offers data that is being kept, chooses it where it is whole, and says what it is. */
  async #keep(keep: () => Promise<Kept>): Promise<void> {
    const { whole, said } = await keep().finally(() => this.offer());
    if (whole !== undefined) this.#form.choose(whole);
    notice(said, 'info');
    await putDropped(this.dropped).catch((error: unknown) => notice(refusal('The data', error), 'info'));
  }

  /** A new run of what the form says, in place of the selected one or beside it. */
  async start(beside: boolean): Promise<void> {
    if (!beside && this.selected?.state === 'building') return; // a second click of a double click
    await told(async () => {
      await this.#begin(this.#configured(), beside);
    });
  }

  /** What the form says. */
  #configured(): Shared {
    return { config: this.#form.config(), evalEvery: this.#every.steps };
  }

  /** The runs of a preset, one beside another; one of a trained net is built and looked at, and can be trained on. */
  async try({ runs, trained }: Preset): Promise<void> {
    await told(async () => {
      for (const [i, texts] of runs.entries()) {
        this.configure(texts);
        const take = async (run: Run) => void (await run.engine.call('importWeights', await weightsOf(trained!), trained!.label));
        const run = await this.#begin(this.#configured(), i > 0, trained && take, !trained);
        if (run && trained) await this.#inspect.refresh(run, true);
      }
    });
  }

  /** A new run that plays unless `plays` is false, once it is built and `ready` is done; undefined where it is removed before. */
  async #begin(
    { config, evalEvery }: Shared,
    beside: boolean,
    ready?: (run: Run) => Promise<void>,
    plays = true,
  ): Promise<Run | undefined> {
    const before = beside || this.selected?.state === 'loaded' || this.selected?.state === 'kept' ? undefined : this.selected;
    const going = before?.state === 'running';
    if (going) await before!.engine.call('pause');
    const run = this.#make(config);
    this.runs.push(run);
    this.selected = run;
    this.draw();
    try {
      const curvesOnly = config.distribute !== undefined; // its net is that of all who train together
      const id = await this.#keeper.add(run, { evalEvery, curvesOnly });
      await run.open({ evalEvery, kept: id === undefined || curvesOnly ? undefined : { id, resumes: false } }, this.dropped);
      await ready?.(run);
    } catch (error) {
      // what was there stays
      const removed = !this.runs.includes(run); // by its button, while it was being built
      this.#remove(run);
      if (before) this.selected = before;
      if (going) void before!.engine.call('play');
      this.draw();
      if (removed) return undefined;
      throw error;
    }
    if (before && this.runs.includes(before)) this.#remove(before);
    announce(() => this.runs.some(r => r.state === 'running'));
    if (plays) await run.engine.call('play');
    return run;
  }

  async #openTogether(): Promise<TogetherView> {
    const { TogetherView } = await import('./together-view.ts');
    if (!this.#together) {
      const begin = (shared: Shared, ready?: (run: Run) => Promise<void>) => this.#begin(shared, false, ready);
      this.#together = new TogetherView({ configured: () => this.#configured(), begin, draw: () => this.draw() });
      this.#togetherPart.append(this.#together.element);
      this.draw();
    }
    return this.#together;
  }

  async #join(code: string, stun: string | undefined): Promise<void> {
    this.#togetherPart.open = true;
    await (await this.#openTogether()).join(code, stun);
  }

  #remove(run: Run): void {
    run.close();
    this.#keeper.remove(run);
    if (this.runs.includes(run)) this.runs.splice(this.runs.indexOf(run), 1);
    if (this.selected === run) this.selected = this.runs.at(-1);
  }

  #changed(run: Run, state: boolean): void {
    this.#keeper.changed(run);
    this.draw();
    if (run === this.selected) void this.#inspect.refresh(run, state && run.state !== 'running');
  }

  /** Draws ten times a second at most. */
  draw(): void {
    if (this.#drawing) return;
    this.#drawing = true;
    setTimeout(() => {
      this.#drawing = false;
      this.#draw();
    }, 100);
  }

  #draw(): void {
    const run = this.selected;
    this.#toolbar.show(run);
    this.#presets.hidden = this.runs.length > 0;
    const status = run ? statusOf(run) : NONE;
    if (this.#status.textContent !== status) this.#status.textContent = status;
    this.#status.dataset.state = run?.state ?? '';
    this.#status.setAttribute('aria-live', run?.state === 'running' ? 'off' : 'polite'); // its progress is told many times a second
    this.#tellTitle();
    this.#facts.replaceChildren(...(run ? numbersOf(run) : []));
    this.#together?.show(run);
    this.#list.show(this.runs, run);
    this.#curves.show(this.runs);
    this.#inspect.of(run);
  }

  /** How far the run that trains is, in the tab's title. */
  #tellTitle(): void {
    const running = this.selected?.state === 'running' ? this.selected : this.runs.find(r => r.state === 'running');
    const share = running && shareOf(running);
    titled(share === undefined ? '' : `${Math.floor(100 * share)} %`);
  }

  #select(run: Run): void {
    this.selected = run;
    this.draw();
    void this.#inspect.refresh(run, true);
  }

  /** A run of its own colour, while there are some left. */
  #make(config: RunConfig, number = this.#next): Run {
    const id = this.runs.some(other => other.id === number) ? this.#next : number;
    this.#next = Math.max(this.#next, id + 1);
    const run = new Run(id, config, (changed, event) => this.#changed(changed, event?.kind === 'state'));
    const free = Array.from({ length: COLOURS }, (_, i) => i).find(hue => !this.runs.some(other => other.hue % COLOURS === hue));
    run.hue = free ?? run.id;
    return run;
  }

  #save(): void {
    if (this.runs.length) save('descent-runs.json', writeRuns(this.runs), 'application/json');
    else notice('There is no run to save yet; press Start.', 'info');
  }

  async #share(): Promise<void> {
    await told(async () => {
      const url = new URL(location.href);
      const config = this.#form.config();
      const evalEvery = this.#every.text;
      const texts = { ...textsOf(config), dataset: config.dataset, ...(evalEvery !== undefined && { evalEvery }) };
      url.hash = `train?${new URLSearchParams(texts).toString()}`;
      history.replaceState(null, '', url);
      await navigator.clipboard?.writeText(url.href).catch(() => undefined);
      notice(`The address of this page now names the configuration${navigator.clipboard ? ', and is in the clipboard' : ''}.`, 'info');
    });
  }

  /** Runs of a file, as curves beside those here. */
  loadRuns(text: string, name: string): void {
    const found = readRuns(text, name);
    for (const { config, lines } of found) {
      const run = this.#make(config);
      run.add(lines);
      run.state = 'loaded';
      run.message = `Run ${run.id + 1} is from ${name}: its curves are here, its weights are not. Use puts its configuration into the form.`;
      this.runs.push(run);
      void this.#keeper.add(run, { evalEvery: 0, curvesOnly: true });
      this.selected ??= run;
    }
    notice(`${name}: ${found.length} ${found.length === 1 ? 'run' : 'runs'} loaded.`, 'info');
    this.draw();
  }

  async importWeights(bytes: Uint8Array, name: string): Promise<void> {
    const run = this.selected;
    check(run?.facts, `${name}: there is no run to import into`, 'start one of the same model first');
    await run.engine.call('importWeights', bytes, name);
    notice(`${name}: imported into run ${run.id + 1}.`, 'info');
    await this.#inspect.refresh(run, true);
  }
}
