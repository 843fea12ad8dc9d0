/** The form of a configuration, made from the catalogues that the command line uses. */
import { datasets } from '../datasets/index.ts';
import { lookUp } from '../engine/check.ts';
import { models } from '../models/index.ts';
import { rules } from '../optim/index.ts';
import { NORMALIZE, OPTIONS, parseConfig, type RunConfig } from '../train/config.ts';
import { formatSpec, parseSpec, type Scalar } from '../train/spec.ts';
import { explainModel, explainOptimizer, explainOption, type Explained } from './catalogue.ts';
import { el, select } from './dom.ts';

type Key = keyof typeof OPTIONS;
/** A configuration as texts, defaults left out: what stands in an address. */
export type Texts = Partial<Record<Key | 'model', string>>;

/** Where the page differs from the command line: more frequent metrics, since someone watches. */
const HERE: Texts = { model: 'lenet5', logEvery: '10' };
/** Set by other means here: weights are imported by hand. */
const HIDDEN: readonly Key[] = ['init'];
const FIRST: readonly Key[] = ['batchSize', 'lr', 'epochs'];

export const textsOf = (config: RunConfig): Texts =>
  Object.fromEntries(Object.entries(config).filter(([k, v]) => v !== undefined && String(v) !== String(k === 'model' ? '' : HERE[k as Key] ?? OPTIONS[k as Key]?.default)).map(([k, v]) => [k, String(v)]));

export class ConfigForm {
  readonly element: HTMLFormElement;
  #texts: Texts;
  #available: ReadonlySet<string>;

  constructor(texts: Texts, available: ReadonlySet<string>) {
    this.#texts = { ...HERE, ...texts };
    this.#available = available;
    this.element = el('form', { class: 'config', onsubmit: (e: Event) => e.preventDefault(), 'aria-label': 'Configuration' });
    this.#draw();
  }

  /** The checked configuration; throws with the message that the command line would give. */
  config(): RunConfig {
    const { model, ...rest } = this.#texts;
    return parseConfig(model!, { ...rest, dataset: this.#dataset });
  }

  /** Takes out what no catalogue has, and throws to say so. */
  validate(): void {
    const { model, optimizer, dataset } = this.#texts;
    const known = (key: 'model' | 'optimizer' | 'dataset', look: () => unknown) => {
      try { look(); } catch (error) { if (key === 'model') this.#texts.model = HERE.model!; else delete this.#texts[key]; this.#draw(); throw error; }
    };
    known('model', () => lookUp('model', parseSpec('model', model!).name, models));
    known('optimizer', () => optimizer && lookUp('optimizer', parseSpec('optimizer', optimizer).name, rules));
    known('dataset', () => dataset && lookUp('dataset', dataset, datasets));
  }

  set(texts: Texts): void { this.#texts = { ...HERE, ...texts }; this.#draw(); }
  offer(available: ReadonlySet<string>): void { this.#available = available; this.#draw(); }

  /** The usual one where it can be had. */
  get #dataset(): string { return this.#texts.dataset ?? (this.#available.has(OPTIONS.dataset.default) ? OPTIONS.dataset.default : 'shapes'); }

  #draw(): void {
    const model = parseSpec('model', this.#texts.model!), optimizer = parseSpec('optimizer', this.#texts.optimizer ?? OPTIONS.optimizer.default);
    const more = (Object.keys(OPTIONS) as Key[]).filter(k => !HIDDEN.includes(k) && !FIRST.includes(k) && k !== 'dataset' && k !== 'optimizer');
    const open = this.element.querySelector('details')?.open ?? false;
    const dataset = this.#dataset;
    this.element.replaceChildren(
      field('Data set', select(Object.keys(datasets).map(n => [n, this.#available.has(n) ? n : `${n} (not here)`] as const), dataset, {
        onchange: (e: Event) => { this.#texts.dataset = (e.target as HTMLSelectElement).value; this.#draw(); },
      }), { text: describe(dataset, this.#available.has(dataset)) }),
      field('Model', select(Object.keys(models).map(n => [n, n] as const), model.name, { onchange: (e: Event) => { this.#texts.model = (e.target as HTMLSelectElement).value; this.#draw(); } }), explainModel(model.name)),
      el('div', { class: 'inner' }, ...Object.entries(models[model.name]?.options ?? {}).map(([key, option]) => this.#inner('model', key, option.default, model, option.accepts))),
      field('Optimizer', select(Object.keys(rules).map(n => [n, n] as const), optimizer.name, {
        onchange: (e: Event) => { this.#texts.optimizer = (e.target as HTMLSelectElement).value; delete this.#texts.lr; this.#draw(); },
      }), explainOptimizer(optimizer.name)),
      el('div', { class: 'inner' }, ...Object.entries(rules[optimizer.name]?.defaults ?? {}).filter(([k]) => k !== 'lr').map(([key, value]) => this.#inner('optimizer', key, value, optimizer, 'a number'))),
      ...FIRST.map(key => this.#option(key, key === 'lr' ? String(rules[optimizer.name]?.defaults.lr ?? '') : undefined)),
      el('details', { open }, el('summary', { textContent: 'More: regularisation, data, seed …' }), ...more.map(key => this.#option(key))),
    );
  }

  #option(key: Key, placeholder = OPTIONS[key].default === undefined ? 'none' : String(OPTIONS[key].default)): HTMLElement {
    const label = key.replace(/[A-Z]/g, c => ` ${c.toLowerCase()}`), value = this.#texts[key], fallback = OPTIONS[key].default;
    const set = (text: string) => { if (text === '') delete this.#texts[key]; else this.#texts[key] = text; };
    const name = key === 'lr' ? 'Learning rate' : label.charAt(0).toUpperCase() + label.slice(1);
    if (typeof fallback === 'boolean') {
      return field(name, el('input', { type: 'checkbox', checked: (value ?? String(fallback)) === 'true', onchange: (e: Event) => set(String((e.target as HTMLInputElement).checked)) }), explainOption(key), true);
    }
    if (key === 'normalize') return field(name, select(NORMALIZE.map(n => [n, n] as const), value ?? String(fallback), { onchange: (e: Event) => set((e.target as HTMLSelectElement).value) }), explainOption(key));
    const input = el('input', { type: 'text', value: value ?? '', placeholder, inputMode: typeof fallback === 'number' || fallback === undefined ? 'decimal' : 'text', name: key, autocomplete: 'off', spellcheck: false });
    input.oninput = () => {
      set(input.value.trim());
      let wrong = '';
      try { if (input.value.trim()) OPTIONS[key].parse(name, input.value.trim()); } catch (error) { wrong = (error as Error).message; }
      input.setCustomValidity(wrong);
      input.setAttribute('aria-invalid', String(Boolean(wrong)));
      input.title = wrong;
    };
    return field(name, input, explainOption(key));
  }

  /** An option of the model or optimizer that is chosen. */
  #inner(part: 'model' | 'optimizer', key: string, fallback: unknown, spec: ReturnType<typeof parseSpec>, accepts: string): HTMLElement {
    const shown = Array.isArray(fallback) ? fallback.join('-') : String(fallback), bare = spec.value === key;
    const set = (value: Scalar | undefined) => {
      const options = { ...spec.options, ...bare && { [key]: true } };
      if (value === undefined || value === fallback) delete options[key]; else options[key] = value;
      spec.options = options;
      delete spec.value;
      this.#texts[part] = formatSpec(spec);
    };
    const given = bare ? true : spec.options[key];
    const input = typeof fallback === 'boolean'
      ? el('input', { type: 'checkbox', checked: given ?? fallback, onchange: (e: Event) => set((e.target as HTMLInputElement).checked) })
      : el('input', { type: 'text', value: given === undefined ? '' : String(given), placeholder: shown, autocomplete: 'off', title: accepts,
        oninput: (e: Event) => { const text = (e.target as HTMLInputElement).value.trim(); set(text === '' ? undefined : Number.isFinite(Number(text)) ? Number(text) : text); } });
    return field(key, input, { text: '' }, typeof fallback === 'boolean');
  }
}

const describe = (name: string, here: boolean): string => {
  if (!Object.hasOwn(datasets, name)) return '';
  const { title, shape, train, classes } = datasets[name]!;
  return `${title}: ${train.toLocaleString('en-US')} images of ${shape.join('×')}, ${classes.length} classes.${here ? '' : ' Not on this site: drop its files here.'}`;
};

let fields = 0;
/** A labelled input with its explanation. */
export function field(label: string, input: HTMLInputElement | HTMLSelectElement, { text, formula }: Explained, inline = false): HTMLElement {
  input.id ||= `field${fields++}`;
  const hint = text || formula ? el('p', { class: 'hint', id: `${input.id}-hint` }, text, formula && el('code', { textContent: formula })) : undefined;
  if (hint) input.setAttribute('aria-describedby', hint.id);
  return el('div', { class: inline ? 'field inline' : 'field' }, el('label', { for: input.id, textContent: label }), input, hint);
}
