/** A line where something is said of what is beside it; it keeps its room, so that nothing moves when it comes. */
import { inPageWords } from '../../words.ts';
import { button, el } from '../dom.ts';

export interface Place {
  readonly element: HTMLElement;
  /** Says something, with what can be done about it at a press; nothing takes it away. */
  say(text?: string, act?: { readonly label: string; readonly press: () => unknown }): void;
  /** Does something, and says what went wrong. Resolves to whether nothing did. */
  told(work: () => unknown): Promise<boolean>;
}

export function place(): Place {
  const element = el('p', { class: 'place', role: 'status' });
  const say: Place['say'] = (text = '', act) => {
    element.classList.remove('wrong');
    element.replaceChildren(text);
    if (act) element.append(' ', button(act.label, act.press));
  };
  return {
    element,
    say,
    async told(work) {
      try {
        await work();
        return true;
      } catch (error) {
        say(inPageWords(error as Error));
        element.classList.add('wrong');
        return false;
      }
    },
  };
}
