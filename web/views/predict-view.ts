/** A picture or the camera, and what the selected run's net takes it for. */
import { pictureBytes } from '../../datasets/pictures.ts';
import { check, DescentError } from '../../engine/check.ts';
import { button, el, percent, pick, told } from './dom.ts';
import { image } from '../data/pictures.ts';
import type { RunFacts } from '../worker/protocol.ts';
import type { Run } from './runs.ts';
import type { TrainView } from './train-view.ts';

/** Milliseconds between two looks through the camera. */
const LOOK = 300;
/** Pixels of a side of the picture as it is shown. */
const THUMB = 160;

export class PredictView {
  readonly element: HTMLElement;
  #train: TrainView;
  #net = el('p', { class: 'hint' });
  #invert = el('input', { type: 'checkbox', id: 'invert' });
  #seen = el('div', { class: 'seen' });
  #answer = el('div', { class: 'answer', 'aria-live': 'polite' });
  #stage = el(
    'div',
    { class: 'stage' },
    el('p', { class: 'quiet drop', textContent: 'Drop a picture anywhere on the page, choose a file, or use the camera.' }),
  );
  #video = el('video', { muted: true, playsInline: true, hidden: true, 'aria-label': 'Camera' });
  #camera = button('Use the camera', () => told(() => (this.#stream ? this.stop() : this.#open())));
  #stream: MediaStream | undefined;
  #last: { source: HTMLVideoElement | ImageBitmap; width: number; height: number } | undefined;
  #opening = 0;

  constructor(train: TrainView) {
    this.#train = train;
    this.#invert.onchange = () => void told(() => this.#again());
    const choose = () => pick({ accept: 'image/*' }, ([file]) => this.classify(file!));
    const inverting = 'Invert: for dark things on light ground, where the net learned light on dark (Fashion-MNIST, MNIST)';
    this.element = el(
      'div',
      { class: 'predict' },
      el(
        'section',
        { class: 'panel' },
        el('h2', { textContent: 'Predict' }),
        this.#net,
        el(
          'div',
          { class: 'row' },
          button('Choose a picture', choose, { class: 'primary' }),
          this.#camera,
          el('span', { class: 'check' }, this.#invert, el('label', { for: 'invert', textContent: inverting })),
        ),
        this.#stage,
      ),
    );
    this.show();
  }

  /** Says which net answers. */
  show(): void {
    const run = this.#train.selected;
    if (!run?.facts || run.facts.shape[0] === 2) {
      const link = el('a', { href: '#train', textContent: 'Train one, or import weights into a run' });
      this.#net.replaceChildren('There is no trained net yet. ', link, ' first.');
      return;
    }
    const { model, dataset } = run.config;
    this.#net.replaceChildren(
      `Run ${run.id + 1}, ${model} on ${dataset} after ${run.step} steps, answers. ` +
        `A picture is cropped to its middle and scaled to ${run.facts.shape.slice(1).join('×')}.`,
    );
  }

  /** Says what the net takes a picture file for. */
  async classify(file: File): Promise<void> {
    const picture = await createImageBitmap(file).catch(() => {
      throw new DescentError(`${file.name}: cannot be read as an image`, 'give a PNG, JPEG, WebP, GIF or AVIF file');
    });
    this.stop();
    this.#last = { source: picture, width: picture.width, height: picture.height };
    await this.#again();
  }

  #answering(): Run & { facts: RunFacts } {
    const run = this.#train.selected;
    check(run?.facts, 'predict: there is no trained net', 'start a run under Train', 'import weights there');
    check(run.facts.shape[0] !== 2, 'predict: the selected run is on points of a plane', 'select one that is on images');
    return run as Run & { facts: RunFacts };
  }

  async #again(): Promise<void> {
    if (!this.#last) return;
    const {
      facts: { shape, classes },
      engine,
    } = this.#answering();
    const { source, width, height } = this.#last;
    const bytes = await pictureBytes(source, shape, { invert: this.#invert.checked });
    const likely = await engine.call('predict', bytes);
    const side = Math.min(width, height);
    const thumb = el('canvas', { width: THUMB, height: THUMB, role: 'img', 'aria-label': 'The picture' });
    thumb.getContext('2d')!.drawImage(source, (width - side) / 2, (height - side) / 2, side, side, 0, 0, THUMB, THUMB);
    const figure = (canvas: HTMLElement, caption: string) =>
      el('figure', {}, canvas, el('figcaption', { class: 'hint', textContent: caption }));
    this.show();
    this.#layOut();
    this.#seen.replaceChildren(figure(thumb, 'The picture'), figure(image(bytes, shape, 'What the net sees'), 'What the net sees'));
    const order = [...likely]
      .map((p, i) => ({ p, name: classes[i]! }))
      .sort((a, b) => b.p - a.p)
      .slice(0, 10);
    this.#answer.replaceChildren(
      el(
        'ol',
        { class: 'bars', 'aria-label': 'Classes, the most probable first' },
        ...order.map(({ p, name }) => {
          const bar = el('li', {}, el('span', { textContent: name }), el('span', { class: 'value', textContent: percent(p) }));
          bar.style.setProperty('--share', String(p));
          return bar;
        }),
      ),
    );
  }

  #layOut(): void {
    if (this.#answer.parentNode === this.#stage) return;
    this.#stage.replaceChildren(el('div', {}, this.#video, this.#seen), this.#answer);
  }

  async #open(): Promise<void> {
    this.#answering(); // before anyone is asked for the camera
    const turn = ++this.#opening;
    check(navigator.mediaDevices, 'the camera cannot be used here', 'open the page over https or on localhost', 'drop a picture');
    const asked = navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
    const stream = await asked.catch((e: DOMException) => {
      throw refusal(e);
    });
    if (turn !== this.#opening) return stopTracks(stream); // left meanwhile
    this.#stream = stream;
    const ended = () =>
      void told(() => {
        this.stop();
        throw new DescentError('the camera stopped', 'connect it again', 'drop a picture');
      });
    for (const track of stream.getTracks()) track.onended = ended;
    this.#layOut();
    this.#video.srcObject = stream;
    this.#video.hidden = false;
    this.#camera.textContent = 'Stop the camera';
    this.#answer.setAttribute('aria-live', 'off'); // a screen reader could not follow
    try {
      await this.#video.play();
      while (this.#stream === stream) {
        this.#last = { source: this.#video, width: this.#video.videoWidth, height: this.#video.videoHeight };
        await this.#again();
        await new Promise(resolve => setTimeout(resolve, LOOK));
      }
    } catch (error) {
      if (this.#stream !== stream) return; // stopped: what it waited for is gone
      this.stop();
      throw error;
    }
  }

  stop(): void {
    this.#opening++;
    if (this.#stream) {
      stopTracks(this.#stream);
      this.#last = undefined;
    }
    this.#stream = undefined;
    this.#video.srcObject = null;
    this.#video.hidden = true;
    this.#camera.textContent = 'Use the camera';
    this.#answer.setAttribute('aria-live', 'polite');
  }
}

function stopTracks(stream: MediaStream): void {
  for (const track of stream.getTracks()) {
    track.onended = null;
    track.stop();
  }
}

/** Why there is no picture, and what to do. */
function refusal({ name, message }: DOMException): DescentError {
  const refuse = (problem: string, ...advice: string[]) => new DescentError(problem, ...advice, 'drop a picture');
  if (name === 'NotAllowedError')
    return refuse('the camera may not be used: permission was denied', "allow it for this page in the browser's site settings");
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return refuse('there is no camera', 'connect one');
  if (name === 'NotReadableError') return refuse('the camera is in use by another program', 'close that one');
  return refuse(`the camera does not open (${message || name})`);
}
