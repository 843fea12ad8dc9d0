/** Training in Teach: one press, how far it is, what came of it, and the samples that it confuses. */
import { confusionTable, insteadOfTable, MOST, PAIRS } from '../looking/confusion.ts';
import { confusedMost } from '../looking/order.ts';
import { button, count, el, percent } from '../dom.ts';
import type { Sample, TaughtClass } from '../../data/lessons.ts';
import { place, type Place } from './place.ts';
import { sampleList, type SampleActions } from './sample-list.ts';

/** A sample, its class, and the probabilities of classes by a net that has not learned from it. */
export interface CheckedSample {
  readonly sample: Sample;
  readonly label: number;
  readonly probabilities: Float32Array;
}

export interface Training {
  readonly element: HTMLElement;
  /** The samples that it confuses, once there are some known. */
  readonly results: HTMLElement;
  readonly place: Place;
  /** How far training is; undefined where it is not going on. */
  progress(share: number | undefined): void;
  /** The numbers that are known now. */
  numbers(known: { readonly samples?: number; readonly learned?: number; readonly seconds?: number }): void;
  /** Nothing is known any more, and nothing to be said. */
  clear(): void;
  /** What was held out; nothing where it is not known (any more). */
  checked(classes: readonly TaughtClass[], all: readonly CheckedSample[]): void;
}

/** Confused samples that are shown, the most confident mistakes first. */
const SHOWN = 60;

export function training(train: () => unknown, actions: SampleActions): Training {
  const said = place();
  const start = button('Train', train, { class: 'primary' });
  const bar = el('progress', { max: 1, value: 0, 'aria-label': 'Training' });
  const fact = (title: string) => {
    const value = el('dd', { textContent: '–' });
    return { value, box: el('div', {}, el('dt', { textContent: title }), value) };
  };
  const facts = {
    samples: fact('Samples'),
    learned: fact('Training accuracy'),
    held: fact('Held-out accuracy'),
    seconds: fact('Seconds'),
  };
  const confused = sampleList('Confused samples', actions);
  const hint = el('p', { class: 'hint' });
  const table = el('div');
  const results = el(
    'section',
    { class: 'panel confused', 'aria-label': 'Confused samples', hidden: true },
    el('h2', { textContent: 'Confused samples' }),
    hint,
    el('div', { class: 'both' }, confused.element, table),
  );
  const element = el(
    'section',
    { class: 'panel training', 'aria-label': 'Train' },
    el('h2', { textContent: 'Train' }),
    el('div', { class: 'row' }, start, bar),
    said.element,
    el('dl', { class: 'facts' }, ...Object.values(facts).map(({ box }) => box)),
  );
  return {
    element,
    results,
    place: said,
    progress(share) {
      start.disabled = share !== undefined;
      bar.value = share ?? 0;
    },
    numbers({ samples, learned, seconds }) {
      if (samples !== undefined) facts.samples.value.textContent = count(samples);
      if (learned !== undefined) facts.learned.value.textContent = percent(learned);
      if (seconds !== undefined) facts.seconds.value.textContent = seconds.toFixed(1);
    },
    clear() {
      for (const { value } of [facts.learned, facts.seconds]) value.textContent = '–';
      said.say();
    },
    checked(classes, all) {
      const judged = all.map(one => ({ ...one, answer: one.probabilities.indexOf(Math.max(...one.probabilities)) }));
      const wrong = judged.filter(({ label, answer }) => answer !== label);
      const sure = ({ probabilities, answer }: (typeof judged)[number]) => probabilities[answer]!;
      results.hidden = !all.length;
      facts.held.value.textContent = all.length ? percent(1 - wrong.length / all.length) : '–';
      if (!all.length) return;
      hint.textContent = wrong.length
        ? `${count(wrong.length)} of ${count(all.length)} were taken for another class by a net that had not learned from them, the most confident mistakes first. Delete what is bad, move what is in the wrong class, and train again.`
        : `None of ${count(all.length)}: nets that had not learned from them had them all right.`;
      confused.element.hidden = !wrong.length;
      const worst = wrong.sort((a, b) => sure(b) - sure(a)).slice(0, SHOWN);
      confused.show(
        worst.map(one => {
          const caption = `${classes[one.label]!.name} → ${classes[one.answer]!.name} ${percent(sure(one))}`;
          return { sample: one.sample, caption, label: caption };
        }),
      );
      const counts = new Uint32Array(classes.length ** 2);
      for (const { label, answer } of judged) counts[label * classes.length + answer]!++;
      const names = classes.map(({ name }) => name);
      if (names.length > MOST) {
        const pairs = confusedMost(counts, names.length, PAIRS);
        const row = ({ label, answer, images }: (typeof pairs)[number]) =>
          el('li', { textContent: `${names[label]} → ${names[answer]} ${count(images)}` });
        table.replaceChildren(...(pairs.length ? [insteadOfTable(names.length), el('ul', {}, ...pairs.map(row))] : []));
        return;
      }
      const { element, show } = confusionTable(names);
      show(counts);
      table.replaceChildren(element);
    },
  };
}
