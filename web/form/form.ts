/** The form of a configuration, made from the options of the command line. */
import { datasetFrom, datasets, knownName } from '../../datasets/index.ts';
import { check, lookUp } from '../../engine/check.ts';
import { optimizers } from '../../optim/index.ts';
import { checkNoFolder, type RunConfig } from '../../train/config/config.ts';
import { GROUPS } from '../../train/config/option.ts';
import { KEYS, labelOf, optionOf, OPTIONS, type Key } from '../../train/config/options.ts';
import { checkFeasible } from '../../train/config/feasible.ts';
import type { Recipe } from '../../train/config/recipe.ts';
import { recipeOf } from '../../train/config/recipe-of.ts';
import { augmenting, modelling, optimizing, scheduling, type Choice } from './choices.ts';
import { capital, count, el, select } from '../views/dom.ts';
import { field, mark, type Hint } from './field.ts';
import { optionInput } from './option-input.ts';
import { SpecField } from './spec-field.ts';
import { configOf, HERE, type Texts } from './texts.ts';
import { inPageWords } from '../words.ts';

/** Written with names and options of their own. */
const SPECS: Partial<Record<Key | 'model', Choice>> = {
  model: modelling,
  optimizer: optimizing,
  schedule: scheduling,
  augment: augmenting,
};

/** What is around a form. */
export interface Around {
  /** Elements that stand below the fields of some options. */
  readonly below: Partial<Record<Key, HTMLElement>>;
  /** Told of each change: the recipe of what stands there, nothing where no run can be made of it. */
  readonly changed: (recipe: Recipe | undefined) => void;
  /** Told which data set is chosen, and whether it can be had now. */
  readonly chosen: (name: string, isHere: boolean) => void;
}

/** What is said below an option's field. */
export function hintOf(key: Key): Hint {
  const { help, hint, formula } = optionOf(key);
  return { about: hint ?? `${capital(help)}.`, formula };
}

export class ConfigForm {
  readonly element: HTMLFormElement;
  #texts: Texts;
  /** What an address, a run or the visit before has put in. */
  #given: Texts;
  #available: ReadonlySet<string>;
  #dataset: HTMLSelectElement;
  #datasetHint = el('p', { class: 'hint', id: 'dataset-hint' });
  #datasetOptions = el('input', {
    type: 'text',
    name: 'datasetOptions',
    autocomplete: 'off',
    spellcheck: false,
    id: 'dataset-options',
    'aria-label': 'Options of the data set',
    oninput: () => {
      const text = this.#datasetOptions.value.trim();
      const [name] = this.#named;
      this.choose(text ? `${name}:${text}` : name);
    },
  });
  #lr: HTMLInputElement | undefined;
  #optimizer: SpecField | undefined;
  #beside: readonly HTMLElement[];
  #around: Around;
  #wrong = el('p', { class: 'hint wrong', role: 'status' });
  /** What is wrong with inputs whose texts are in no configuration. */
  #faults = new Map<HTMLElement, Error>();

  /** `beside` stands with the choice of the data set. */
  constructor(texts: Texts, available: ReadonlySet<string>, around: Around, ...beside: HTMLElement[]) {
    this.#beside = beside;
    this.#around = around;
    this.#texts = { ...HERE, ...texts };
    this.#given = texts;
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
    for (const [input, fault] of this.#faults) if (this.element.contains(input)) throw fault;
    const config = configOf({ ...this.#texts, dataset: this.#chosen });
    if (knownName(this.#chosen) !== undefined) checkNoFolder(config);
    return config;
  }

  /** Takes out the first given text that no run can be made of, and throws to say why. What was typed since is marked at its field. */
  validate(): void {
    for (const [key, text] of Object.entries(this.#given) as [keyof Texts, string][]) {
      if (this.#texts[key] !== text) continue;
      try {
        if (key !== 'model') lookUp('option in the address', key, OPTIONS).type.parse(labelOf(key), text);
        if (SPECS[key]) recipeOf(configOf({ [key]: text }));
        if (key === 'dataset') this.#checkDataset(text);
      } catch (error) {
        if (key === 'model') this.#texts.model = HERE.model!;
        else delete this.#texts[key];
        this.#draw();
        throw error;
      }
    }
  }

  #checkDataset(name: string): void {
    if (knownName(name) !== undefined) return void datasetFrom(name);
    check(
      this.#available.has(name),
      `data set '${name}': is not here`,
      'drop it on the page again if it was a folder of images',
      `take one of ${Object.keys(datasets).join(', ')}`,
    );
  }

  set(texts: Texts): void {
    this.#texts = { ...HERE, ...texts };
    this.#given = texts;
    this.#draw();
  }

  /** As they stand there, wrong ones too. */
  get texts(): Texts {
    return { ...this.#texts };
  }

  offer(available: ReadonlySet<string>): void {
    this.#available = available;
    this.#offer();
    this.#check(); // the usual data set may be another one now
  }

  /** Puts the text of one option in its field. */
  put(key: Key, text: string): void {
    this.#texts[key] = text;
    this.#draw();
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

  /** The chosen data set, and the options that follow its name. */
  get #named(): readonly [name: string, options: string] {
    const name = knownName(this.#chosen);
    return name === undefined ? [this.#chosen, ''] : [name, this.#chosen.slice(name.length + 1)];
  }

  #offer(): void {
    const [name, options] = this.#named;
    const own = [...new Set([...this.#available, name])].filter(n => !Object.hasOwn(datasets, n));
    this.#dataset.replaceChildren(
      ...[...own, ...Object.keys(datasets)].map(n =>
        el('option', { value: n, textContent: this.#available.has(n) ? n : `${n} (not here)` }),
      ),
    );
    this.#dataset.value = name;
    this.#datasetHint.textContent = describe(name, this.#available.has(name));
    this.#around.chosen(name, this.#available.has(name));
    const parameters = datasets[name]?.options;
    this.#datasetOptions.hidden = !parameters;
    this.#datasetOptions.placeholder = Object.entries(parameters ?? {})
      .map(([key, { example }]) => `${key}=${example}`)
      .join(',');
    if (document.activeElement !== this.#datasetOptions) this.#datasetOptions.value = options;
  }

  #draw(): void {
    const open = new Set([...this.element.querySelectorAll('details')].filter(d => d.open).map(d => d.dataset.group));
    this.#offer();
    const dataset = field(labelOf('dataset'), this.#dataset);
    const { below } = this.#around;
    dataset.append(this.#datasetOptions, this.#datasetHint, ...this.#beside, ...(below.dataset ? [below.dataset] : []));
    const [basics, ...others] = GROUPS.map(title => ({ title, keys: KEYS.filter(key => optionOf(key).group === title) }));
    this.element.replaceChildren(
      this.#wrong,
      dataset,
      this.#spec('Model', modelling, this.#texts.model, text => this.#set('model', text)).element,
      ...basics!.keys.filter(key => key !== 'dataset').map(key => this.#option(key)),
      ...others.map(({ title, keys }) =>
        el(
          'details',
          { open: open.has(title), 'data-group': title },
          el('summary', { textContent: title }),
          ...keys.map(key => this.#option(key)),
        ),
      ),
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
    let recipe: Recipe | undefined;
    try {
      mark(this.#datasetOptions, '');
      try {
        if (knownName(this.#chosen) !== undefined) datasetFrom(this.#chosen);
      } catch (error) {
        mark(this.#datasetOptions, inPageWords(error as Error));
        throw error;
      }
      const asked = recipeOf(this.config());
      checkFeasible(asked);
      recipe = asked;
    } catch (error) {
      wrong = inPageWords(error as Error);
    }
    this.#around.changed(recipe);
    if (this.#wrong.textContent !== wrong) this.#wrong.textContent = wrong;
    this.#wrong.hidden = !wrong;
    if (this.#lr && this.#optimizer) this.#lr.placeholder = String(optimizers[this.#optimizer.names[0]!]!.hyper.lr.default);
  }

  #spec(label: string, choice: Choice, text: string | undefined, changed: (text: string | undefined) => void): SpecField {
    return new SpecField(label, choice, text, changed, (input, fault) => {
      if (fault) this.#faults.set(input, fault);
      else this.#faults.delete(input);
    });
  }

  #option(key: Key): HTMLElement {
    const { default: fallback, type, unset = 'none' } = optionOf(key);
    const name = labelOf(key);
    const below = hintOf(key);
    const usual = fallback === undefined ? '' : String(fallback);
    const value = this.#texts[key] ?? usual;
    const set = (text: string) => this.#set(key, text);
    const specs = SPECS[key];
    if (specs) {
      const made = this.#spec(name, specs, value, text => this.#set(key, text === usual ? undefined : text));
      if (key === 'optimizer') this.#optimizer = made;
      const below = this.#around.below[key];
      return below ? el('div', {}, made.element, below) : made.element;
    }
    if (typeof fallback === 'boolean') {
      return this.#switch(key, value, set);
    }
    if (type.choices) {
      const own = value && !type.choices.includes(value) ? [value] : [];
      const choices = [...(usual ? [] : [['', unset] as const]), ...[...type.choices, ...own].map(c => [c, c] as const)];
      const onchange = (e: Event) => set((e.target as HTMLSelectElement).value);
      return field(name, select(choices, value, { name: key, onchange }), below);
    }
    const input = optionInput(key, this.#texts[key] ?? '', usual || unset, set);
    input.name = key;
    if (key === 'lr') this.#lr = input;
    const made = field(name, input, below);
    const own = this.#around.below[key];
    if (own) made.append(own);
    return made;
  }

  /** A box, with a number beside it where one may say how far. */
  #switch(key: Key, value: string, set: (text: string) => void): HTMLElement {
    const { range, measure } = optionOf(key).type;
    const name = labelOf(key);
    const far = optionInput(key, ['true', 'false'].includes(value) ? '' : value, `any ${measure}`, text => {
      box.checked ||= text !== '';
      set(box.checked ? text || 'true' : 'false');
    });
    far.setAttribute('aria-label', `${name}: ${measure}`);
    far.id = `${key}-${measure}`;
    const onchange = () => {
      if (box.checked) return far.dispatchEvent(new Event('input')); // which reads its number, and may say what is wrong with it
      mark(far, '');
      return set('false');
    };
    const box = el('input', { type: 'checkbox', name: key, checked: value !== 'false', onchange });
    const whole = field(name, box, hintOf(key), true);
    if (range) whole.append(far);
    return whole;
  }
}

/** A line about a data set, and what to do where it is not here. */
function describe(name: string, here: boolean): string {
  if (!Object.hasOwn(datasets, name)) {
    return here
      ? 'The images that were dropped here, by class.'
      : 'Not here: drop the folder on the page, one subfolder of images a class.';
  }
  const { title, shape, train, classes, outputs } = datasets[name]!;
  if (outputs) return `${title}: a regression, of ${count(train)} points if nothing else is said.`;
  const about = `${title}: ${count(train)} images of ${shape.join('×')}, ${classes.length} classes.`;
  return here ? about : `${about} Not on this site: drop its files here.`;
}
