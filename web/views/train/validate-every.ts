/** The field that says how often a run is evaluated on validation images: of the page alone, and so no option of the form. */
import { parseNumber } from '../../../engine/spec.ts';
import { field, mark } from '../../form/field.ts';
import { inPageWords } from '../../words.ts';
import { el } from '../dom.ts';

const USUAL = '50';
const ABOUT =
  'Steps between evaluations on as many validation images as take a tenth of the time; all of them after each epoch, and with 0 then only.';

export class ValidateEvery {
  readonly element: HTMLElement;
  #input = el('input', { type: 'text', value: USUAL, inputMode: 'numeric', name: 'evalEvery', oninput: () => this.#check() });

  constructor(text = USUAL) {
    this.#input.value = text;
    this.element = field('Validate every', this.#input, { about: ABOUT });
  }

  /** Steps; throws where the field holds no number of them. */
  get steps(): number {
    return parseNumber('Validate every', this.#input.value.trim() || '0', { integer: true, min: 0 });
  }

  /** What stands in an address; nothing where it is as usual. */
  get text(): string | undefined {
    const { value } = this.#input;
    return value === USUAL ? undefined : value;
  }

  set(text = USUAL): void {
    this.#input.value = text;
    this.#check();
  }

  #check(): void {
    let wrong = '';
    try {
      void this.steps;
    } catch (error) {
      wrong = inPageWords(error as Error);
    }
    mark(this.#input, wrong);
  }
}
