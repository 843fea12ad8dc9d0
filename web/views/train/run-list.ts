/** The list of runs: rows are made once and only their words change, since whoever presses or focuses one would lose it otherwise. */
import { figuresOf } from '../../../train/evaluate/score.ts';
import { bestOf } from '../../../train/step/metrics.ts';
import { button, el, percent, select } from '../dom.ts';
import type { Run } from '../runs.ts';
import { namesOf } from './run-names.ts';
import { ORDERS, type Listed } from './run-order.ts';

interface Acts {
  select(run: Run): void;
  /** Puts its configuration into the form. */
  use(run: Run): void;
  remove(run: Run): void;
  /** Brings back the run that was removed last. */
  undo(): void;
  note(run: Run, notes: string): void;
  /** Draws its curves, or does not. */
  hide(run: Run): void;
  /** Lets its curves stand out, or none. */
  highlight(run: Run | undefined): void;
}

interface Row {
  readonly element: HTMLElement;
  show(run: Run, name: string, selected: boolean): void;
  focus(): void;
}

const NAMES = Object.keys(ORDERS);

export class RunList {
  readonly element: HTMLElement;
  #acts: Acts;
  #list = el('ul', { 'aria-label': 'Runs', onmouseleave: () => this.#settle() });
  #rows = new Map<Run, Row>();
  #order = select(
    NAMES.map(name => [name, name] as const),
    NAMES[0]!,
    { onchange: () => this.#sort() },
  );
  #ordered = el('label', { class: 'row small' }, 'Sort runs', this.#order);
  #listed: readonly (Listed & { readonly run: Run })[] = [];
  /** That a run was removed, and how it comes back. */
  #gone = el('span', { role: 'status' });
  #undo = button('Undo', () => {
    const run = this.#removed!;
    this.#acts.undo();
    this.#focused = run;
  });
  #removal = el('p', { class: 'row small', hidden: true }, this.#gone, this.#undo);
  #removed: Run | undefined;
  /** Whose row is given the keyboard once it is there. */
  #focused: Run | undefined;

  constructor(acts: Acts) {
    this.#acts = acts;
    this.element = el('div', { class: 'runs', hidden: true }, this.#ordered, this.#list, this.#removal);
  }

  /** `removed` can be brought back. */
  show(runs: readonly Run[], selected: Run | undefined, removed: Run | undefined): void {
    this.element.hidden = !runs.length && !removed;
    this.#ordered.hidden = runs.length < 2;
    this.#tellOf(removed);
    for (const [run, { element }] of this.#rows) {
      if (runs.includes(run)) continue;
      element.remove();
      this.#rows.delete(run);
    }
    const names = namesOf(runs);
    this.#listed = runs.map((run, i) => ({ run, differs: names[i]!.differs }));
    for (const [i, run] of runs.entries()) {
      let row = this.#rows.get(run);
      if (!row) {
        this.#rows.set(run, (row = rowOf(run, this.#acts)));
        this.#list.insertBefore(row.element, this.#list.children[i] ?? null);
      }
      row.show(run, names[i]!.name, run === selected);
    }
    this.#settle();
    if (this.#focused) this.#rows.get(this.#focused)?.focus();
    this.#focused = undefined;
  }

  /** Sorts, unless a row would move away from who is at one. */
  #settle(): void {
    if (!this.#list.matches(':hover, :focus-within')) this.#sort();
  }

  /** Puts the rows in the order that is chosen. */
  #sort(): void {
    const rows = this.#listed.toSorted(ORDERS[this.#order.value]!).map(({ run }) => this.#rows.get(run)!.element);
    if (rows.some((row, i) => row !== this.#list.children[i])) this.#list.append(...rows);
  }

  #tellOf(removed: Run | undefined): void {
    if (removed === this.#removed) return;
    const had = this.#list.contains(document.activeElement) || this.#removal.contains(document.activeElement);
    this.#removed = removed;
    this.#removal.hidden = !removed;
    put(this.#gone, removed ? `Run ${removed.id + 1} removed` : '');
    if (removed && had) this.#undo.focus(); // the button that was pressed goes with its row
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
  const notes = el('input', {
    type: 'text',
    class: 'notes',
    placeholder: 'Notes',
    value: run.notes,
    maxLength: 500,
    'aria-label': `Notes on run ${number}`,
    oninput: () => acts.note(run, notes.value),
  });
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
    notes,
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
      const { branched } = run;
      const origin = branched ? `, branched from run ${branched.from} at step ${branched.step}` : '';
      put(state, `${run.state}, step ${run.step}${bestWords(run)}${origin}`);
      put(hide, run.hidden ? 'Show' : 'Hide');
      hide.setAttribute('aria-label', `${run.hidden ? 'Show' : 'Hide'} the curves of run ${number}`);
      pick.setAttribute('aria-pressed', String(selected));
      element.className = selected ? 'selected' : '';
    },
    focus: () => pick.focus(),
  };
}

/** Text that stays the same is left alone: to set it would end a selection. */
function put(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** The best validation of a run, in a few words. */
function bestWords(run: Run): string {
  const best = bestOf(run.validation);
  return best ? `, best validation ${figuresOf(best, percent)[0]![1]}` : '';
}
