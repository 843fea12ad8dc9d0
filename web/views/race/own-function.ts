/** The fields of a function of one's own: its formula, and the part of the plane that is shown. */
import { field, mark } from '../../form/field.ts';
import { inPageWords } from '../../words.ts';
import { el } from '../dom.ts';
import { ownLand, type Land } from './land.ts';
import { readSetting, writeSetting, type Settings } from './settings.ts';

type Own = Pick<Settings, 'f' | 'x' | 'y'>;
const LABELS = { f: 'f(x, y)', x: 'x from .. to', y: 'y from .. to' } as const;
/** Milliseconds without a key until what was typed is taken. */
const PAUSE = 350;

export class OwnFunction {
  readonly element: HTMLElement;
  #inputs = Object.fromEntries(
    Object.keys(LABELS).map(key => [key, el('input', { type: 'text', autocomplete: 'off', spellcheck: false })]),
  ) as Record<keyof Own, HTMLInputElement>;
  #typing: ReturnType<typeof setTimeout> | undefined;

  /** `change` is told what was typed once it is a function. */
  constructor(change: (own: Own, land: Land) => void) {
    const about = 'With + - * / ^, sin, cos, exp, ln, sqrt, abs, min, max, pi, and a > b ? c : d.';
    this.element = el(
      'div',
      { class: 'own', hidden: true },
      field(LABELS.f, this.#inputs.f, { about }),
      el('div', { class: 'inner' }, field(LABELS.x, this.#inputs.x), field(LABELS.y, this.#inputs.y)),
    );
    for (const input of Object.values(this.#inputs)) {
      input.oninput = () => {
        clearTimeout(this.#typing);
        this.#typing = setTimeout(() => this.#read(change), PAUSE);
      };
    }
  }

  show({ land, ...settings }: Settings): void {
    this.element.hidden = land !== 'own';
    for (const key of ['f', 'x', 'y'] as const) {
      const input = this.#inputs[key];
      if (document.activeElement === input) continue;
      input.value = writeSetting(key, settings[key] as never);
      mark(input, '');
    }
  }

  #read(change: (own: Own, land: Land) => void): void {
    const attempt = <T>(key: keyof Own, work: () => T): T | undefined => {
      try {
        const done = work();
        mark(this.#inputs[key], '');
        return done;
      } catch (error) {
        mark(this.#inputs[key], inPageWords(error as Error));
        return undefined;
      }
    };
    const span = (key: 'x' | 'y') => attempt(key, () => readSetting(key, this.#inputs[key].value, LABELS[key]));
    const [x, y] = [span('x'), span('y')];
    const f = this.#inputs.f.value.trim();
    const land = x && y && attempt('f', () => ownLand(f, x, y));
    if (land) change({ f, x, y }, land);
  }
}
