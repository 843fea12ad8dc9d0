/** A picture or the camera, and what the selected run's net takes it for. */
import { button, el, percent, told } from './dom.ts';
import { image, toBytes } from './pictures.ts';
import type { TrainView } from './train-view.ts';

export class PredictView {
  readonly element: HTMLElement;
  #train: TrainView;
  #invert = el('input', { type: 'checkbox', id: 'invert' });
  #answer = el('div', { class: 'answer', 'aria-live': 'polite' }, el('p', { class: 'quiet', textContent: 'Drop a picture here, choose a file, or use the camera.' }));
  #video = el('video', { muted: true, playsInline: true, hidden: true, 'aria-label': 'Camera' });
  #camera = button('Use the camera', () => told(() => (this.#stream ? this.stop() : this.#open())));
  #stream: MediaStream | undefined;
  #last: { source: CanvasImageSource; width: number; height: number } | undefined;

  constructor(train: TrainView) {
    this.#train = train;
    const file = el('input', { type: 'file', accept: 'image/*', id: 'picture', onchange: () => told(async () => { if (file.files?.[0]) await this.judge(file.files[0]); }) });
    this.#invert.onchange = () => void told(() => this.#again());
    this.element = el('div', { class: 'predict' },
      el('section', { class: 'panel' }, el('h2', { textContent: 'Predict' }),
        el('p', { class: 'hint', textContent: 'The picture is cropped to its middle and scaled to the size that the net takes; the right one is what the net sees. Train a net first, or import weights.' }),
        el('div', { class: 'row' }, el('label', { for: 'picture', textContent: 'Picture' }), file, this.#camera,
          el('span', { class: 'check' }, this.#invert, el('label', { for: 'invert', textContent: 'invert (dark things on light ground, for Fashion-MNIST and MNIST)' }))),
        this.#video, this.#answer));
  }

  /** Says what the net takes a picture file for. */
  async judge(file: File): Promise<void> {
    const picture = await createImageBitmap(file).catch(() => { throw new Error(`${file.name}: cannot be read as an image; give a PNG, JPEG, WebP, GIF or AVIF file`); });
    this.#last = { source: picture, width: picture.width, height: picture.height };
    await this.#again();
  }

  async #again(): Promise<void> {
    if (!this.#last) return;
    const run = this.#train.selected, { source, width, height } = this.#last;
    if (!run?.facts) throw new Error('predict: there is no trained net; start a run under Train, or import weights there');
    const { shape, classes } = run.facts;
    if (shape[0] === 2) throw new Error(`predict: the selected run is on points of a plane; select one that is on images`);
    const bytes = toBytes(source, width, height, shape, this.#invert.checked), likely = await run.engine.call('predict', bytes, 1);
    const order = [...likely].map((p, i) => ({ p, name: classes[i]! })).sort((a, b) => b.p - a.p).slice(0, 10);
    const thumb = el('canvas', { width: 160, height: 160, role: 'img', 'aria-label': 'The picture' }), scale = Math.min(width, height) / 160;
    thumb.getContext('2d')!.drawImage(source, (width - 160 * scale) / 2, (height - 160 * scale) / 2, 160 * scale, 160 * scale, 0, 0, 160, 160);
    this.#answer.replaceChildren(
      el('div', { class: 'row seen' }, thumb, image(bytes, shape, 'What the net sees')),
      el('ol', { class: 'bars' }, ...order.map(({ p, name }) => {
        const bar = el('li', {}, el('span', { textContent: name }), el('span', { class: 'value', textContent: percent(p) }));
        bar.style.setProperty('--share', String(p));
        return bar;
      })));
  }

  async #open(): Promise<void> {
    this.#stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } })
      .catch((e: Error) => { throw new Error(`the camera does not open (${e.message}); allow it for this page, or drop a picture`); });
    this.#video.srcObject = this.#stream;
    this.#video.hidden = false;
    this.#camera.textContent = 'Stop the camera';
    await this.#video.play();
    while (this.#stream) {
      this.#last = { source: this.#video, width: this.#video.videoWidth, height: this.#video.videoHeight };
      await this.#again();
      await new Promise(resolve => setTimeout(resolve, 300));
    }
  }

  stop(): void {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = undefined;
    this.#video.hidden = true;
    this.#camera.textContent = 'Use the camera';
  }
}
