/** What stands below fields of the form: the rates of a schedule, the data set, and what augmentation makes of its images. */
import { readingOf, type RunConfig } from '../../../train/config/config.ts';
import type { Key } from '../../../train/config/options.ts';
import type { Recipe } from '../../../train/config/recipe.ts';
import type { Dropped } from '../../data/dropped.ts';
import { inPageWords } from '../../words.ts';
import { Engine, RUNS } from '../../worker/client.ts';
import { el } from '../dom.ts';
import { onceSeen, quiet } from '../panel.ts';
import type { RatePicture } from './rate-picture.ts';

/** Milliseconds after the last change of the form. */
const REST = 400;

/** A part that is filled while it is open. */
interface Preview {
  readonly element: HTMLDetailsElement;
  /** Fills it with what is so for a configuration, unless it is filled with that. */
  fill(config: RunConfig | undefined): void;
}

export class Previews {
  readonly below: Partial<Record<Key, HTMLElement>>;
  #rates = el('div', { class: 'rates' });
  /** Loaded when its place is first seen. */
  #picture: RatePicture | undefined;
  #engine: Engine | undefined;
  #recipe: Recipe | undefined;
  #all: readonly Preview[];
  #later: ReturnType<typeof setTimeout> | undefined;

  /** `dropped` gives the data that was dropped on the page. */
  constructor(dropped: () => Dropped) {
    const engine = () => (this.#engine ??= new Engine(undefined, RUNS));
    const given = (config: RunConfig) => [config, document.baseURI, dropped()] as const;
    const data = this.#preview(
      'Classes and samples',
      config => [config.dataset, readingOf(config)],
      async config => (await import('./preview-pictures.ts')).dataTable(await engine().call('previewData', ...given(config))),
    );
    const augment = this.#preview(
      'What the net sees',
      config => [config.dataset, readingOf(config), config.augment, config.seed],
      async config => (await import('./preview-pictures.ts')).augmentedRows(await engine().call('previewAugment', ...given(config))),
    );
    this.#all = [data, augment];
    this.below = { dataset: data.element, schedule: this.#rates, augment: augment.element };
    onceSeen(this.#rates, async () => {
      const { ratePicture } = await import('./rate-picture.ts');
      this.#picture = ratePicture(this.#rates);
      this.#picture.show(this.#recipe);
    });
  }

  /** What the form says now; nothing where no run can be made of it. */
  show(recipe: Recipe | undefined): void {
    this.#recipe = recipe;
    this.#picture?.show(recipe);
    clearTimeout(this.#later);
    this.#later = setTimeout(() => this.#fill(), REST);
  }

  #fill(): void {
    for (const preview of this.#all) preview.fill(this.#recipe?.config);
    if (this.#all.some(({ element }) => element.open)) return;
    void this.#engine?.close();
    this.#engine = undefined;
  }

  #preview(title: string, keyOf: (config: RunConfig) => unknown, make: (config: RunConfig) => Promise<HTMLElement>): Preview {
    const body = el('div', { 'aria-live': 'polite' });
    const element = el('details', { class: 'preview', ontoggle: () => this.#fill() }, el('summary', { textContent: title }), body);
    let shown: string | undefined;
    return {
      element,
      fill(config) {
        if (!element.open || !config) return;
        const key = JSON.stringify(keyOf(config));
        if (key === shown) return;
        shown = key;
        if (!body.childElementCount) body.replaceChildren(quiet('Loading …'));
        void make(config)
          .catch((error: Error) => {
            if (shown === key) shown = undefined;
            return el('p', { class: 'hint wrong', textContent: inPageWords(error) });
          })
          .then(made => {
            if (shown === key || shown === undefined) body.replaceChildren(made);
          });
      },
    };
  }
}
