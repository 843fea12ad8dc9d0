/**
 * Ranks that train without waiting for each other. A clock numbers the steps of the job: who is ready draws the next number, which says the
 * batch and the learning rate, so that each epoch is one pass over the images whoever does how much of it. At the end of each epoch all
 * ranks meet, to evaluate and keep what they have come to.
 */
import { scoreOf, type Score } from '../evaluate/score.ts';
import type { Fitted } from '../run/loop.ts';
import type { StepMetrics } from '../step/metrics.ts';
import type { Trainer } from '../step/trainer.ts';
import type { Centre, Exchange } from './exchange.ts';
import { pagesOf, type Method, type Rank } from './method.ts';

export interface AsynchronousOptions {
  /** Steps of the whole run, on all ranks together. */
  readonly total: number;
  readonly logEvery: number;
  /** Asked before each step; once it is true all ranks end after the steps that they are at. */
  readonly asks: () => boolean;
  /** Told the metrics of this rank between meetings. */
  readonly onMetrics: (line: StepMetrics) => void;
  /** Whether all are to meet now, though the epoch is not over; and after how many steps they do. */
  readonly meets?: (() => boolean) | undefined;
  readonly meetEvery?: number | undefined;
  /** Done after each step, to slow a rank down. */
  readonly delay?: (() => Promise<void>) | undefined;
}

/** More than the steps of any run: where a rank asks to end, all numbers drawn from then on are larger. */
const ENDS = 2 ** 40;

/** What a rank brings to a meeting. */
const SLOTS = ['steps', 'loss', 'correct', 'squared', 'absolute', 'images', 'changes', 'stale', 'worst', 'asks'] as const;
type Slot = (typeof SLOTS)[number];

export class Asynchronous implements Fitted {
  #trainer: Trainer;
  #exchange: Exchange;
  #method!: Method;
  #clock!: Centre;
  #o: AsynchronousOptions;
  /** Steps of all ranks at the last meeting, and those of this rank since then. */
  #met: number;
  #own = 0;
  #shown = true;
  #asked = false;
  #lines: StepMetrics[] = [];
  #since = performance.now();
  /** Changes that this rank has made since the last meeting, and how many of others each came after. */
  #changes = { count: 0, stale: 0, worst: 0 };

  private constructor(trainer: Trainer, exchange: Exchange, o: AsynchronousOptions) {
    this.#trainer = trainer;
    this.#exchange = exchange;
    this.#o = o;
    this.#met = trainer.steps;
  }

  static async create(
    trainer: Trainer,
    exchange: Exchange,
    method: (rank: Rank) => Promise<Method>,
    o: AsynchronousOptions,
  ): Promise<Asynchronous> {
    const made = new Asynchronous(trainer, exchange, o);
    made.#clock = await exchange.centre(0, 0);
    const { memory } = trainer;
    const stale = (changes: number) => made.#count(changes);
    made.#method = await method({
      exchange,
      weights: pagesOf(memory, 'param'),
      gradients: pagesOf(memory, 'grad'),
      rate: () => trainer.rate,
      stale,
    });
    await made.#set(trainer.steps);
    return made;
  }

  get method(): Method {
    return this.#method;
  }

  get steps(): number {
    return this.#met;
  }

  get stepsPerEpoch(): number {
    return this.#trainer.stepsPerEpoch;
  }

  /** Whether a rank asked, before the last meeting, that the run ends. */
  get isAsked(): boolean {
    return this.#asked;
  }

  #count(changes: number): void {
    const { count, stale, worst } = this.#changes;
    this.#changes = { count: count + 1, stale: stale + changes, worst: Math.max(worst, changes) };
  }

  /** Sets the clock, while nobody draws. */
  async #set(steps: number): Promise<void> {
    await this.#exchange.texts('');
    if (this.#exchange.rank === 0) await this.#clock.tick(steps - (await this.#clock.tick(0)));
    await this.#exchange.texts('');
  }

  /** The step at which all meet next, if none asks for it before. */
  #next(): number {
    const { total, meetEvery = Infinity } = this.#o;
    const next = (every: number) => (every === Infinity ? every : (Math.floor(this.#met / every) + 1) * every);
    return Math.min(total, next(this.stepsPerEpoch), next(meetEvery));
  }

  /** Takes part in the steps up to the end of the epoch, or until a rank asks to end, and meets the others. */
  async step(): Promise<void> {
    const { logEvery, asks, meets, onMetrics, delay } = this.#o;
    if (this.#shown) await this.#method.hide?.();
    this.#shown = false;
    await this.#exchange.texts(''); // rank 0 may still be writing a checkpoint, and an epoch is everyone's
    this.#since = performance.now();
    const end = this.#next();
    let hasAsked: boolean = false;
    let logged = this.#met;
    for (;;) {
      const asksNow: boolean = asks() && !hasAsked;
      hasAsked ||= asksNow;
      if (asksNow || meets?.()) await this.#clock.tick(ENDS);
      const number = await this.#clock.tick(1);
      if (number >= end) break;
      this.#trainer.skipTo(number);
      const log = this.#exchange.rank === 0 && number + 1 < end && number + 1 - logged >= logEvery; // at the end all tell one line
      if (log) logged = number + 1;
      await this.#method.before?.();
      await this.#trainer.step(log);
      await this.#method.after();
      await delay?.();
      this.#own++;
      this.#trainer.arrived().forEach(onMetrics);
    }
    await this.#meet(hasAsked);
  }

  /** All ranks come together: what each has done is told, and the device holds what is evaluated. */
  async #meet(asks: boolean): Promise<void> {
    (await this.#trainer.settle()).forEach(this.#o.onMetrics);
    await this.#method.finish?.();
    const seen = await this.#trainer.unlogged();
    const { count, stale, worst } = this.#changes;
    const all = await this.#slots({ steps: this.#own, ...seen, changes: count, stale, worst, asks: asks ? 1 : 0 });
    const sum = (slot: Slot) => all.reduce((n, rank) => n + rank[slot], 0);
    this.#met += sum('steps');
    this.#asked = sum('asks') > 0;
    this.#own = 0;
    this.#changes = { count: 0, stale: 0, worst: 0 };
    await this.#set(this.#met);
    this.#trainer.skipTo(this.#met);
    await this.#meanStatistics();
    await this.#method.show();
    this.#shown = true;
    await this.#exchange.texts(''); // nobody changes the weights before all have them
    const images = sum('images');
    if (!images) return;
    const totals = { ...seen, ...Object.fromEntries(Object.keys(seen).map(name => [name, sum(name as Slot)])) };
    this.#lines.push({
      step: this.#met,
      epoch: this.#met / this.stepsPerEpoch,
      ...scoreOf(totals, images, this.#trainer.data.run.parts.train),
      lr: this.#trainer.rate,
      images_per_s: images / ((performance.now() - this.#since) / 1000),
      staleness: sum('changes') ? sum('stale') / sum('changes') : 0,
      staleness_worst: Math.max(...all.map(rank => rank.worst)),
    });
  }

  /** What every rank brought. */
  async #slots(own: Readonly<Partial<Record<Slot, number>>>): Promise<Record<Slot, number>[]> {
    const { rank, size } = this.#exchange;
    const x = this.#exchange.vector(SLOTS.length * size);
    for (const [i, slot] of SLOTS.entries()) x[rank * SLOTS.length + i] = own[slot] ?? 0;
    await this.#exchange.mean(x, 1);
    return Array.from(
      { length: size },
      (_, r) => Object.fromEntries(SLOTS.map((slot, i) => [slot, x[r * SLOTS.length + i]!])) as Record<Slot, number>,
    );
  }

  /** Running statistics become their mean over ranks. */
  async #meanStatistics(): Promise<void> {
    const running = pagesOf(this.#trainer.memory, 'buffer');
    if (running.length) {
      const x = this.#exchange.vector(running.length);
      await running.read(x);
      await this.#exchange.mean(x);
      running.write(x);
    }
    running.destroy();
  }

  /**
   * Of rank 0, where another is lost between meetings: the device holds what is evaluated, and the steps whose numbers were drawn count as
   * done, but for the last before the next meeting. Who came to that drew a number too, of a step that nobody did.
   */
  async abandon(): Promise<void> {
    const drawn = (await this.#clock.tick(0)) % ENDS;
    await this.#trainer.settle();
    await this.#trainer.unlogged();
    this.#met = Math.max(this.#met, Math.min(drawn, this.#next() - 1));
    this.#trainer.skipTo(this.#met);
    if (!this.#shown) await this.#method.show();
    this.#shown = true;
  }

  arrived(): StepMetrics[] {
    return [...this.#trainer.arrived(), ...this.#lines.splice(0)];
  }

  async settle(): Promise<StepMetrics[]> {
    return [...(await this.#trainer.settle()), ...this.#lines.splice(0)];
  }

  evaluate(split: 'val' | 'test'): Promise<Score> {
    return this.#trainer.evaluate(split);
  }

  observe(loss: number): void {
    this.#trainer.observe(loss);
  }

  evaluatedWeights() {
    return this.#trainer.evaluatedWeights();
  }

  loadWeights(weights: Parameters<Trainer['loadWeights']>[0]) {
    return this.#trainer.loadWeights(weights);
  }
}
