/** The form of the playground: a field for each setting that is no part of a picture. */
import { optionOf } from '../../../train/config/options.ts';
import { inPageWords } from '../../words.ts';
import { el, select } from '../dom.ts';
import { field } from '../../form/field.ts';
import { OPTIMIZERS, readSetting, SETTINGS, type Key, type Settings } from './address.ts';
import { PROBLEMS } from './problems.ts';

type Input = HTMLInputElement | HTMLSelectElement;

const text = () => el('input', { type: 'text', autocomplete: 'off', inputMode: 'decimal' });
const slider = (min: number, max: number, step: number) => el('input', { type: 'range', min: `${min}`, max: `${max}`, step: `${step}` });
const choice = (names: readonly string[]) =>
  select(
    names.map(n => [n, n] as const),
    names[0]!,
  );
const PENALTIES = [
  ['none', 'none'],
  ['l1', 'L1'],
  ['l2', 'L2'],
] as const;

const FIELDS = {
  problem: [
    'Problem',
    () =>
      select(
        Object.entries(PROBLEMS).map(([name, { title }]) => [name, title] as const),
        'circles',
      ),
  ],
  noise: ['Noise', () => slider(0, 2, 0.05)],
  test: ['Points held out', () => slider(0, 90, 5)],
  activation: ['Activation', () => choice(SETTINGS.activation.choices!), 'y = f(W x + b)'],
  optimizer: ['Optimizer', () => choice(OPTIMIZERS)],
  lr: ['Learning rate', text, optionOf('lr').formula],
  batchSize: ['Batch size', () => slider(1, 100, 1)],
  penalty: ['Regularisation', () => select(PENALTIES, 'none')],
  penaltyRate: ['Its rate', text],
  seed: ['Seed', text],
} as const satisfies Partial<Readonly<Record<Key, readonly [label: string, make: () => Input, formula?: string | undefined]>>>;
type FieldKey = keyof typeof FIELDS;

/** Whose names say enough, and whose inputs take nothing wrong. */
const PLAIN: ReadonlySet<FieldKey> = new Set(['problem', 'optimizer', 'activation', 'test', 'batchSize']);
const UNITS: Partial<Record<FieldKey, string>> = { test: ' %' };

export class Controls {
  readonly element: HTMLElement;
  #inputs = new Map<FieldKey, Input>();
  #values = new Map<FieldKey, HTMLOutputElement>();
  #hints = new Map<FieldKey, HTMLElement>();

  /** `change` is told a setting and its value, as soon as it is one that is accepted. */
  constructor(change: <K extends FieldKey>(key: K, value: Settings[K]) => void) {
    const fields = (Object.keys(FIELDS) as FieldKey[]).map(key => {
      const [label, make, formula] = FIELDS[key] as readonly [string, () => Input, string?];
      const input = make();
      const about = PLAIN.has(key) ? '' : SETTINGS[key].about;
      const whole = field(label, input, { about, ...(formula !== undefined && { formula }) });
      this.#inputs.set(key, input);
      const hint = whole.querySelector<HTMLElement>('.hint');
      if (hint && !PLAIN.has(key)) this.#hints.set(key, hint);
      if (input.type === 'range') {
        const value = el('output', { 'aria-live': 'off' }); // the slider tells its value itself
        whole.querySelector('label')!.append(' ', value);
        this.#values.set(key, value);
      }
      input.addEventListener('input', () => this.#read(key, label, change));
      return whole;
    });
    this.element = el('div', { class: 'config' }, ...fields);
  }

  show(settings: Settings): void {
    for (const [key, input] of this.#inputs) {
      if (document.activeElement !== input || input instanceof HTMLSelectElement) input.value = String(settings[key]);
      this.#say(key);
    }
    const hasRate = settings.penalty !== 'none';
    this.#inputs.get('penaltyRate')!.closest<HTMLElement>('.field')!.hidden = !hasRate;
    const isOwn = !PROBLEMS[settings.problem]!.point;
    this.#inputs.get('noise')!.closest<HTMLElement>('.field')!.hidden = isOwn;
  }

  #read<K extends FieldKey>(key: K, label: string, change: (key: K, value: Settings[K]) => void): void {
    try {
      const value = readSetting(key, this.#inputs.get(key)!.value, label);
      this.#say(key);
      change(key, value);
    } catch (error) {
      this.#say(key, inPageWords(error as Error));
    }
  }

  /** Shows a slider's value, and below a field what it is, or what is wrong with it. */
  #say(key: FieldKey, wrong?: string): void {
    const input = this.#inputs.get(key)!;
    const hint = this.#hints.get(key);
    const value = this.#values.get(key);
    if (value) value.textContent = `${input.value}${UNITS[key] ?? ''}`;
    input.ariaInvalid = wrong === undefined ? null : 'true';
    if (!hint) return;
    hint.classList.toggle('wrong', wrong !== undefined);
    hint.firstChild!.textContent = wrong ?? SETTINGS[key].about;
  }
}
