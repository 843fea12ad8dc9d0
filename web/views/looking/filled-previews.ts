/** What parts below fields of the form are filled with while they are open: the data set, and what augmentation makes of its images. */
import { readingOf, type RunConfig } from '../../../train/config/config.ts';
import type { Dropped } from '../../data/dropped.ts';
import { inPageWords } from '../../words.ts';
import { Engine, RUNS } from '../../worker/client.ts';
import { el } from '../dom.ts';
import { quiet } from '../panel.ts';
import { augmentedRows, dataTable } from './preview-pictures.ts';

/** Fills a part with what is so for a configuration, or without one says so, unless it is closed or filled with that. */
type Fill = (config: RunConfig | undefined) => void;

export class FilledPreviews {
  #parts: readonly HTMLDetailsElement[];
  #fills: readonly Fill[];
  #engine: Engine | undefined;

  /** `dropped` gives the data that was dropped on the page. */
  constructor({ dataset, augment }: Readonly<Record<'dataset' | 'augment', HTMLDetailsElement>>, dropped: () => Dropped) {
    const engine = () => (this.#engine ??= new Engine(undefined, RUNS));
    const given = (config: RunConfig) => [config, document.baseURI, dropped()] as const;
    this.#parts = [dataset, augment];
    this.#fills = [
      filling(
        dataset,
        config => [config.dataset, readingOf(config)],
        async config => dataTable(await engine().call('previewData', ...given(config))),
      ),
      filling(
        augment,
        config => [config.dataset, readingOf(config), config.augment, config.seed],
        async config => augmentedRows(await engine().call('previewAugment', ...given(config))),
      ),
    ];
  }

  /** What the form says now; nothing where no run can be made of it. */
  show(config: RunConfig | undefined): void {
    for (const fill of this.#fills) fill(config);
    if (this.#parts.some(part => part.open)) return;
    void this.#engine?.close();
    this.#engine = undefined;
  }
}

/** `keyOf` gives what of a configuration the content goes by, which `make` makes. */
function filling(part: HTMLDetailsElement, keyOf: (config: RunConfig) => unknown, make: (config: RunConfig) => Promise<HTMLElement>): Fill {
  const body = el('div', { 'aria-live': 'polite' });
  part.append(body);
  let shown: string | undefined;
  return config => {
    if (!part.open) return;
    if (!config) {
      shown = undefined;
      body.replaceChildren(quiet('Shown once the form holds no wrong value.')); // what stands there may be of another data set
      return;
    }
    const key = JSON.stringify(keyOf(config));
    if (key === shown) return;
    shown = key;
    if (!body.childElementCount) body.replaceChildren(quiet('Loading …'));
    const put = (content: HTMLElement, now: string | undefined) => {
      if (shown !== key) return;
      shown = now;
      body.replaceChildren(content);
    };
    make(config).then(
      made => put(made, key),
      (error: Error) => put(el('p', { class: 'hint wrong', textContent: inPageWords(error) }), undefined), // it is tried again at the next change
    );
  };
}
