/** The screen to learn from: a configuration, its runs, their curves, and looks into the net. */
import { counted } from '../../../engine/counted.ts';
import { weightsOf } from '../../data/trained.ts';
import { presetList, type Preset } from './presets.ts';
import { check } from '../../../engine/check.ts';
import { button, el, fold, notice, pick, save, told } from '../dom.ts';
import { titled } from '../title.ts';
import type { Address } from '../../form/address.ts';
import { InspectView } from '../looking/inspect-view.ts';
import type { ChangePanel } from './change/panel.ts';
import { Configuration } from './configuration.ts';
import { RunCurves } from './run-curves.ts';
import { RunToolbar } from './run-toolbar.ts';
import { RunList } from './run-list.ts';
import { RunSet } from './run-set.ts';
import { numbersOf, shareOf, statusOf } from './run-view.ts';
import { warm, type Run } from '../runs.ts';
import type { Shared } from '../../together/greeting.ts';
import type { TogetherView } from './together-view.ts';

/** Milliseconds after which the page has been drawn. */
const AT_REST = 500;
const NONE = 'No run yet. Choose a configuration and press Start.';

export class TrainView {
  readonly element: HTMLElement;
  readonly configuration: Configuration;
  #set: RunSet;
  #inspect = new InspectView(() => this.configuration.config);
  #curves = new RunCurves();
  /** What of the selected run can be changed, loaded when it is opened. */
  #change: ChangePanel | undefined;
  #changePart = el(
    'details',
    { class: 'panel change', ontoggle: () => void told(() => this.#openChange()) },
    el('summary', { textContent: 'Change while it trains' }),
  );
  #toolbar = new RunToolbar({
    selected: () => this.selected,
    importWeights: (bytes, name) => this.importWeights(bytes, name),
    branch: async run => this.#set.branch(run, this.#change?.valuesFor(run) ?? {}),
    resume: run => this.#set.resume(run),
  });
  #facts = el('dl', { class: 'facts', 'aria-live': 'off' });
  #list = new RunList({
    select: run => this.#select(run),
    use: run => this.configuration.use(run.config),
    remove: run => this.#set.remove(run),
    undo: () => this.#set.undo(),
    note: (run, notes) => this.#set.note(run, notes),
    hide: run => this.#set.hide(run),
    highlight: run => this.#curves.highlight(this.runs.length > 1 ? run : undefined),
  });
  #status = el('p', { class: 'status', role: 'status' }, NONE);
  #drawing = false;
  #warming: ReturnType<typeof setTimeout> | undefined;

  /** Those it trains with, whose screen is loaded when it is opened. */
  #together: TogetherView | undefined;
  #presets = presetList(preset => this.try(preset));
  #togetherPart = el(
    'details',
    { class: 'panel together', ontoggle: () => void told(() => this.#openTogether()) },
    el('summary', { textContent: 'Train together' }),
  );

  /** `address` is that of the first visit. */
  constructor({ join, stun, ...address }: Address) {
    if (join !== undefined) void told(() => this.#join(join, stun));
    this.configuration = new Configuration(address, () => this.draw());
    this.#set = new RunSet(this.configuration.dropped, (run, isState) => {
      this.draw();
      if (run && run === this.selected) void this.#inspect.refresh(run, isState && run.state !== 'running');
    });
    this.element = el('div', { class: 'train' }, this.#aside(), this.#screen());
    void told(() => this.#recall());
    this.#draw(); // at once: what comes later would move what is there
  }

  get runs(): readonly Run[] {
    return this.#set.runs;
  }
  get selected(): Run | undefined {
    return this.#set.selected;
  }

  #aside(): HTMLElement {
    const skip = button('Skip the configuration', () => this.#toolbar.focus(), { class: 'skip' }); // many fields lie between Start and Pause
    const soon = { onpointerenter: () => this.#warm(0), onfocus: () => this.#warm(0) };
    const load = () => pick({ accept: '.json' }, async ([file]) => this.loadRuns(await file!.text(), file!.name));
    return el(
      'aside',
      { 'aria-label': 'Configuration' },
      el(
        'div',
        { class: 'row start' },
        button('Start', () => this.#start(false), {
          class: 'primary',
          id: 'start',
          title: 'A new run in place of the selected one',
          ...soon,
        }),
        button('Compare', () => this.#start(true), { title: 'A new run beside those there are', ...soon }),
        skip,
      ),
      fold(
        'Configuration',
        ...this.configuration.parts,
        el(
          'div',
          { class: 'row' },
          button('Share link', () => this.configuration.share()),
          button('Save runs', () => told(() => this.#save())),
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
      this.#changePart,
      this.#togetherPart,
      this.#inspect.element,
    );
  }

  /** Brings back what there was before a reload; then a name in the form that is of no data can be told. */
  async #recall(): Promise<void> {
    await this.configuration.recall();
    void told(() => this.#set.recall());
    this.configuration.validate();
  }

  /** Looks into the net again, once this is in the document: what changed while another view was shown was not looked at. */
  show(): void {
    this.#warm(AT_REST);
    requestAnimationFrame(() => void this.#inspect.refresh(this.selected, true));
  }

  /** Has the worker ready for what the form says, where no run has done that. */
  #warm(after: number): void {
    clearTimeout(this.#warming);
    if (this.runs.length) return;
    this.#warming = setTimeout(() => void warm(() => this.configuration.config), after);
  }

  /** Takes what an address says: a configuration, or whom to join; throws where a name is unknown. */
  configure({ join, stun, ...address }: Address): void {
    if (join === undefined) this.configuration.set(address);
    else void told(() => this.#join(join, stun));
  }

  /** A new run of what the form says, in place of the selected one or beside it. */
  async #start(beside: boolean): Promise<void> {
    if (!beside && this.selected?.state === 'building') return; // a second click of a double click
    await told(async () => {
      await this.#set.begin(this.configuration.shared, beside);
    });
  }

  /** The runs of a preset, one beside another; one of a trained net is built and looked at, and can be trained on. */
  async try({ runs, trained }: Preset): Promise<void> {
    const byKeys = this.#presets.querySelector(':focus-visible'); // which is gone once there is a run
    await told(async () => {
      for (const [i, texts] of runs.entries()) {
        this.configuration.set(texts);
        const take = async (run: Run) => void (await run.engine.call('importWeights', await weightsOf(trained!), trained!.label));
        const run = await this.#set.begin(this.configuration.shared, i > 0, { ...(trained && { ready: take }), plays: !trained });
        if (byKeys && !i) {
          this.#draw();
          this.#toolbar.focus();
        }
        if (run && trained) await this.#inspect.refresh(run, true);
      }
    });
  }

  async #openChange(): Promise<void> {
    const { ChangePanel } = await import('./change/panel.ts');
    this.#change ??= new ChangePanel(this.#changePart);
    this.#change.show(this.selected);
  }

  async #openTogether(): Promise<TogetherView> {
    const { TogetherView } = await import('./together-view.ts');
    if (!this.#together) {
      const begin = (shared: Shared, ready?: (run: Run) => Promise<void>) => this.#set.begin(shared, false, { ready });
      this.#together = new TogetherView({ configured: () => this.configuration.shared, begin, draw: () => this.draw() });
      this.#togetherPart.append(this.#together.element);
      this.draw();
    }
    return this.#together;
  }

  async #join(code: string, stun: string | undefined): Promise<void> {
    this.#togetherPart.open = true;
    await (await this.#openTogether()).join(code, stun);
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
    this.#curves.element.hidden = !this.runs.length;
    const status = run ? statusOf(run) : NONE;
    if (this.#status.textContent !== status) this.#status.textContent = status;
    this.#status.dataset.state = run?.state ?? '';
    this.#status.setAttribute('aria-live', run?.state === 'running' ? 'off' : 'polite'); // its progress is told many times a second
    this.#tellTitle();
    this.#facts.replaceChildren(...(run ? numbersOf(run) : []));
    this.#together?.show(run);
    this.#changePart.hidden = !run;
    this.#change?.show(run);
    this.#list.show(this.runs, run, this.#set.removed);
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
    this.#set.selected = run;
    this.draw();
    void this.#inspect.refresh(run, true);
  }

  async #save(): Promise<void> {
    if (!this.runs.length) return notice('There is no run to save yet; press Start.', 'info');
    const { writeRuns } = await import('../../data/run-file.ts');
    save('descent-runs.json', writeRuns(this.runs), 'application/json');
  }

  /** Runs of a file, as curves beside those here. */
  async loadRuns(text: string, name: string): Promise<void> {
    notice(`${name}: ${counted(await this.#set.load(text, name), 'run')} loaded.`, 'info');
  }

  async importWeights(bytes: Uint8Array, name: string): Promise<void> {
    const run = this.selected;
    check(run?.facts, `${name}: there is no run to import into`, 'start one of the same model first');
    await run.engine.call('importWeights', bytes, name);
    notice(`${name}: imported into run ${run.id + 1}.`, 'info');
    await this.#inspect.refresh(run, true);
  }
}
