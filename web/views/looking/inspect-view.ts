/** Panels that look into the net of a run: its answers on test images, and the net itself, which is drawn before there is a run too. */
import { datasetFrom, knownName } from '../../../datasets/index.ts';
import { outputsOf } from '../../../datasets/dataset.ts';
import type { RunConfig } from '../../../train/config/config.ts';
import { inPageWords } from '../../words.ts';
import { el } from '../dom.ts';
import type { AnswersView } from './answers.ts';
import type { NetView, Plan } from '../net/net-view.ts';
import { isSeen, onceSeen, panel, quiet } from '../panel.ts';
import type { Run } from '../runs.ts';
import type { RunFacts } from '../../worker/protocol.ts';

const UNSEEN = 'Filled while this is on the screen.';

export class InspectView {
  readonly element: HTMLElement;
  #configured: () => RunConfig;
  #tiles = panel(
    'Test images',
    'Each has its label, and below it what the net takes it for and how sure it is. Green is right, red is wrong. Press one to see what the answer goes by.',
  );
  #table = panel('Confusion matrix', 'Rows are labels, columns answers. A number that is pressed opens its images.');
  /** Loaded when they are first seen. */
  #answers: Promise<AnswersView> | undefined;
  #netPanel = panel('The net', 'Each box is a layer: its output for one sample, what it learns, the FLOPs of one sample and its memory.');
  /** Loaded when its place is first seen, and what it is to show. */
  #net: NetView | undefined;
  #drawn: Parameters<NetView['show']> = [undefined, ''];
  #busy = false;
  /** Whether it was asked for while it was being done. */
  #again = false;
  #whose = el('p', { class: 'whose hint' });
  #swatch = el('span', { class: 'swatch', 'aria-hidden': 'true' });
  /** The run that the panels show, or are to show, and whether its net was there when they were cleared for it. */
  #shown: Run | undefined;
  #hasFacts = false;
  #next = 0;

  /** `configured` says what the form does, and throws where no run can be made of that. */
  constructor(configured: () => RunConfig) {
    this.#configured = configured;
    this.element = el('div', { class: 'inspect' }, this.#whose, this.#tiles.box, this.#table.box, this.#netPanel.box);
    // By Tab nobody would come to what is filled only once it is on the screen.
    for (const { box } of [this.#tiles, this.#table, this.#netPanel]) box.tabIndex = 0;
    this.#clear(undefined);
    this.#netPanel.body.replaceChildren(el('div', { class: 'net-place' }, quiet(UNSEEN)));
    onceSeen(this.#netPanel.body, async () => {
      await this.#openNet();
      await this.refresh(this.#shown, true);
    });
    let later: ReturnType<typeof setTimeout> | undefined;
    addEventListener(
      'scroll',
      () => {
        clearTimeout(later);
        later = setTimeout(() => void this.refresh(this.#shown, true), 200);
      },
      { passive: true },
    );
  }

  /** Whose net the panels are of: what they showed of another is taken away. */
  of(run: Run | undefined): void {
    this.#draw(run);
    if (run) this.#swatch.style.background = run.colour; // which is another one in another theme
    const isStuck = run?.state === 'failed' && this.element.querySelector('.to-fill'); // what was filled stays
    if (run === this.#shown && (run?.facts !== undefined) === this.#hasFacts && !isStuck) return;
    this.#shown = run;
    this.#hasFacts = run?.facts !== undefined;
    this.#clear(run);
    this.#next = 0;
    void this.refresh(run, true);
  }

  async #openNet(): Promise<NetView> {
    const { NetView } = await import('../net/net-view.ts');
    if (this.#net) return this.#net; // it was seen, and looked into, at once
    this.#net = new NetView(this.#netPanel, () => void this.refresh(this.#shown, true));
    this.#net.show(...this.#drawn);
    return this.#net;
  }

  /** Draws the net of a run, or the one that the form would make. */
  #draw(run: Run | undefined): void {
    try {
      this.#drawn = [planOf(run, run?.config ?? this.#configured()), 'The net is drawn once its data is here: press Start.'];
    } catch (error) {
      this.#drawn = [undefined, inPageWords(error as Error)];
    }
    this.#net?.show(...this.#drawn);
  }

  #clear(run: Run | undefined): void {
    const number = run && run.id + 1;
    const isThere = run?.facts !== undefined;
    this.#whose.replaceChildren(...(isThere ? [this.#swatch, `Looks into run ${number}`] : []));
    let why = UNSEEN;
    if (run?.state === 'loaded') why = `Run ${number} is from a file: its curves are here, its net is not.`;
    else if (run?.state === 'kept') why = `Resume opens the net of run ${number} again.`;
    else if (run?.state === 'building') why = `Run ${number} is being built.`;
    else if (run?.state === 'failed') why = `Run ${number} has failed: its net is gone.`;
    for (const { box, body } of [this.#tiles, this.#table]) {
      box.hidden = !run || (isThere && !hasPictures(run)); // nothing could ever fill them
      // where they are to be filled soon, what lies below them is not to move far by that
      body.replaceChildren(el('div', { class: why === UNSEEN || run?.state === 'building' ? 'to-fill' : undefined }, quiet(why)));
    }
  }

  #answering(): Promise<AnswersView> {
    return (this.#answers ??= import('./answers.ts').then(({ AnswersView }) => new AnswersView(this.#tiles, this.#table)));
  }

  /** Fills the panels anew, if that was last done long enough ago: it takes time from training. */
  async refresh(run: Run | undefined, force = false): Promise<void> {
    if (!run?.facts || run.state === 'building' || run.state === 'failed') return;
    if (run.state === 'running' && !run.steps.length) return; // its first point comes first
    if (run !== this.#shown || (!force && (performance.now() < this.#next || document.hidden))) return;
    if (this.#busy) {
      this.#again ||= force;
      return;
    }
    this.#busy = true;
    const begun = performance.now();
    try {
      if (hasPictures(run)) {
        const isShown = () => run === this.#shown;
        const net = this.#net ?? (isSeen(this.#netPanel) ? await this.#openNet() : undefined);
        await net?.fill(run, isShown); // first, as answers that appear move it
        if (isShown() && [this.#tiles, this.#table].some(isSeen)) await (await this.#answering()).fill(run, isShown);
      }
    } catch {
      /* the run says itself what is wrong with it */
    } finally {
      this.#busy = false;
      this.#next = performance.now() + Math.max(2000, 6 * (performance.now() - begun));
      const again = this.#again;
      this.#again = false;
      if (again) void this.refresh(this.#shown, true);
    }
  }
}

/** Whether the samples of a run are images of classes. */
const hasPictures = ({ facts }: Run): boolean => facts !== undefined && areImages(facts);
const areImages = ({ shape, outputs }: Pick<RunFacts, 'shape' | 'outputs'>): boolean => shape[0] !== 2 && !outputs;

/** The net of a configuration; nothing where the images of its data are known to its run alone, which is not there. */
function planOf(run: Run | undefined, { model, dataset }: RunConfig): Plan | undefined {
  const data = run?.facts ?? (knownName(dataset) === undefined ? undefined : datasetFrom(dataset).info);
  if (!data) return undefined;
  const ofImages = areImages(data);
  return { model, input: { shape: data.shape, classes: outputsOf(data).length }, isAlive: run?.facts !== undefined && ofImages, ofImages };
}
