/** What Teach sees, by the camera or in a picture, and what the net takes it for. */
import { pictureBytes } from '../../../datasets/pictures.ts';
import { bars } from '../bars.ts';
import { cameraOn } from '../camera.ts';
import { bitmapOf, drawMiddle } from '../../data/pictures.ts';
import { button, el, pick, select } from '../dom.ts';
import { place } from './place.ts';
import type { TaughtNet } from '../../worker/protocol.ts';

/** Milliseconds between two looks through the camera. */
const LOOK = 150;
/** Pixels of a side of a picture as it is shown. */
const SIDE = 320;

export interface Stage {
  readonly element: HTMLElement;
  readonly video: HTMLVideoElement;
  /** Opens the camera where it is not open. Resolves to whether it shows now: it may be closed meanwhile. Throws where there is none. */
  watch(): Promise<boolean>;
  /** Closes the camera. */
  stop(): void;
  /** Answers by this net from now on; by none where there is none. */
  answerBy(net: TaughtNet | undefined): void;
  /** Shows a picture, and what the net takes it for. */
  look(file: File): Promise<boolean>;
}

/** `answer` gives the probabilities of an image in bytes. */
export function stage(answer: (image: Uint8Array) => Promise<Float32Array>): Stage {
  const said = place();
  const shares = bars('Classes and their probabilities');
  const title = el('h2', { textContent: 'It says' });
  const quiet = el('p', { class: 'hint', textContent: 'Nothing yet: it says here what it sees once it has learned.' });
  const empty = el('p', { class: 'quiet', textContent: 'The camera is off.' });
  const picture = el('canvas', { width: SIDE, height: SIDE, hidden: true, role: 'img', 'aria-label': 'The picture' });
  const opener = button('Use the camera', () => said.told(() => (camera.isOpen ? stop() : watch())), { class: 'primary' });
  const choice = select([], '', { 'aria-label': 'Which camera', hidden: true, onchange: () => reopen() });
  const camera = cameraOn(why => {
    stop();
    void said.told(() => {
      throw why;
    });
  });
  const { video } = camera;
  video.hidden = true;
  let net: TaughtNet | undefined;
  /** The picture that was shown last. */
  let looked: ImageBitmap | undefined;
  /** Of what was asked last: an answer to something before it says nothing of what is shown. */
  let latest = 0;

  const element = el(
    'section',
    { class: 'panel stage', 'aria-label': 'What it sees' },
    el('div', { class: 'eye' }, empty, video, picture),
    el(
      'div',
      { class: 'beside' },
      el(
        'div',
        { class: 'row' },
        opener,
        choice,
        button('Show a picture', () => pick({ accept: 'image/*' }, ([file]) => look(file!))),
      ),
      said.element,
      title,
      quiet,
      shares.element,
    ),
  );

  function show(what: HTMLElement): void {
    for (const one of [empty, video, picture]) one.hidden = one !== what;
  }

  async function ask(source: HTMLVideoElement | ImageBitmap): Promise<void> {
    if (!net) return;
    const { shape, classes } = net;
    const own = ++latest;
    const probabilities = await answer(await pictureBytes(source, shape));
    if (own !== latest || net?.classes !== classes) return; // it is for another picture or by another net
    shares.show(classes.map((name, i) => ({ name, share: probabilities[i]! })));
  }

  function noAnswer(): void {
    shares.show(net ? net.classes.map(name => ({ name, share: 0 })) : []);
  }

  function stop(): void {
    camera.stop();
    opener.textContent = 'Use the camera';
    if (!video.hidden) show(empty);
  }

  async function watch(wanted?: MediaTrackConstraints): Promise<boolean> {
    if (camera.isOpen && !wanted) return true;
    said.say();
    if (!(await camera.open(wanted))) return false;
    show(video);
    opener.textContent = 'Stop the camera';
    shares.element.ariaLive = 'off'; // a screen reader could not follow
    void offer();
    void camera.follow(() => ask(video), LOOK);
    return true;
  }

  /** The cameras that there are, where there are several. */
  async function offer(): Promise<void> {
    const all = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === 'videoinput');
    const own = (video.srcObject as MediaStream | null)?.getVideoTracks()[0]?.getSettings().deviceId;
    choice.replaceChildren(
      ...all.map(({ deviceId, label }, i) => el('option', { value: deviceId, textContent: label || `Camera ${i + 1}` })),
    );
    choice.value = own ?? '';
    choice.hidden = all.length < 2;
  }

  function reopen(): Promise<boolean> {
    return said.told(() => watch({ deviceId: { exact: choice.value } }));
  }

  function look(file: File): Promise<boolean> {
    return said.told(async () => {
      const drawn = await bitmapOf(file);
      stop();
      looked = drawn;
      drawMiddle(picture, drawn, drawn);
      noAnswer();
      show(picture);
      said.say(net ? '' : `${file.name}: nothing can be said of it yet; train first.`);
      shares.element.ariaLive = 'polite';
      await ask(drawn);
    });
  }

  return {
    element,
    video,
    watch: () => watch(),
    stop,
    look,
    answerBy(next) {
      net = next;
      quiet.hidden = Boolean(net);
      noAnswer();
      if (!net || picture.hidden) return;
      said.say();
      void said.told(() => ask(looked!));
    },
  };
}
