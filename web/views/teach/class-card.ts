/** A class that is taught: its name, its samples, and how it comes by more of them. */
import { counted } from '../../../engine/counted.ts';
import { button, el, pick } from '../dom.ts';
import type { Sample, TaughtClass } from '../../data/lessons.ts';
import { holdButton } from './hold.ts';
import { place, type Place } from './place.ts';
import { sampleList, type SampleActions } from './sample-list.ts';

export interface ClassActions extends SampleActions {
  /** Throws where the name cannot be. */
  rename(name: string): unknown;
  removeClass(): unknown;
  /** While the button is held. */
  begin(): void;
  end(): void;
  add(files: readonly File[]): Promise<unknown>;
}

export interface ClassCard {
  readonly element: HTMLLIElement;
  /** What is said of this class. */
  readonly place: Place;
  /** Shows its samples. */
  show(samples: readonly Sample[]): void;
}

export function classCard(own: TaughtClass, actions: ClassActions): ClassCard {
  const said = place();
  const name = el('input', {
    type: 'text',
    value: own.name,
    maxLength: 60,
    autocomplete: 'off',
    spellcheck: false,
    'aria-label': 'Name of the class',
  });
  name.onchange = () =>
    said.told(() => {
      try {
        actions.rename(name.value.trim());
        said.say();
      } finally {
        name.value = own.name;
        label();
      }
    });
  name.onkeydown = event => {
    if (event.key === 'Enter') name.blur();
  };
  const number = el('span', { class: 'count' });
  const away = button('×', () => actions.removeClass());
  const hold = holdButton('Hold to capture', actions.begin, actions.end);
  const add = button('Add pictures', () => pick({ multiple: true, accept: 'image/*' }, files => actions.add(files)));
  const samples = sampleList('', actions);
  const { list } = samples;
  let shown = 0;
  const element = el(
    'li',
    { class: 'class' },
    el('div', { class: 'head' }, name, number, away),
    el('div', { class: 'row' }, hold, add),
    said.element,
    samples.element,
  );
  /** Buttons of all classes look the same: their names say whose they are. */
  function label(): void {
    away.ariaLabel = `Remove ${own.name}`;
    hold.ariaLabel = `Hold to capture ${own.name}`;
    add.ariaLabel = `Add pictures of ${own.name}`;
    list.ariaLabel = `Samples of ${own.name}`;
  }
  label();
  return {
    element,
    place: said,
    show(all) {
      number.textContent = counted(all.length, 'sample');
      samples.show(all.map((sample, i) => ({ sample, label: `${own.name} ${i + 1}` })));
      if (all.length > shown) list.scrollTop = list.scrollHeight; // to the new ones
      shown = all.length;
    },
  };
}
