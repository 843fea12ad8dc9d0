/** A search in a worker of its own: a button that starts and stops it, how far it is, and what went wrong. */
import type { RunConfig } from '../../../train/config/config.ts';
import type { Dropped } from '../../data/dropped.ts';
import { inPageWords } from '../../words.ts';
import { Engine } from '../../worker/client.ts';
import type { RunEvent } from '../../worker/protocol.ts';
import { button, el } from '../dom.ts';

export interface Searched {
  /** What the form says; throws where no run can be made of it. */
  readonly config: () => RunConfig;
  readonly dropped: () => Dropped;
  /** Puts a learning rate into the form. */
  readonly take: (rate: string) => void;
  /** Puts a configuration into the form. */
  readonly use: (config: RunConfig) => void;
}

export interface Search {
  readonly controls: HTMLElement;
  readonly said: HTMLElement;
}

/** `work` has the worker to itself, which ends with it; `heard` is told its events. */
export function search(
  title: string,
  work: (engine: Engine) => Promise<string>,
  heard: (event: RunEvent) => void = () => undefined,
): Search {
  let engine: Engine | undefined;
  const bar = el('progress', { max: 1, value: 0, hidden: true, 'aria-label': title });
  const said = el('p', { class: 'hint', role: 'status' });
  const start = button(title, () => (engine ? stop() : go()));
  function stop(): void {
    engine?.close();
    engine = undefined;
    start.textContent = title;
    bar.hidden = true;
  }
  async function go(): Promise<void> {
    const own = new Engine(event => {
      if (event.kind === 'searched') bar.value = event.done / event.of;
      heard(event);
    });
    engine = own;
    start.textContent = 'Stop';
    bar.value = 0;
    bar.hidden = false;
    said.className = 'hint';
    said.textContent = '';
    try {
      const words = await work(own);
      if (engine === own) said.textContent = words;
    } catch (error) {
      if (engine !== own) return; // it was stopped
      said.className = 'hint wrong';
      said.textContent = inPageWords(error as Error);
    } finally {
      if (engine === own) stop();
    }
  }
  return { controls: el('div', { class: 'row' }, start, bar), said };
}
