/** What the net says of the test images: its mistakes and others as tiles, and labels against answers, whose cells open their images. */
import type { Verdict } from '../../../train/evaluate/report.ts';
import type { Judged } from '../../worker/protocol.ts';
import { inPageWords } from '../../words.ts';
import { button, capital, count, el, select, told } from '../dom.ts';
import { quiet, type Panel } from '../panel.ts';
import type { Run } from '../runs.ts';
import { confusionTable, insteadOfTable, MOST, PAIRS, type ConfusionTable } from './confusion.ts';
import { explained } from './explained.ts';
import { confusedMost, ORDERS, type Order } from './order.ts';
import { verdictTiles, type VerdictTiles } from './tiles.ts';
import './answers.css';

/** Tiles that are shown. */
const SHOWN = 30;
/** Images that are judged, unless all are asked for. */
const FIRST = 500;

export class AnswersView {
  #tilesPanel: Panel;
  #tablePanel: Panel;
  #order: Order = 'worst';
  #isAll = false;
  #run: Run | undefined;
  #isShown: () => boolean = () => false;
  #judged: Judged | undefined;
  #tiles: VerdictTiles | undefined;
  #said = el('p', { class: 'quiet' });
  #table: ConfusionTable | undefined;
  #pairs: HTMLButtonElement[] = [];
  /** The cell that was opened, and its images; until one is, or all are closed, the pair that is confused most. */
  #cell: readonly [label: number, answer: number] | 'none' | undefined;
  #opened = el('section', { class: 'opened', hidden: true, 'aria-label': 'Images of the cell' });
  #openedTitle = el('h3');
  #openedTiles: VerdictTiles | undefined;

  /** `tiles` and `table` are the panels that it fills. */
  constructor(tiles: Panel, table: Panel) {
    this.#tilesPanel = tiles;
    this.#tablePanel = table;
  }

  /** Says below the tiles what an answer goes by. */
  async #explain(run: Run, at: HTMLElement, { image, label, answer }: Verdict, bytes: Uint8Array): Promise<void> {
    const { classes } = run.facts!;
    const asked = document.activeElement;
    const close = () => {
      at.replaceChildren();
      if (asked instanceof HTMLElement) asked.focus();
    };
    const own = Uint8Array.from(bytes);
    const found = await run.engine.call('explain', own, answer);
    if (!this.#isShown() || run !== this.#run) return;
    const taken = label === answer ? '' : `, taken for ${classes[answer]}`;
    at.replaceChildren(
      el(
        'div',
        { class: 'row head' },
        el('h3', { textContent: `Test image ${image + 1}: ${classes[label]}${taken}` }),
        button('×', close, { 'aria-label': 'Close the explanation' }),
      ),
      explained(own, run.facts!, classes[answer]!, found),
    );
  }

  /** Judges anew, and fills its panels while `isShown` holds. */
  async fill(run: Run, isShown: () => boolean): Promise<void> {
    const { test } = run.facts!.images;
    const judged = await run.engine.call('judge', this.#isAll ? test : Math.min(FIRST, test)).catch((error: Error) => error);
    if (!isShown()) return;
    if (judged instanceof Error) {
      // answers of the weights before are none of these
      for (const { body } of [this.#tilesPanel, this.#tablePanel]) body.replaceChildren(quiet(capital(inPageWords(judged))));
      return;
    }
    if (run !== this.#run || !this.#said.isConnected) this.#begin(run);
    this.#isShown = isShown;
    this.#judged = judged;
    await this.#draw();
  }

  /** Makes the elements of a run. */
  #begin(run: Run): void {
    const { classes, images } = run.facts!;
    this.#run = run;
    this.#cell = undefined;
    const [below, belowCell] = [el('div', { class: 'opened', role: 'status' }), el('div', { class: 'opened', role: 'status' })];
    const asked = (at: HTMLElement) => verdictTiles((verdict, bytes) => void told(() => this.#explain(run, at, verdict, bytes)));
    this.#tiles = asked(below);
    this.#openedTiles = asked(belowCell);
    const orders = Object.entries(ORDERS).map(([name, { label }]) => [name, label] as const);
    const which = select(orders, this.#order, {
      'aria-label': 'Which test images',
      onchange: () => {
        this.#order = which.value as Order;
        void this.#drawAgain();
      },
    });
    const of = [
      ['first', `of the first ${count(FIRST)}`],
      ['all', `of all ${count(images.test)}`],
    ] as const;
    const many = select(of, this.#isAll ? 'all' : 'first', {
      'aria-label': 'Of how many',
      hidden: images.test <= FIRST,
      onchange: () => {
        this.#isAll = many.value === 'all';
        void this.fill(run, this.#isShown).catch(() => undefined); // the run says itself what is wrong with it
      },
    });
    this.#tilesPanel.body.replaceChildren(el('div', { class: 'row' }, which, many, this.#said), this.#tiles.element, below);

    const open = (label: number, answer: number) => {
      this.#cell = [label, answer];
      void this.#drawAgain();
    };
    const close = () => {
      this.#cell = 'none';
      this.#opened.hidden = true;
      (this.#table?.element.querySelector<HTMLElement>('[tabindex="0"]') ?? this.#pairs[0])?.focus();
    };
    this.#opened.hidden = true;
    this.#opened.replaceChildren(
      el('div', { class: 'row head' }, this.#openedTitle, button('×', close, { 'aria-label': 'Close the images' })),
      this.#openedTiles.element,
      belowCell,
    );
    if (classes.length > MOST) {
      this.#table = undefined;
      this.#pairs = Array.from({ length: PAIRS }, () => button('', () => undefined));
      this.#tablePanel.body.replaceChildren(insteadOfTable(classes.length), el('div', { class: 'row' }, ...this.#pairs), this.#opened);
      return;
    }
    this.#table = confusionTable(classes, open);
    this.#tablePanel.body.replaceChildren(this.#table.element, this.#opened);
  }

  #drawAgain(): Promise<void> {
    return this.#draw().catch(() => undefined); // the run says itself what is wrong with it
  }

  async #draw(): Promise<void> {
    const { verdicts, confusion, scores } = this.#judged!;
    const { classes } = this.#run!.facts!;
    this.#table?.show(confusion, scores);
    const pairs = confusedMost(confusion, classes.length, PAIRS);
    for (const [i, shown] of this.#pairs.entries()) {
      const pair = pairs[i];
      shown.hidden = !pair;
      if (!pair) continue;
      shown.textContent = `${classes[pair.label]} → ${classes[pair.answer]} ${pair.images}`;
      shown.onclick = () => {
        this.#cell = [pair.label, pair.answer];
        void this.#drawAgain();
      };
    }
    const chosen = ORDERS[this.#order].of(verdicts);
    const wrong = verdicts.filter(({ label, answer }) => label !== answer).length;
    this.#said.textContent = wrong ? `${count(wrong)} of ${count(verdicts.length)} are wrong.` : `All ${count(verdicts.length)} are right.`;
    await this.#show(this.#tiles!, chosen);
    const most = pairs[0] && ([pairs[0].label, pairs[0].answer] as const);
    const cell = this.#cell ?? most;
    if (!cell || cell === 'none') return;
    const [label, answer] = cell;
    const within = verdicts.filter(v => v.label === label && v.answer === answer).sort((a, b) => b.probability - a.probability);
    const more = within.length > SHOWN ? `, the ${SHOWN} most sure` : '';
    const what = label === answer ? `${classes[label]} that is right` : `${classes[label]} taken for ${classes[answer]}`;
    this.#openedTitle.textContent = `${this.#cell ? '' : 'Most often: '}${what}: ${count(within.length)}${more}`;
    await this.#show(this.#openedTiles!, within);
    this.#opened.hidden = this.#cell === 'none';
  }

  async #show(tiles: VerdictTiles, verdicts: readonly Verdict[]): Promise<void> {
    const run = this.#run!;
    const shown = verdicts.slice(0, SHOWN);
    const images = await run.engine.call(
      'imagesAt',
      Uint32Array.from(shown, v => v.image),
    );
    if (run === this.#run && this.#isShown()) tiles.show(run.facts!, shown, images);
  }
}
