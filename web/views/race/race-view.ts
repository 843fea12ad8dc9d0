/** The optimizer race: rules from one point, computed by the updates that train nets, on contours and as f by step. */
import './race.css';
import { landscapes, type Point } from '../../../train/study/descent/landscapes.ts';
import { field } from '../../form/field.ts';
import { Engine } from '../../worker/client.ts';
import type { RaceRequest } from '../../worker/protocol.ts';
import { button, el, fold, notice, select, told } from '../dom.ts';
import { inPageWords } from '../../words.ts';
import { HeightChart } from './heights.ts';
import { landOf, ownLand, type Land } from './land.ts';
import { held, RaceMap } from './map.ts';
import { OwnFunction } from './own-function.ts';
import { hyperOf, RacerList } from './racers.ts';
import { DEFAULTS, readAddress, writeAddress, type Settings } from './settings.ts';
import { standings, StandingsTable } from './standings.ts';

/** Milliseconds of a whole race. */
const DURATION = 6000;

export class RaceView {
  readonly element: HTMLElement;
  #engine = new Engine();
  #settings: Settings = DEFAULTS;
  #land: Land = landOf(DEFAULTS.land);
  #isShown = false;
  /** The step that is shown, and whether it goes on. */
  #at = 0;
  #isPlaying = false;
  #frame = 0;
  #turn = 0;
  /** Ways by what they are computed of. */
  #known = new Map<string, readonly Point[]>();
  #paths = new Map<string, readonly Point[]>();

  #choice = select(
    [...Object.entries(landscapes).map(([n, { title }]) => [n, title] as const), ['own', 'A function of your own']],
    'beale',
    {
      onchange: () => this.#move({ land: this.#choice.value as Settings['land'], start: undefined }),
    },
  );
  #own = new OwnFunction((own, land) => this.#move({ ...own, start: undefined }, land));
  #about = el('p', { class: 'hint' });
  #times = el('input', { type: 'range', min: '-2', max: '2', step: '0.25' });
  #factor = el('output', { 'aria-live': 'off' }); // sliders tell their values themselves
  #racers = new RacerList(racers => this.#set({ racers }));
  #map = new RaceMap((start, isDone) => this.#startAt(start, isDone));
  #play = button('Play', () => this.#toggle(), { class: 'primary' });
  #step = el('input', { type: 'range', id: 'race-step', min: '0', step: '1' });
  #count = el('output', { for: 'race-step', 'aria-live': 'off' });
  #linear = el('input', { type: 'checkbox', onchange: () => this.#set({ linear: this.#linear.checked }) });
  #chart = new HeightChart(el('label', { class: 'check' }, this.#linear, 'Linear'));
  #table = new StandingsTable();
  #status = el('p', { class: 'status', role: 'status' });

  constructor() {
    const rate = field('All rates', this.#times, { about: 'All learning rates times this.' });
    rate.querySelector('label')!.append(' ', this.#factor);
    this.#times.oninput = () => this.#set({ times: 10 ** Number(this.#times.value) });
    this.#step.oninput = () => {
      this.#isPlaying = false;
      this.#show(Number(this.#step.value));
    };
    this.element = el(
      'div',
      { class: 'train' },
      el(
        'aside',
        { 'aria-label': 'Race' },
        field('Landscape', this.#choice),
        this.#own.element,
        this.#about,
        rate,
        fold(
          'Optimizers',
          el(
            'div',
            { class: 'row small' },
            button('All', () => this.#racers.pick(true)),
            button('None', () => this.#racers.pick(false)),
          ),
          this.#racers.element,
        ),
      ),
      el(
        'div',
        { class: 'screen' },
        el(
          'div',
          { class: 'row toolbar', role: 'group', 'aria-label': 'Race' },
          this.#play,
          button('From the start', () => this.#begin()),
        ),
        this.#status,
        el(
          'div',
          { class: 'racing' },
          el(
            'section',
            { class: 'panel' },
            el('h2', { textContent: 'Trajectories' }),
            el('p', { class: 'hint', textContent: 'Drag the starting point, press elsewhere, or use the arrow keys. Stars are minima.' }),
            this.#map.element,
            el('div', { class: 'scrub' }, el('label', { for: 'race-step', textContent: 'Step' }), this.#step, this.#count),
          ),
          el(
            'div',
            {},
            this.#chart.element,
            el(
              'section',
              { class: 'panel' },
              el('h2', { textContent: 'Standings' }),
              el('p', { class: 'hint', textContent: "Within 1\u00a0% is a hundredth of the start's height above the minimum, for good." }),
              this.#table.element,
            ),
          ),
        ),
      ),
    );
    addEventListener('themechange', () => {
      this.#map.repaint();
      this.#refresh();
      this.#chart.draw();
    });
    this.#refresh();
  }

  /** Sets what an address says. */
  configure(address: Readonly<Record<string, string | undefined>>): void {
    void told(() => {
      const settings = readAddress(address);
      this.#land = landFor(settings);
      this.#settings = { ...settings, ...(settings.start && { start: held(this.#land, settings.start) }) };
      this.#refresh();
      if (this.#isShown) void this.#race(true);
    });
  }

  show(): void {
    this.#isShown = true;
    if (!this.#paths.size) void this.#race(true);
    else this.#writeAddress();
  }

  stop(): void {
    this.#isShown = false;
    this.#isPlaying = false;
    this.#say();
  }

  get #start(): Point {
    return this.#settings.start ?? this.#land.start;
  }

  /** Other racers, or other numbers of theirs: the race is shown as far as it is. */
  #set(some: Partial<Settings>): void {
    this.#settings = { ...this.#settings, ...some };
    this.#refresh();
    void this.#race(false);
  }

  /** To another landscape, from whose start all begins. */
  #move(some: Partial<Settings>, land?: Land): void {
    const settings = { ...this.#settings, ...some };
    try {
      this.#land = land ?? landFor(settings);
    } catch (error) {
      notice(inPageWords(error as Error));
      return;
    }
    this.#settings = settings;
    this.#refresh();
    void this.#race(true);
  }

  #startAt(start: Point, isDone: boolean): void {
    this.#settings = { ...this.#settings, start };
    this.#turn++;
    this.#isPlaying = false;
    this.#paths = new Map();
    this.#refresh();
    if (isDone) void this.#race(true);
  }

  /** Shows what is set. */
  #refresh(): void {
    const { land, times, linear } = this.#settings;
    this.#choice.value = land;
    this.#own.show(this.#settings);
    const formula = el('code', { textContent: `f(x, y) = ${this.#land.formula}` });
    this.#about.replaceChildren(this.#land.about, ...(land === 'own' ? [] : [formula])); // it stands in its field
    this.#times.value = String(Math.log10(times));
    this.#factor.textContent = `×${Number(times.toPrecision(2))}`;
    this.#times.setAttribute('aria-valuetext', this.#factor.textContent);
    this.#linear.checked = linear;
    this.#racers.show(this.#settings, this.#land);
    this.#step.max = String(this.#land.steps);
    this.#map.show(this.#land, this.#start);
    const all = standings(this.#land, this.#paths);
    this.#table.show(all);
    this.#chart.show(all, linear);
    this.#show(this.#at);
  }

  #writeAddress(): void {
    if (!this.#isShown) return;
    const query = new URLSearchParams(writeAddress(this.#settings)).toString();
    history.replaceState(history.state, '', `#race${query ? `?${query}` : ''}`);
  }

  /** Has the device compute the ways that are not known; `anew` shows them from their first step on. */
  async #race(anew: boolean): Promise<void> {
    this.#writeAddress();
    const turn = ++this.#turn;
    const { racers, times } = this.#settings;
    const land = this.#land;
    const start = this.#start;
    if (anew) {
      this.#isPlaying = false;
      this.#at = 0;
      this.#paths = new Map();
      this.#refresh();
    }
    this.#status.textContent = 'The device computes …';
    await told(async () => {
      const paths = new Map<string, readonly Point[]>();
      for (const racer of racers) {
        const { gradient, given, noise, steps } = land;
        const request: RaceRequest = {
          rule: racer.rule,
          hyper: hyperOf(racer, land, times),
          land: { gradient, given, noise },
          start,
          steps,
        };
        const key = JSON.stringify(request);
        const path = this.#known.get(key) ?? (await this.#engine.call('race', request));
        if (turn !== this.#turn) return;
        if (this.#known.size > 500) this.#known.clear(); // a slider that is drawn leaves many behind
        this.#known.set(key, path);
        paths.set(racer.rule, path);
      }
      this.#paths = paths;
      this.#refresh();
      if (anew) this.#begin();
    });
    if (turn === this.#turn && this.#paths.size < racers.length) this.#status.textContent = 'Nothing was computed.';
  }

  #begin(): void {
    const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.#show(isStill ? this.#land.steps : 0);
    if (!isStill) this.#go();
  }

  #toggle(): void {
    if (this.#isPlaying) {
      this.#isPlaying = false;
      this.#say();
    } else {
      if (this.#at >= this.#land.steps) this.#show(0);
      this.#go();
    }
  }

  /** Plays on from the step that is shown. */
  #go(): void {
    cancelAnimationFrame(this.#frame);
    this.#isPlaying = this.#isShown;
    let before = performance.now();
    const tick = () => {
      if (!this.#isPlaying) return;
      const now = performance.now();
      const at = this.#at + ((now - before) / DURATION) * this.#land.steps;
      before = now;
      this.#isPlaying = at < this.#land.steps;
      this.#show(at);
      if (this.#isPlaying) this.#frame = requestAnimationFrame(tick);
    };
    tick();
  }

  #show(at: number): void {
    this.#at = Math.min(this.#land.steps, at);
    const step = Math.floor(this.#at);
    this.#map.paint(this.#paths, step);
    this.#chart.at(step);
    this.#step.value = String(step);
    this.#say();
  }

  #say(): void {
    const step = Math.floor(this.#at);
    const from = this.#start.map(v => (Math.round(100 * v) / 100 + 0).toFixed(2)).join(', '); // 0 has no sign
    this.#play.textContent = this.#isPlaying ? 'Pause' : 'Play';
    this.#count.textContent = `${step} of ${this.#land.steps}`;
    this.#status.setAttribute('aria-live', this.#isPlaying ? 'off' : 'polite');
    this.#status.textContent = `Step ${step} of ${this.#land.steps} from (${from}).`;
  }
}

const landFor = ({ land, f, x, y }: Settings): Land => (land === 'own' ? ownLand(f, x, y) : landOf(land));
