/** What stands below fields of the form: the rates of a schedule, the data set, and what augmentation makes of its images. */
import type { Key } from '../../../train/config/options.ts';
import type { Recipe } from '../../../train/config/recipe.ts';
import type { Dropped } from '../../data/dropped.ts';
import { el, told } from '../dom.ts';
import { onceSeen } from '../panel.ts';
import type { FilledPreviews } from './filled-previews.ts';
import type { RatePicture } from './rate-picture.ts';

/** Milliseconds after the last change of the form. */
const REST = 400;

export class Previews {
  readonly below: Partial<Record<Key, HTMLElement>>;
  #rates = el('div', { class: 'rates' });
  /** Loaded when its place is first seen. */
  #picture: RatePicture | undefined;
  #dataset = this.#preview('Classes and samples');
  #augment = this.#preview('What the net sees');
  /** Loaded when one of the two is first opened. */
  #filled: FilledPreviews | undefined;
  #dropped: () => Dropped;
  #recipe: Recipe | undefined;
  #later: ReturnType<typeof setTimeout> | undefined;

  /** `dropped` gives the data that was dropped on the page. */
  constructor(dropped: () => Dropped) {
    this.#dropped = dropped;
    this.below = { dataset: this.#dataset, schedule: this.#rates, augment: this.#augment };
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
    this.#later = setTimeout(() => this.#filled?.show(recipe?.config), REST);
  }

  /** A part that is filled while it is open. */
  #preview(title: string): HTMLDetailsElement {
    return el('details', { class: 'preview', ontoggle: () => void told(() => this.#fill()) }, el('summary', { textContent: title }));
  }

  async #fill(): Promise<void> {
    const { FilledPreviews } = await import('./filled-previews.ts');
    this.#filled ??= new FilledPreviews({ dataset: this.#dataset, augment: this.#augment }, this.#dropped);
    this.#filled.show(this.#recipe?.config);
  }
}
