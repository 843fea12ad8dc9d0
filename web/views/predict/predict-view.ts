/** A picture or the camera, and what the selected run's net takes it for. */
import { pictureBytes } from '../../../datasets/pictures.ts';
import { check } from '../../../engine/check.ts';
import { counted } from '../../../engine/counted.ts';
import { bars } from '../bars.ts';
import { cameraOn } from '../camera.ts';
import { button, el, percent, pick, told } from '../dom.ts';
import { drawing } from './drawing.ts';
import { explained } from '../looking/explained.ts';
import { PRESETS, type Preset } from '../train/presets.ts';
import { drawMiddle, image } from '../../data/pictures.ts';
import type { Named } from '../../data/refused.ts';
import type { RunFacts } from '../../worker/protocol.ts';
import type { Run } from '../runs.ts';
import { take } from '../take.ts';
import type { TrainView } from '../train/train-view.ts';

/** Milliseconds between two looks through the camera. */
const LOOK = 300;
/** Pixels of a side of the picture as it is shown. */
const THUMB = 160;

type Built = Run & { readonly facts: RunFacts };

/** Whether a run's net is here and tells classes of pictures, not numbers, nor what points of a plane are. */
const answersPictures = (run: Run | undefined): run is Built =>
  run?.facts !== undefined && run.facts.outputs === undefined && run.facts.shape[0] !== 2;

export class PredictView {
  readonly element: HTMLElement;
  #train: TrainView;
  #net = el('p', { class: 'hint' });
  /** Trained nets to take where none is here. */
  #nets = el('div', { class: 'row small nets' });
  #invert = el('input', { type: 'checkbox', id: 'invert' });
  #seen = el('div', { class: 'seen' });
  #bars = bars('Classes, the most probable first');
  #answer = el('div', { class: 'answer', 'aria-live': 'polite' }, this.#bars.element);
  #stage = el(
    'div',
    { class: 'stage' },
    el('p', {
      class: 'quiet drop',
      textContent: 'Draw on the board, drop a picture anywhere on the page, choose a file, or use the camera.',
    }),
  );
  #camera = cameraOn(why =>
    told(() => {
      this.stop();
      throw why;
    }),
  );
  #opener = button('Use the camera', () => told(() => (this.#camera.isOpen ? this.stop() : this.#open())));
  #last: { source: HTMLVideoElement | ImageBitmap; width: number; height: number } | undefined;
  #several: readonly Named[] | undefined;
  /** As long as a trained net is built: whatever is asked meanwhile is answered by it. */
  #taking: Promise<unknown> | undefined;

  constructor(train: TrainView) {
    this.#train = train;
    this.#camera.video.hidden = true;
    this.#invert.onchange = () => void told(() => this.#again());
    const choose = () => pick({ accept: 'image/*', multiple: true }, files => take(files, train, async () => this));
    const inverting = 'Invert: for dark things on light ground, where the net learned light on dark (Fashion-MNIST, MNIST)';
    this.element = el(
      'div',
      { class: 'predict' },
      el(
        'section',
        { class: 'panel' },
        el('h2', { textContent: 'Predict' }),
        this.#net,
        this.#nets,
        el(
          'div',
          { class: 'row' },
          button('Choose a picture', choose, { class: 'primary' }),
          this.#opener,
          el('span', { class: 'check' }, this.#invert, el('label', { for: 'invert', textContent: inverting })),
        ),
        el(
          'div',
          { class: 'asked' },
          drawing(picture => told(() => this.#ask(picture))),
          this.#stage,
        ),
      ),
    );
    this.show();
  }

  /** Says which net answers. */
  show(): void {
    const run = this.#train.selected;
    this.#nets.hidden = answersPictures(run);
    if (!answersPictures(run)) {
      const link = el('a', { href: '#train', textContent: 'train one, or import weights into a run' });
      const take = async (preset: Preset) => {
        await this.#take(preset);
        await told(() => this.#again());
      };
      this.#net.replaceChildren(
        run
          ? `Run ${run.id + 1} ${run.facts ? 'is not of images' : 'has no net here now'}. Choose a net that comes along, select or resume a run under Train, or `
          : 'There is no trained net yet. Draw, and the first of those that come along answers; choose another, or ',
        link,
        '.',
      );
      this.#nets.replaceChildren(...PRESETS.filter(p => p.trained).map(preset => button(preset.name, () => take(preset))));
      return;
    }
    const { model, dataset } = run.config;
    this.#net.replaceChildren(
      `Run ${run.id + 1}, ${model} on ${dataset}${run.step ? ` after ${counted(run.step, 'step')}` : ''}, answers. ` +
        `A picture is cropped to its middle and scaled to ${run.facts.shape.slice(1).join('×')}.`,
    );
  }

  /** Says what the net takes pictures for: of one all likely classes, of several the likeliest as a table. */
  async classify(pictures: readonly Named[]): Promise<void> {
    if (pictures.length === 1) return this.#ask(pictures[0]!.picture);
    this.stop();
    this.#last = undefined;
    this.#several = pictures;
    await this.#again();
  }

  async #tell(pictures: readonly Named[]): Promise<void> {
    const {
      facts: { shape, classes },
      engine,
      config: { resize },
    } = await this.#answering();
    const rows: HTMLElement[] = [];
    for (const { name, picture } of pictures) {
      const bytes = await pictureBytes(picture, shape, { invert: this.#invert.checked, resize });
      const likely = await engine.call('predict', bytes);
      const best = likely.indexOf(Math.max(...likely));
      rows.push(
        el(
          'tr',
          {},
          el('td', { class: 'word' }, image(bytes, shape, `What the net sees of ${name}`)),
          el('th', { scope: 'row', textContent: name }),
          el('td', { class: 'word', textContent: classes[best] }),
          el('td', { textContent: percent(likely[best]!) }),
        ),
      );
    }
    if (this.#several !== pictures) return; // something else was asked meanwhile
    this.show();
    const heads = ['seen', 'picture', 'answer'].map(textContent => el('th', { scope: 'col', class: 'word', textContent }));
    const head = el('tr', {}, ...heads, el('th', { scope: 'col', textContent: 'how sure' }));
    const table = el('table', { class: 'numbers', 'aria-label': 'Answers' }, el('thead', {}, head), el('tbody', {}, ...rows));
    this.#stage.replaceChildren(el('div', { class: 'scroll' }, table));
  }

  /** Takes a trained net that comes along. */
  async #take(preset: Preset): Promise<void> {
    this.#net.textContent = `${preset.name} is being built …`;
    this.#taking = this.#train.try(preset).finally(() => (this.#taking = undefined));
    await this.#taking;
    this.show();
  }

  async #ask(picture: ImageBitmap): Promise<void> {
    this.stop();
    this.#several = undefined;
    this.#last = { source: picture, width: picture.width, height: picture.height };
    await this.#again();
  }

  /** The run that answers; where there is none at all, the first net that comes along. */
  async #answering(): Promise<Built> {
    if (!this.#train.runs.length) await this.#take(PRESETS[0]!);
    else await this.#taking;
    const run = this.#train.selected;
    check(run?.facts, 'predict: the selected run has no net here now', 'choose one that comes along', 'start or resume a run under Train');
    check(answersPictures(run), 'predict: the selected run is not of images and classes', 'select one that is');
    return run;
  }

  async #again(): Promise<void> {
    if (this.#several) return this.#tell(this.#several);
    const last = this.#last;
    if (!last) return;
    const {
      facts,
      engine,
      config: { resize },
    } = await this.#answering();
    const { shape, classes } = facts;
    if (this.#last !== last) return; // something else was asked meanwhile
    const { source, ...size } = last;
    const thumb = el('canvas', { width: THUMB, height: THUMB, role: 'img', 'aria-label': 'The picture' });
    drawMiddle(thumb, source, size); // the same moment of a video as the net is given
    const bytes = await pictureBytes(source, shape, { invert: this.#invert.checked, resize });
    const likely = await engine.call('predict', bytes);
    if (this.#last !== last) return;
    const figure = (canvas: HTMLElement, caption: string) =>
      el('figure', {}, canvas, el('figcaption', { class: 'hint', textContent: caption }));
    this.show();
    this.#layOut();
    this.#seen.replaceChildren(figure(thumb, 'The picture'), figure(image(bytes, shape, 'What the net sees'), 'What the net sees'));
    const all = [...likely].map((share, i) => ({ share, name: classes[i]! }));
    // bars of a video that changed places could not be read
    if (source !== this.#camera.video || all.length > 10) all.sort((x, y) => y.share - x.share);
    this.#bars.show(all.slice(0, 10));
    const answer = likely.indexOf(Math.max(...likely));
    const why = button('What it goes by', () =>
      told(async () => {
        const found = await engine.call('explain', bytes, answer);
        why.replaceWith(explained(bytes, facts, classes[answer]!, found));
      }),
    );
    if (source !== this.#camera.video) this.#seen.append(why);
  }

  #layOut(): void {
    if (this.#answer.parentNode === this.#stage) return;
    this.#stage.replaceChildren(el('div', {}, this.#camera.video, this.#seen), this.#answer);
  }

  async #open(): Promise<void> {
    await this.#answering(); // before anyone is asked for the camera
    if (!(await this.#camera.open())) return;
    const { video } = this.#camera;
    this.#several = undefined;
    this.#seen.replaceChildren(); // what was seen and answered before is of another picture
    this.#bars.show([]);
    this.#layOut();
    video.hidden = false;
    this.#opener.textContent = 'Stop the camera';
    this.#answer.setAttribute('aria-live', 'off'); // a screen reader could not follow
    void this.#camera.follow(async () => {
      this.#last = { source: video, width: video.videoWidth, height: video.videoHeight };
      await this.#again();
    }, LOOK);
  }

  stop(): void {
    if (this.#last?.source === this.#camera.video) this.#last = undefined;
    this.#camera.stop();
    this.#camera.video.hidden = true;
    this.#opener.textContent = 'Use the camera';
    this.#answer.setAttribute('aria-live', 'polite');
  }
}
