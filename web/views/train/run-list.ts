/** The list of runs: rows are made once and only their words change, since whoever presses or focuses one would lose it otherwise. */
import { figuresOf } from '../../../train/evaluate/score.ts';
import { bestOf } from '../../../train/step/metrics.ts';
import { button, el } from '../dom.ts';
import type { Run } from '../runs.ts';
import { namesOf } from './run-names.ts';

interface Acts {
  select(run: Run): void;
  /** Puts its configuration into the form. */
  use(run: Run): void;
  remove(run: Run): void;
  /** Draws its curves, or does not. */
  hide(run: Run): void;
  /** Lets its curves stand out, or none. */
  highlight(run: Run | undefined): void;
}

interface Row {
  readonly element: HTMLElement;
  show(run: Run, name: string, selected: boolean): void;
}

export class RunList {
  readonly element: HTMLElement;
  #acts: Acts;
  #list = el('ul', { 'aria-label': 'Runs' });
  #rows = new Map<Run, Row>();

  constructor(acts: Acts) {
    this.#acts = acts;
    this.element = el('div', { class: 'runs', hidden: true }, this.#list);
  }

  show(runs: readonly Run[], selected: Run | undefined): void {
    for (const [run, { element }] of this.#rows) {
      if (runs.includes(run)) continue;
      element.remove();
      this.#rows.delete(run);
    }
    const names = namesOf(runs);
    for (const [i, run] of runs.entries()) {
      let row = this.#rows.get(run);
      if (!row) {
        this.#rows.set(run, (row = rowOf(run, this.#acts)));
        this.#list.append(row.element);
      }
      row.show(run, names[i]!.name, run === selected);
    }
    this.element.hidden = !runs.length;
  }
}

function rowOf(run: Run, acts: Acts): Row {
  const swatch = el('span', { class: 'swatch', 'aria-hidden': 'true' });
  const named = el('span');
  const state = el('span', { class: 'quiet' });
  const pick = button('', () => acts.select(run), { class: 'pick' });
  pick.append(swatch, named);
  const hide = button('Hide', () => acts.hide(run), { title: 'Draws the curves of this run, or does not' });
  const number = run.id + 1;
  const element = el(
    'li',
    {
      onmouseenter: () => acts.highlight(run),
      onmouseleave: () => acts.highlight(undefined),
      onfocusin: () => acts.highlight(run),
      onfocusout: () => acts.highlight(undefined),
    },
    pick,
    state,
    hide,
    button('Use', () => acts.use(run), {
      title: 'Put this configuration into the form',
      'aria-label': `Use the configuration of run ${number}`,
    }),
    button('×', () => acts.remove(run), { 'aria-label': `Remove run ${number}` }),
  );
  return {
    element,
    show(_, name, selected) {
      swatch.style.background = run.colour;
      put(named, name);
      put(state, `${run.state}, step ${run.step}${bestWords(run)}`);
      put(hide, run.hidden ? 'Show' : 'Hide');
      hide.setAttribute('aria-label', `${run.hidden ? 'Show' : 'Hide'} the curves of run ${number}`);
      pick.setAttribute('aria-pressed', String(selected));
      element.className = selected ? 'selected' : '';
    },
  };
}

/** Text that stays the same is left alone: to set it would end a selection. */
function put(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** The best validation of a run, in a few words. */
function bestWords(run: Run): string {
  const best = bestOf(run.validation);
  return best ? `, best validation ${figuresOf(best)[0]![1]}` : '';
}
