/** What is to be trained: the fields that say it, the data that they can name, and the address that gives them again. */
import type { RunConfig } from '../../../train/config/config.ts';
import { available } from '../../data/data.ts';
import type { Dropped } from '../../data/dropped.ts';
import type { FolderFile } from '../../data/folder.ts';
import type { Kept } from '../../data/keep.ts';
import { keptDropped, putDropped, refusal } from '../../data/kept.ts';
import { remember } from '../../data/kept-form.ts';
import type { Address } from '../../form/address.ts';
import { ConfigForm } from '../../form/form.ts';
import { textsOf } from '../../form/texts.ts';
import type { Shared } from '../../together/greeting.ts';
import { button, el, notice, pick, told } from '../dom.ts';
import { Previews } from '../looking/previews.ts';
import { searches } from '../looking/searches.ts';
import type { PublishedData } from './published-data.ts';
import { ValidateEvery } from './validate-every.ts';

export class Configuration {
  /** Its fields, and the searches that try several values of them. */
  readonly parts: readonly HTMLElement[];
  readonly dropped: Dropped = { files: {}, folders: {} };
  /** The data sets that can be had now. */
  available: ReadonlySet<string> = new Set(['shapes']);
  #form: ConfigForm;
  #every: ValidateEvery;
  #changed: () => void;

  /** `texts` are those of an address; `changed` is called where another net may be described. */
  constructor({ evalEvery, ...texts }: Address, changed: () => void) {
    this.#changed = changed;
    this.#every = new ValidateEvery(evalEvery);
    const addFiles = () => pick({ multiple: true }, files => this.addData(files));
    const addFolder = () =>
      pick({ webkitdirectory: true }, files => this.addFolder(files.map(file => ({ path: file.webkitRelativePath, file }))));
    const previews = new Previews(() => this.dropped);
    const place = el('div', { class: 'published', hidden: true });
    let published: Promise<PublishedData> | undefined; // loaded where a set is chosen that is not here
    const offer = async (name: string, isHere: boolean) => {
      if (!published && isHere) return;
      published ??= import('./published-data.ts').then(m => new m.PublishedData(place, this.dropped, keep => this.#keep(keep)));
      (await published).show(name, isHere);
    };
    const { rate, sweep } = searches({
      config: () => this.#form.config(),
      dropped: () => this.dropped,
      take: lr => this.#form.put('lr', lr),
      use: config => this.use(config),
    });
    this.#form = new ConfigForm(
      texts,
      this.available,
      {
        below: { ...previews.below, lr: rate },
        changed: recipe => previews.show(recipe),
        chosen: (name, isHere) => void told(() => offer(name, isHere)),
      },
      place,
      el(
        'div',
        { class: 'row small' },
        button('Add files', addFiles, { title: 'Files of a known data set, gzipped or not, or their archive' }),
        button('Add a folder', addFolder, { title: 'Images, one subfolder a class' }),
      ),
    );
    this.parts = [this.#form.element, this.#every.element, sweep];
    for (const event of ['input', 'change']) this.#form.element.addEventListener(event, changed);
    addEventListener('pagehide', () => remember({ ...this.#form.texts, ...this.#evalEvery }));
    void this.offer();
  }

  /** What the form says; throws where that is no configuration. */
  get config(): RunConfig {
    return this.#form.config();
  }

  /** What a run is begun with; throws where a field holds what cannot be. */
  get shared(): Shared {
    return { config: this.config, evalEvery: this.#every.steps };
  }

  /** How often is validated, as an address says it. */
  get #evalEvery(): Address {
    const evalEvery = this.#every.text;
    return evalEvery === undefined ? {} : { evalEvery };
  }

  /** Puts the configuration of a run into the form. */
  use(config: RunConfig): void {
    this.#form.set(textsOf(config));
  }

  /** Takes what an address says; throws where a name is unknown. */
  set({ evalEvery, ...texts }: Address): void {
    this.#every.set(evalEvery);
    this.#form.set(texts);
    this.#form.validate();
    this.#changed();
  }

  /** Marks what is wrong in the form. */
  validate(): void {
    this.#form.validate();
  }

  async share(): Promise<void> {
    await told(async () => {
      const url = new URL(location.href);
      const { config } = this;
      url.hash = `train?${new URLSearchParams({ ...textsOf(config), dataset: config.dataset, ...this.#evalEvery }).toString()}`;
      history.replaceState(history.state, '', url);
      await navigator.clipboard?.writeText(url.href).catch(() => undefined);
      notice(`The address of this page now names the configuration${navigator.clipboard ? ', and is in the clipboard' : ''}.`, 'info');
    });
  }

  /** Brings back the data that was added before a reload. */
  async recall(): Promise<void> {
    const { files, folders } = await keptDropped().catch(() => ({ files: {}, folders: {} })); // where there is no database, nothing was kept
    Object.assign(this.dropped.files, files);
    Object.assign(this.dropped.folders, folders);
    if (Object.keys({ ...files, ...folders }).length) await this.offer();
  }

  /** Finds which data sets are there now. */
  async offer(): Promise<void> {
    this.available = await available(this.dropped, document.baseURI);
    this.#form.offer(this.available);
    this.#changed();
  }

  async addData(files: readonly File[]): Promise<void> {
    notice(`Reading ${files.length === 1 ? files[0]!.name : `${files.length} files`} …`, 'busy');
    await this.#keep(async () => (await import('../../data/keep.ts')).keepFiles(files, this.dropped));
  }

  addFolder(files: readonly FolderFile[]): Promise<void> {
    return this.#keep(async () => (await import('../../data/keep.ts')).keepFolder(files, this.dropped));
  }

  /** Offers data that is being kept, chooses it where it is whole, and says what it is. */
  async #keep(keep: () => Promise<Kept>): Promise<void> {
    const { whole, said } = await keep().finally(() => this.offer());
    if (whole !== undefined) this.#form.choose(whole);
    notice(said, 'info');
    await putDropped(this.dropped).catch((error: unknown) => notice(refusal('The data', error), 'info'));
  }
}
