/** What the run that is selected goes by from its next step on, as fields: rate, penalty, hyper-parameters, augmentation. */
import { parseSpecs } from '../../../../engine/spec.ts';
import { changesIn, formatChanges, type ChangedValues } from '../../../../train/config/changes.ts';
import { configAfter, withChange } from '../../../../train/config/config.ts';
import { labelOf } from '../../../../train/config/options.ts';
import { recipeOf } from '../../../../train/config/recipe-of.ts';
import type { Recipe } from '../../../../train/config/recipe.ts';
import { augmenting, optimizing, type Choice } from '../../../form/choices.ts';
import { field } from '../../../form/field.ts';
import { hintOf } from '../../../form/form.ts';
import { optionInput } from '../../../form/option-input.ts';
import { readSpecs, SpecField, writeSpecs } from '../../../form/spec-field.ts';
import { inPageWords } from '../../../words.ts';
import { button, el } from '../../dom.ts';
import type { Run } from '../../runs.ts';
import { briefly } from './marks.ts';

const ABOUT =
  'What the selected run goes by from its next step on, without a restart. Its curves are marked there, and its configuration has it.';

export class ChangePanel {
  #element: HTMLDetailsElement;
  #run: Run | undefined;
  /** The run and those of its changes whose values stand in the fields. */
  #filled = '';
  #was: Readonly<Record<string, string>> = {};
  #now: Record<string, string> = {};
  #faults = new Map<HTMLElement, Error>();
  #fields = el('div', { class: 'fields' });
  #wrong = el('p', { class: 'hint wrong', role: 'status', hidden: true });
  #change = button('Change', () => this.#apply(), { class: 'primary' });
  #made = el('ul', { class: 'made', 'aria-label': 'Changes of this run' });

  /** In `element`, which has a summary alone; it is filled while that is open. */
  constructor(element: HTMLDetailsElement) {
    this.#element = element;
    element.append(
      el('p', { class: 'hint', textContent: ABOUT }),
      this.#fields,
      this.#wrong,
      el('div', { class: 'row' }, this.#change),
      this.#made,
    );
  }

  show(run: Run | undefined): void {
    const isOther = run !== this.#run;
    this.#run = run;
    if (!this.#element.open) return;
    this.#change.disabled = !run?.facts || !['running', 'paused', 'done'].includes(run.state) || run.who.length > 0;
    const made = run ? changesIn(run.config).filter(({ after }) => after <= run.step) : [];
    const filled = run ? `${run.id} ${formatChanges(made)}` : '';
    if (filled === this.#filled) return;
    this.#made.replaceChildren(...made.map(({ after, values }) => el('li', { textContent: `After step ${after}: ${briefly(values)}` })));
    if (!isOther && this.#filled && Object.keys(this.#changed).length) return; // what was typed stays
    this.#filled = filled;
    this.#say('');
    this.#fill(run);
  }

  /** What stands in the fields of a run and is not what it goes by. Throws where it cannot be. */
  valuesFor(run: Run): ChangedValues {
    if (!this.#element.open || run !== this.#run) return {};
    for (const [input, fault] of this.#faults) if (this.#fields.contains(input)) throw fault;
    const values = this.#changed;
    recipeOf(withChange(run.config, run.step, values));
    return values;
  }

  get #changed(): ChangedValues {
    return Object.fromEntries(Object.entries(this.#now).filter(([key, text]) => text !== this.#was[key]));
  }

  async #apply(): Promise<void> {
    const run = this.#run!;
    try {
      const values = this.valuesFor(run);
      if (!Object.keys(values).length) {
        this.#say('Nothing is other than the run has it.');
        return;
      }
      await run.change(values);
      this.#filled = '';
      this.show(run);
    } catch (error) {
      this.#say(inPageWords(error as Error));
    }
  }

  #say(wrong: string): void {
    this.#wrong.textContent = wrong;
    this.#wrong.hidden = !wrong;
  }

  #fill(run: Run | undefined): void {
    this.#faults.clear();
    const recipe = run && recipeOf(configAfter(run.config, run.step));
    const { lr, weightDecay, augment } = recipe?.config ?? {};
    const [method, ...others] = recipe?.optimizers ?? [];
    this.#was = {
      ...(method &&
        !others.length && { lr: String(lr), weightDecay: String(weightDecay ?? method.hyper.weight_decay ?? ''), ...hyperOf(method) }),
      augment: writeSpecs(augmenting, readSpecs(augmenting, augment)) ?? 'none',
    };
    this.#now = { ...this.#was };
    this.#fields.replaceChildren(...(recipe ? this.#fieldsOf(recipe) : []));
  }

  #fieldsOf({ config, optimizers: [method, ...others] }: Recipe): HTMLElement[] {
    const refused = (input: HTMLElement, fault: Error | undefined) => {
      if (fault) this.#faults.set(input, fault);
      else this.#faults.delete(input);
    };
    const number = (key: 'lr' | 'weightDecay', empty: string) => {
      const changed = (text: string) => {
        this.#now[key] = text || empty;
      };
      return field(labelOf(key), optionInput(key, this.#was[key]!, empty, changed), hintOf(key));
    };
    const augmented = new SpecField(
      labelOf('augment'),
      augmenting,
      config.augment,
      text => {
        this.#now.augment = text ?? 'none';
      },
      refused,
    );
    if (others.length) return [augmented.element]; // which of them has the rate depends on the step
    const tuned = new SpecField(
      labelOf('optimizer'),
      only(method!.name),
      config.optimizer,
      text => {
        const { options } = parseSpecs('optimizer', text!)[0]!;
        for (const key of Object.keys(hyperOf(method!))) {
          this.#now[key] = String(
            options[key] === undefined ? optimizing.options(method!.name, ALONE)[key]!.default : Number(options[key]),
          );
        }
      },
      refused,
    );
    return [number('lr', this.#was.lr!), tuned.element, number('weightDecay', this.#was.weightDecay! && '0'), augmented.element];
  }
}

/** The place of an optimizer that is the only one. */
const ALONE = { index: 0, last: true };

/** Hyper-parameters that have no field of their own. */
const hyperOf = ({ hyper: { lr: _, weight_decay: __, ...hyper } }: Recipe['optimizers'][number]): Record<string, string> =>
  Object.fromEntries(Object.entries(hyper).map(([key, value]) => [key, String(value)]));

/** The choice of one optimizer, whose hyper-parameters are to be changed. */
const only = (name: string): Choice => ({
  names: [name],
  explain: optimizing.explain,
  options(of, place) {
    const { weight_decay: _, ...hyper } = optimizing.options(of, place);
    return hyper;
  },
});
