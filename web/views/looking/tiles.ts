/** Test images as tiles that name label and answer. */
import type { Verdict } from '../../../train/evaluate/report.ts';
import { image } from '../../data/pictures.ts';
import type { RunFacts } from '../../worker/protocol.ts';
import { button, el, percent } from '../dom.ts';

export interface VerdictTiles {
  readonly element: HTMLElement;
  /** `images` holds the bytes of each, one after the other. */
  show(facts: RunFacts, verdicts: readonly Verdict[], images: Uint8Array): void;
}

/** The elements stay where they are while their contents change. A press on an image asks what its answer goes by. */
export function verdictTiles(ask: (verdict: Verdict, bytes: Uint8Array) => void): VerdictTiles {
  const element = el('div', { class: 'tiles' });
  const tiles: { readonly figure: HTMLElement; readonly pressed: HTMLButtonElement; readonly words: HTMLElement }[] = [];
  const make = () => {
    const words = el('figcaption');
    const pressed = button('', () => undefined);
    pressed.append(el('canvas'));
    return { figure: el('figure', {}, pressed, words), pressed, words };
  };
  return {
    element,
    show({ classes, shape }, verdicts, images) {
      while (tiles.length < verdicts.length) tiles.push(make());
      if (element.childElementCount !== verdicts.length)
        element.replaceChildren(...tiles.slice(0, verdicts.length).map(({ figure }) => figure));
      const size = shape.reduce((a, b) => a * b);
      for (const [i, verdict] of verdicts.entries()) {
        const { image: number, label, answer, probability } = verdict;
        const { figure, pressed, words } = tiles[i]!;
        const bytes = images.subarray(i * size, (i + 1) * size);
        const isRight = label === answer;
        const text = `${classes[label]}: ${isRight ? 'right' : `taken for ${classes[answer]}`}, ${percent(probability)}`;
        figure.className = isRight ? 'tile right' : 'tile wrong';
        figure.title = `Test image ${number + 1}, ${text}`;
        pressed.firstElementChild!.replaceWith(image(bytes, shape, text));
        pressed.setAttribute('aria-label', `${text}: what it goes by`);
        pressed.onclick = () => ask(verdict, bytes);
        const sure = `${Math.round(100 * probability)}\u00a0%`;
        words.replaceChildren(
          el('span', { textContent: classes[label]! }),
          el('span', { textContent: isRight ? `✓ ${sure}` : `✗\u00a0${classes[answer]} ${sure}` }),
        );
      }
    },
  };
}
