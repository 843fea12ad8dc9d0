/** Small nets on points of a plane: the net is drawn and alive, and goes on while it is changed. */
import './playground.css';
import { Engine } from '../../worker/client.ts';
import type { PlayLook, RunEvent, RunState } from '../../worker/protocol.ts';
import { inPageWords } from '../../words.ts';
import { button, capital, el, fold, notice, told } from '../dom.ts';
import { DEFAULTS, rateOf, readAddress, writeAddress, type Settings } from './address.ts';
import { Controls } from './controls.ts';
import { mostOf, Scale } from './field-picture.ts';
import type { Place } from './lines.ts';
import { inWords, LossCurves } from './loss-curves.ts';
import { NetDrawing } from './net-drawing.ts';
import { OwnPoints } from './own-points.ts';
import { Plane } from './plane.ts';
import { asClasses } from './points.ts';
import { pointsOf, PROBLEMS } from './problems.ts';
import { givenTo, ratesOf, refusal, takesAll, taskOf } from './task.ts';

/** Settings that are read at each step, those that only change what is shown, and those with which all begins anew. */
const RATES = new Set<keyof Settings>(['lr', 'penalty', 'penaltyRate']);
const SHOWN = new Set<keyof Settings>(['showTest', 'discrete']);
const ANEW = new Set<keyof Settings>(['problem', 'seed']);

export class PlaygroundView {
  readonly element: HTMLElement;
  #settings: Settings = DEFAULTS;
  #points = pointsOf(PROBLEMS[DEFAULTS.problem]!, [], { seed: 0, noise: 0, share: 0 });
  #engine = new Engine(event => this.#on(event));
  /** Whether there is a net in the worker, and whether one is being built. */
  #isBuilt = false;
  #building: Promise<void> | undefined;
  /** What is to be built next, once what is being built is there. */
  #next: { readonly anew: boolean } | undefined;
  /** Whether it is to train, and what the worker does: steps that it was at when it was told to pause are still looked at. */
  #going = false;
  #state: RunState = 'paused';
  #isShown = false;
  /** Whether an address has said what to begin with. */
  #isNew = false;
  #look: PlayLook | undefined;
  #at: Place | undefined;
  #drawing = false;

  #controls = new Controls((key, value) => this.#change({ [key]: value }));
  #net = new NetDrawing({
    change: shape => this.#change(shape),
    look: place => {
      this.#at = place;
      this.#paint();
    },
    set: (...given) => void this.#engine.call('playSet', ...given).catch(() => undefined),
  });
  #plane = new Plane();
  #own = new OwnPoints({
    points: () => this.#settings.points,
    change: (points, classes) => this.#change({ points, problem: classes ? 'own-classes' : 'own-numbers' }),
  });
  #curves = new LossCurves();
  #status = el('p', { class: 'status', role: 'status' });
  #play = button('Start', () => this.#toggle(), { class: 'primary' });
  #title = el('h2', { textContent: 'Output' });
  #edit = button('Edit these points', () => this.#editPoints());
  #scale = new Scale();
  #showTest = el('input', { type: 'checkbox', onchange: () => this.#change({ showTest: this.#showTest.checked }) });
  #discrete = el('input', { type: 'checkbox', onchange: () => this.#change({ discrete: this.#discrete.checked }) });

  constructor() {
    const step = button('Step', () => this.#step());
    const reset = button('Reset', () => this.#reset(), { title: 'Back to the first weights' });
    const check = (input: HTMLInputElement, words: string) => el('label', { class: 'check' }, input, words);
    this.element = el(
      'div',
      { class: 'train playground' },
      el('aside', { 'aria-label': 'Points and training' }, fold('Points and training', this.#controls.element)),
      el(
        'div',
        { class: 'screen' },
        el('div', { class: 'row toolbar', role: 'group', 'aria-label': 'Playground' }, this.#play, step, reset),
        this.#status,
        el(
          'div',
          { class: 'alive' },
          this.#net.element,
          el(
            'section',
            { class: 'panel output', 'aria-label': 'Output' },
            this.#title,
            this.#plane.element,
            this.#scale.element,
            el('div', { class: 'row' }, check(this.#showTest, 'Test points'), check(this.#discrete, 'Discretise'), this.#edit),
            this.#own.element,
          ),
        ),
        this.#curves.element,
      ),
    );
    addEventListener('themechange', () => this.#repaint());
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#repaint());
    this.#set(DEFAULTS);
  }

  /** Sets what an address says. */
  configure(address: Readonly<Record<string, string | undefined>>): void {
    void told(() => {
      const given = readAddress(address);
      // One comes back to what one has left by the browser's Back too.
      if (this.#look && JSON.stringify(writeAddress(given)) === JSON.stringify(writeAddress(this.#settings))) return;
      this.#set(given);
      this.#isNew = true;
      if (this.#isShown) this.#build(true);
    });
  }

  show(): void {
    this.#isShown = true;
    this.#build(!this.#isBuilt || this.#isNew);
  }

  /** Pauses: nobody sees it. */
  stop(): void {
    this.#isShown = false;
    this.#going = false;
    if (this.#isBuilt) void this.#engine.call('playPause').catch(() => undefined);
    this.#say();
  }

  /** Takes a table of points. */
  async drop(_: Element, files: readonly File[]): Promise<boolean> {
    const table = files.find(({ name }) => /\.(csv|tsv|txt)$/i.test(name));
    if (table) await this.#own.load(table);
    return table !== undefined;
  }

  #change(some: Partial<Settings>): void {
    const before = this.#settings;
    const lr = some.optimizer !== undefined && some.optimizer !== before.optimizer ? { lr: rateOf(some.optimizer) } : {};
    const isRetold = some.problem === 'own-classes' && !some.points;
    const points = isRetold ? asClasses(before.points) : (some.points ?? before.points);
    this.#set({ ...before, ...some, ...lr, points });
    const keys = (Object.keys(some) as (keyof Settings)[]).filter(key => before[key] !== this.#settings[key]);
    const areRates = keys.every(key => RATES.has(key)) && this.#isBuilt && !takesAll(this.#settings.optimizer);
    if (keys.every(key => SHOWN.has(key))) this.#paint();
    else if (areRates) void this.#engine.call('playRates', ratesOf(this.#settings)).catch(() => undefined);
    else this.#build(keys.some(key => ANEW.has(key)));
  }

  /** Shows settings, and writes them into the address. */
  #set(settings: Settings): void {
    this.#settings = settings;
    const problem = PROBLEMS[settings.problem]!;
    this.#points = pointsOf(problem, settings.points, { ...settings, share: settings.test / 100 });
    this.#controls.show(settings);
    this.#net.show({ hidden: settings.hidden, features: givenTo(settings), isCurve: problem.isCurve ?? false });
    this.#net.look(this.#look);
    this.#showTest.checked = settings.showTest || !problem.point;
    this.#showTest.disabled = !problem.point; // who draws them sees them
    this.#discrete.checked = settings.discrete;
    const isOwn = !problem.point;
    this.#plane.points(this.#points.train, settings.showTest || isOwn ? this.#points.test : []);
    this.#own.show(isOwn ? (problem.classes ? 'classes' : 'numbers') : undefined);
    this.#edit.hidden = isOwn || problem.isCurve === true;
    this.#discrete.parentElement!.hidden = problem.isCurve === true;
    this.#plane.drawBy(
      isOwn ? { add: (x, y, other) => this.#own.press(x, y, other), remove: (x, y) => this.#own.remove(x, y) } : undefined,
    );
    this.#paint();
    this.#writeAddress();
  }

  #writeAddress(): void {
    if (!this.#isShown) return;
    const query = new URLSearchParams(writeAddress(this.#settings)).toString();
    history.replaceState(history.state, '', `#playground${query ? `?${query}` : ''}`);
  }

  /** The points that are computed become points of one's own. */
  #editPoints(): void {
    const { train, test } = this.#points;
    const isClasses = PROBLEMS[this.#settings.problem]!.classes;
    this.#set({ ...this.#settings, points: [...train, ...test], problem: isClasses ? 'own-classes' : 'own-numbers' });
    this.#build(false);
  }

  /** Has the worker build the net; it goes on training there if it is to. */
  #build(anew: boolean): void {
    this.#writeAddress();
    if (!this.#isShown) return;
    this.#next = { anew: anew || (this.#next?.anew ?? false) };
    this.#building ??= this.#buildAll().finally(() => {
      this.#building = undefined;
      this.#say();
    });
    this.#say();
  }

  async #buildAll(): Promise<void> {
    await Promise.resolve(); // several changes at once are one
    while (this.#next) {
      const { anew } = this.#next;
      this.#next = undefined;
      this.#isNew = false;
      if (anew) this.#forget();
      const { train, test } = this.#points;
      if (refusal(this.#settings, train) !== undefined) {
        this.#going = false;
        if (this.#isBuilt) await this.#engine.call('playPause').catch(() => undefined);
        this.#isBuilt = false;
        continue;
      }
      try {
        await this.#engine.call('playOpen', taskOf(this.#settings, train, test), anew || !this.#look);
        this.#isBuilt = true;
        await this.#engine.call(this.#going ? 'playGo' : 'playPause');
      } catch (error) {
        this.#isBuilt = false;
        this.#going = false;
        notice(inPageWords(error as Error));
      }
    }
  }

  #forget(): void {
    this.#look = undefined;
    this.#net.look(undefined);
    this.#curves.clear();
    this.#paint();
  }

  #toggle(): void {
    this.#going = !this.#going;
    if (this.#isBuilt && !this.#building) void told(() => this.#engine.call(this.#going ? 'playGo' : 'playPause'));
    else if (!this.#building) this.#build(!this.#look);
    this.#say();
  }

  async #step(): Promise<void> {
    this.#going = false;
    if (!this.#isBuilt && !this.#building) this.#build(!this.#look);
    await this.#building;
    if (this.#isBuilt) await told(() => this.#engine.call('playStep'));
    this.#say();
  }

  #reset(): void {
    notice('');
    this.#build(true);
  }

  #on(event: RunEvent): void {
    if (event.kind === 'look') {
      this.#look = event.look;
      this.#curves.add(event.look);
      if (this.#drawing) return;
      this.#drawing = true;
      requestAnimationFrame(() => {
        this.#drawing = false;
        this.#net.look(this.#look);
        this.#paint();
        this.#say();
      });
    } else if (event.kind === 'state') {
      this.#state = event.state;
      if (event.state === 'failed') this.#going = false;
      if (typeof event.message === 'object') notice(inPageWords(event.message));
      if (!this.#drawing) this.#say();
    }
  }

  /** Says what the button does and where training stands. */
  #say(): void {
    const isBuilding = this.#building !== undefined;
    const why = refusal(this.#settings, this.#points.train);
    const isAwaited = isBuilding && this.#going && !this.#look;
    this.#play.disabled = isAwaited || why !== undefined;
    this.#play.textContent = isAwaited ? 'Building …' : this.#going ? 'Pause' : this.#look?.step ? 'Resume' : 'Start';
    this.#status.ariaLive = this.#going ? 'off' : 'polite'; // many times a second
    this.#status.dataset.state = this.#state;
    this.#status.textContent = why ?? (this.#look ? inWords(this.#look) : isBuilding ? 'The net is being built …' : 'Press Start.');
  }

  #paint(): void {
    const { discrete, hidden } = this.#settings;
    const isOutput = !this.#at || this.#at.column > hidden.length;
    const field = isOutput ? this.#net.fieldOf({ column: hidden.length + 1, row: 0 }) : this.#net.fieldOf(this.#at!);
    const { classes, isCurve } = PROBLEMS[this.#settings.problem]!;
    const most = field && !isOutput ? Math.max(1e-6, mostOf(field)) : 1;
    const shade = isOutput && classes ? (value: number) => Math.tanh(value / 2) : (value: number) => value / most;
    if (isCurve && field) this.#plane.curve(field, shade);
    else this.#plane.field(field, discrete ? value => Math.sign(shade(value)) : shade);
    const name = isOutput ? 'output' : this.#net.nameOf(this.#at!);
    this.#title.textContent = capital(name);
    this.#scale.show(
      isOutput && classes ? ['orange for sure', 'blue for sure'] : [`−${Number(most.toPrecision(2))}`, `${Number(most.toPrecision(2))}`],
    );
  }

  #repaint(): void {
    this.#net.draw();
    this.#plane.draw();
    this.#paint();
    this.#curves.draw();
  }
}
