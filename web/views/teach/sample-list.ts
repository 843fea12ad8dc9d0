/** Samples as pictures, of which one chooses some to delete them or move them to another class. */
import { button, count, el } from '../dom.ts';
import type { Sample, TaughtClass } from '../../data/lessons.ts';

export interface Shown {
  readonly sample: Sample;
  readonly label: string;
  /** Below the picture. */
  readonly caption?: string;
}

export interface SampleActions {
  classes(): readonly TaughtClass[];
  remove(samples: readonly Sample[]): unknown;
  move(samples: readonly Sample[], to: TaughtClass): unknown;
}

export interface SampleList {
  readonly element: HTMLElement;
  /** The pictures alone. */
  readonly list: HTMLElement;
  show(all: readonly Shown[]): void;
}

export function sampleList(label: string, actions: SampleActions): SampleList {
  const options = new Map<Sample, HTMLLIElement>();
  const chosen = new Set<Sample>();
  const list = el('ul', { class: 'samples', role: 'listbox', 'aria-multiselectable': 'true', 'aria-label': label });
  const all = (): HTMLElement[] => [...list.children] as HTMLElement[];
  const sampleAt = (option: Element | null) => [...options].find(([, own]) => own === option)?.[0];
  let last: HTMLElement | undefined;

  const said = el('span', { class: 'hint' });
  const remove = button('Delete', () => act(samples => actions.remove(samples)));
  const move = el('select', {
    'aria-label': 'Move the chosen samples to',
    onchange: () => {
      const to = actions.classes().find(({ id }) => id === move.value);
      move.value = '';
      if (to) act(samples => actions.move(samples, to));
    },
  });
  const element = el('div', { class: 'sample-list' }, list, el('div', { class: 'row small' }, remove, move, said));

  function act(work: (samples: readonly Sample[]) => unknown): void {
    const samples = [...chosen];
    const held = list.contains(document.activeElement) || document.activeElement === remove || document.activeElement === move;
    const at = all().findIndex(option => option.ariaSelected === 'true');
    chosen.clear();
    work(samples);
    drawTools();
    if (held) focus(all()[Math.min(at, all().length - 1)]);
  }

  function focus(option: HTMLElement | undefined): void {
    for (const other of all()) other.tabIndex = other === option ? 0 : -1;
    option?.focus();
  }

  function choose(option: HTMLElement, chooses: boolean): void {
    const sample = sampleAt(option)!;
    if (chooses) chosen.add(sample);
    else chosen.delete(sample);
    option.ariaSelected = String(chooses);
  }

  function drawTools(): void {
    // with nothing to move they would be classes times classes, made anew with each sample
    const classes = chosen.size ? actions.classes() : [];
    move.replaceChildren(
      el('option', { value: '', textContent: 'Move to …' }),
      ...classes.map(({ id, name }) => el('option', { value: id, textContent: name })),
    );
    remove.disabled = !chosen.size;
    move.disabled = classes.length < 2;
    said.textContent = chosen.size ? `${count(chosen.size)} chosen` : 'Press samples to choose them.';
  }

  list.onclick = event => {
    const option = (event.target as Element).closest<HTMLElement>('[role="option"]');
    if (!option) return;
    if (event.shiftKey && last?.isConnected) {
      const [from, to] = [all().indexOf(last), all().indexOf(option)].sort((a, b) => a - b) as [number, number];
      for (const between of all().slice(from, to + 1)) choose(between, true);
    } else {
      choose(option, option.ariaSelected !== 'true');
    }
    last = option;
    focus(option);
    drawTools();
  };
  list.addEventListener('focusin', () => {
    // the margin that keeps it clear of the camera's picture is of the list: one of a sample would hold within the list too
    if (list.querySelector(':focus-visible')) list.scrollIntoView({ block: 'nearest' });
  });
  list.onkeydown = event => {
    const option = (event.target as Element).closest<HTMLElement>('[role="option"]');
    if (!option) return;
    const options = all();
    const at = options.indexOf(option);
    const columns = options.filter(other => other.offsetTop === options[0]!.offsetTop).length;
    const steps: Record<string, number> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -columns,
      ArrowDown: columns,
      Home: -at,
      End: options.length,
    };
    if (event.key in steps) {
      focus(options[Math.max(0, Math.min(options.length - 1, at + steps[event.key]!))]);
    } else if (event.key === ' ' || event.key === 'Enter') {
      choose(option, option.ariaSelected !== 'true');
    } else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) {
      for (const other of options) choose(other, true);
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      if (!chosen.size) choose(option, true);
      act(samples => actions.remove(samples));
    } else {
      return;
    }
    event.preventDefault();
    drawTools();
  };

  return {
    element,
    list,
    show(shown) {
      const here = new Set(shown.map(({ sample }) => sample));
      for (const [sample, option] of options) {
        if (here.has(sample)) continue;
        URL.revokeObjectURL(option.querySelector('img')!.src);
        option.remove();
        options.delete(sample);
        chosen.delete(sample);
      }
      let next = list.firstElementChild;
      for (const { sample, label, caption } of shown) {
        const option = options.get(sample) ?? optionOf(sample);
        options.set(sample, option);
        option.ariaLabel = label;
        if (caption !== undefined) option.querySelector('span')!.textContent = caption;
        if (option === next) next = next.nextElementSibling;
        else list.insertBefore(option, next);
      }
      if (!list.querySelector('[tabindex="0"]') && list.firstElementChild) (list.firstElementChild as HTMLElement).tabIndex = 0;
      drawTools();
    },
  };
}

const optionOf = (sample: Sample): HTMLLIElement =>
  el(
    'li',
    { role: 'option', tabIndex: -1, 'aria-selected': 'false' },
    el('img', { src: URL.createObjectURL(sample.thumb), alt: '', draggable: false, width: 64, height: 64 }),
    el('span'),
  );
