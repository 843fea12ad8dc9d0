/** The form of a configuration, made from the catalogues that the command line uses. */
import { datasets } from '../../datasets/index.ts';
import { check, lookUp } from '../../engine/check.ts';
import { schemes } from '../../layers/init.ts';
import { losses } from '../../layers/loss.ts';
import { models } from '../../models/index.ts';
import { optimizers } from '../../optim/index.ts';
import { BN_STATS, OPTIONS, ORDERS, parseConfig, PRECISIONS, type RunConfig } from '../../train/config/config.ts';
import { recipeOf } from '../../train/config/recipe.ts';
import { NORMALIZE } from '../../train/data/statistics.ts';
import { parseSpec, parseSpecs } from '../../train/config/spec.ts';
import { explainOption, labelOf } from './catalogue.ts';
import { augmenting, modelling, optimizing, scheduling, type Choice } from './choices.ts';
import { count, el, select } from '../views/dom.ts';
import { field } from './field.ts';
import { SpecField } from './spec-field.ts';
import { inPageWords } from '../words.ts';

type Key = keyof typeof OPTIONS;
/** A configuration as texts, defaults left out: what stands in an address. */
export type Texts = Partial<Record<Key | 'model', string>>;

/** Where the page differs from the command line: more frequent metrics, since someone watches. */
const HERE: Texts = { model: 'lenet5', logEvery: '10' };
/** Set by other means here, or of use with the files of a run folder only. */
const HIDDEN: readonly Key[] = ['init', 'swag', 'snapshots'];
/** Written with names and options of their own. */
const SPECS: Partial<Record<Key, Choice>> = { optimizer: optimizing, schedule: scheduling, augment: augmenting };
/** One of a few names. The empty one is no choice. */
const NAMES: Partial<Record<Key, readonly string[]>> = {
  normalize: NORMALIZE,
  order: ORDERS,
  bnStats: BN_STATS,
  loss: Object.keys(losses),
  precision: PRECISIONS,
  initScheme: ['', ...Object.keys(schemes), 'lsuv'],
};
const ABOVE: readonly Key[] = ['dataset', 'optimizer', 'lr', 'schedule', 'batchSize', 'epochs', 'augment'];
const GROUPS: readonly (readonly [title: string, keys: readonly Key[]])[] = [
  ['Regularisation', ['weightDecay', 'l1', 'decayBias', 'labelSmoothing', 'maxNorm', 'earlyStop']],
  ['Gradients and averages', ['clipNorm', 'clipValue', 'gradNoise', 'lookahead', 'ema', 'swa', 'accumulate']],
  ['Data', ['valSplit', 'normalize', 'order', 'shuffle', 'limitTrain', 'limitTest', 'imageSize']],
  ['Weights and loss', ['seed', 'initScheme', 'loss', 'bnStats']],
];

/** The texts of a configuration, without those that it has anyway; the model always. */
export function textsOf(config: RunConfig): Texts {
  const usual = (key: string) => (key === 'model' ? '' : String(HERE[key as Key] ?? OPTIONS[key as Key]?.default));
  const texts = Object.entries(config)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [key, String(value)] as const);
  return Object.fromEntries(texts.filter(([key, text]) => text !== usual(key)));
}

/** The checked configuration that texts stand for; throws with the command line's message. */
export function configOf(texts: Texts): RunConfig {
  const { model, ...rest } = { ...HERE, ...texts };
  return parseConfig(model!, rest);
}

export class ConfigForm {
  readonly element: HTMLFormElement;
  #texts: Texts;
  #available: ReadonlySet<string>;
  #dataset: HTMLSelectElement;
  #datasetHint = el('p', { class: 'hint', id: 'dataset-hint' });
  #lr: HTMLInputElement | undefined;
  #beside: readonly HTMLElement[];
  #wrong = el('p', { class: 'hint wrong', role: 'status' });

  /** `beside` stands with the choice of the data set. */
  constructor(texts: Texts, available: ReadonlySet<string>, ...beside: HTMLElement[]) {
    this.#beside = beside;
    this.#texts = { ...HERE, ...texts };
    this.#available = available;
    this.#dataset = el('select', {
      id: 'dataset',
      'aria-describedby': 'dataset-hint',
      onchange: () => this.choose(this.#dataset.value),
    });
    this.element = el('form', {
      class: 'config',
      'aria-label': 'Configuration',
      onsubmit: (e: Event) => e.preventDefault(),
    });
    this.#draw();
  }

  /** The checked configuration; throws with the command line's message. */
  config(): RunConfig {
    return configOf({ ...this.#texts, dataset: this.#chosen });
  }

  /** Takes out what no catalogue has, and throws to say so. */
  validate(): void {
    const known = (key: keyof Texts, look: (text: string) => unknown) => {
      const text = this.#texts[key];
      try {
        if (text !== undefined) look(text);
      } catch (error) {
        if (key === 'model') this.#texts.model = HERE.model!;
        else delete this.#texts[key];
        this.#draw();
        throw error;
      }
    };
    for (const key of Object.keys(this.#texts) as Key[])
      known(key, text => (key as string) === 'model' || lookUp('option in the address', key, OPTIONS).parse(labelOf(key), text));
    const named = ({ names }: Choice) => Object.fromEntries(names.map(n => [n, n]));
    known('model', text => lookUp('model', parseSpec('model', text).name, models));
    known('optimizer', text => parseSpecs('optimizer', text).forEach(({ name }) => lookUp('optimizer', name, named(optimizing))));
    known('schedule', text => lookUp('schedule', parseSpec('schedule', text).name, named(scheduling)));
    known('dataset', text =>
      check(
        this.#available.has(text) || Object.hasOwn(datasets, text),
        `data set '${text}': is not here`,
        `drop it on the page again if it was a folder of images, or take one of ${Object.keys(datasets).join(', ')}`,
      ),
    );
  }

  set(texts: Texts): void {
    this.#texts = { ...HERE, ...texts };
    this.#draw();
  }

  offer(available: ReadonlySet<string>): void {
    this.#available = available;
    this.#offer();
  }

  choose(dataset: string): void {
    this.#texts.dataset = dataset;
    this.#offer();
    this.#check();
  }

  /** The usual one where it can be had. */
  get #chosen(): string {
    return this.#texts.dataset ?? (this.#available.has(OPTIONS.dataset.default) ? OPTIONS.dataset.default : 'shapes');
  }

  #offer(): void {
    const own = [...new Set([...this.#available, this.#chosen])].filter(n => !Object.hasOwn(datasets, n));
    this.#dataset.replaceChildren(
      ...[...own, ...Object.keys(datasets)].map(n =>
        el('option', { value: n, textContent: this.#available.has(n) ? n : `${n} (not here)` }),
      ),
    );
    this.#dataset.value = this.#chosen;
    this.#datasetHint.textContent = describe(this.#chosen, this.#available.has(this.#chosen));
  }

  #draw(): void {
    const open = new Set([...this.element.querySelectorAll('details')].filter(d => d.open).map(d => d.dataset.group));
    const grouped = new Set([...HIDDEN, ...ABOVE, ...GROUPS.flatMap(([, keys]) => keys)]);
    const rest = (Object.keys(OPTIONS) as Key[]).filter(k => !grouped.has(k));
    this.#offer();
    const dataset = field('Data set', this.#dataset);
    dataset.append(this.#datasetHint, ...this.#beside);
    const group = (title: string, keys: readonly Key[]) =>
      el(
        'details',
        { open: open.has(title), 'data-group': title },
        el('summary', { textContent: title }),
        ...keys.map(key => this.#option(key)),
      );
    this.element.replaceChildren(
      this.#wrong,
      dataset,
      new SpecField('Model', modelling, this.#texts.model, text => this.#set('model', text)).element,
      ...ABOVE.slice(1).map(key => this.#option(key)),
      ...GROUPS.map(([title, keys]) => group(title, keys)),
      group('Running', rest),
    );
    this.#check();
  }

  #set(key: keyof Texts, text: string | undefined): void {
    if (text === undefined || text === '') delete this.#texts[key];
    else this.#texts[key] = text;
    this.#check();
  }

  /** Says above the form what no run can be made of. */
  #check(): void {
    let wrong = '';
    try {
      recipeOf(this.config());
    } catch (error) {
      wrong = inPageWords(error as Error);
    }
    if (this.#wrong.textContent !== wrong) this.#wrong.textContent = wrong;
    this.#wrong.hidden = !wrong;
    if (this.#lr) this.#lr.placeholder = String(optimizers[firstOptimizer(this.#texts.optimizer)]?.hyper.lr.default ?? '');
  }

  #option(key: Key): HTMLElement {
    const name = labelOf(key);
    const value = this.#texts[key];
    const fallback = OPTIONS[key].default as unknown;
    const set = (text: string) => this.#set(key, text);
    const specs = SPECS[key];
    const names = NAMES[key];
    if (specs) {
      const changed = (text: string | undefined) => this.#set(key, text === fallback ? undefined : text);
      return new SpecField(name, specs, value ?? (fallback as string | undefined), changed).element;
    }
    if (typeof fallback === 'boolean') {
      const checked = (value ?? String(fallback)) === 'true';
      const onchange = (e: Event) => set(String((e.target as HTMLInputElement).checked));
      return field(name, el('input', { type: 'checkbox', name: key, checked, onchange }), explainOption(key), true);
    }
    if (names) {
      const choices = names.map(n => [n, n || 'as each layer has them'] as const);
      const onchange = (e: Event) => set((e.target as HTMLSelectElement).value);
      return field(name, select(choices, value ?? String(fallback ?? ''), { name: key, onchange }), explainOption(key));
    }
    return field(name, this.#text(key, name, fallback === undefined ? 'none' : String(fallback)), explainOption(key));
  }

  /** The input of a number or a text, marked while it holds none that is accepted. */
  #text(key: Key, name: string, placeholder: string): HTMLInputElement {
    const input = el('input', {
      type: 'text',
      value: this.#texts[key] ?? '',
      placeholder,
      inputMode: 'decimal',
      name: key,
      autocomplete: 'off',
      spellcheck: false,
    });
    if (key === 'lr') this.#lr = input;
    input.oninput = () => {
      const text = input.value.trim();
      let wrong = '';
      try {
        if (text) OPTIONS[key].parse(name, text);
      } catch (error) {
        wrong = inPageWords(error as Error);
      }
      input.setCustomValidity(wrong);
      input.setAttribute('aria-invalid', String(Boolean(wrong)));
      input.title = wrong;
      this.#set(key, text);
    };
    return input;
  }
}

/** The name of the first optimizer; the usual one where the text cannot be read. */
function firstOptimizer(text = OPTIONS.optimizer.default): string {
  try {
    return parseSpecs('optimizer', text)[0]!.name;
  } catch {
    return OPTIONS.optimizer.default;
  }
}

/** A line about a data set, and what to do where it is not here. */
function describe(name: string, here: boolean): string {
  if (!Object.hasOwn(datasets, name)) {
    return here
      ? 'The images that were dropped here, by class.'
      : 'Not here: drop the folder on the page, one subfolder of images a class.';
  }
  const { title, shape, train, classes } = datasets[name]!;
  const about = `${title}: ${count(train)} images of ${shape.join('×')}, ${classes.length} classes.`;
  return here ? about : `${about} Not on this site: drop its files here.`;
}
