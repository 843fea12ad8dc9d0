import { labelOf, optionOf, type Key } from '../../train/config/options.ts';
import { el } from '../views/dom.ts';
import { inPageWords } from '../words.ts';
import { mark } from './field.ts';

/** The input of an option that is a number or a text, marked while it holds none that is accepted; `changed` is told what it holds. */
export function optionInput(key: Key, value: string, placeholder: string, changed: (text: string) => void): HTMLInputElement {
  const { range } = optionOf(key).type;
  const input = el('input', {
    type: 'text',
    value,
    placeholder,
    inputMode: range ? (range.integer ? 'numeric' : 'decimal') : 'text',
    autocomplete: 'off',
    spellcheck: false,
    oninput: () => {
      const text = input.value.trim();
      let wrong = '';
      try {
        if (text) optionOf(key).type.parse(labelOf(key), text);
      } catch (error) {
        wrong = inPageWords(error as Error);
      }
      mark(input, wrong);
      changed(text);
    },
  });
  return input;
}
