/** What can be done where the chosen data set is not on the site: fetch it from where it is published, or, where no page may, by hand. */
import { archiveOf, publishedFor } from '../../data/published.ts';
import type { Dropped } from '../../data/dropped.ts';
import type { Kept } from '../../data/keep.ts';
import { button, el, told } from '../dom.ts';

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`;

export class PublishedData {
  #place: HTMLElement;
  #dropped: Dropped;
  #keep: (keep: () => Promise<Kept>) => Promise<void>;
  #isFetching = false;

  /** It stands in `place`; `keep` offers data that has come into `dropped`. */
  constructor(place: HTMLElement, dropped: Dropped, keep: (keep: () => Promise<Kept>) => Promise<void>) {
    this.#place = place;
    this.#dropped = dropped;
    this.#keep = keep;
  }

  /** Offers the set that is chosen, unless it is here. */
  show(name: string, isHere: boolean): void {
    if (this.#isFetching) return; // its progress stays until it ends
    const [from, archive] = [publishedFor(name), archiveOf(name)];
    this.#place.hidden = isHere || !(from || archive);
    if (this.#place.hidden) return;
    if (from) {
      const words = `Fetch ${megabytes(from.bytes)} from ${from.host}`;
      const title = 'From where it is published; checked, and kept in this browser';
      this.#place.replaceChildren(button(words, () => this.#fetch(name), { title }));
      return;
    }
    const link = el('a', { href: archive!.url, rel: 'noreferrer', textContent: archive!.url.split('/').at(-1) });
    const size = `(${megabytes(archive!.bytes)})`;
    this.#place.replaceChildren(el('p', { class: 'hint' }, 'Its host lets no page read it: download ', link, ` ${size} and drop it here.`));
  }

  async #fetch(name: string): Promise<void> {
    const stop = new AbortController();
    const { bytes, host } = publishedFor(name)!;
    const bar = el('progress', { max: bytes, value: 0, 'aria-label': `${name} from ${host}` });
    const said = el('span', { class: 'hint' });
    const onBytes = (done: number) => {
      bar.value = done;
      said.textContent = `${megabytes(done)} of ${megabytes(bytes)}`;
    };
    onBytes(0);
    this.#place.replaceChildren(
      el(
        'div',
        { class: 'row small' },
        bar,
        button('Stop', () => stop.abort()),
        said,
      ),
    );
    this.#isFetching = true;
    const fetched = async (): Promise<Kept> => {
      try {
        const { fetchPublished } = await import('../../data/fetch-published.ts');
        await fetchPublished(name, this.#dropped, onBytes, stop.signal);
      } finally {
        this.#isFetching = false;
      }
      return { whole: name, said: `${name}: is complete, and chosen.` };
    };
    await told(() =>
      this.#keep(fetched).catch((error: unknown) => {
        if (!stop.signal.aborted) throw error;
      }),
    );
  }
}
