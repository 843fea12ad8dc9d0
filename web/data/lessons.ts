/** What is taught on this machine: classes with samples, kept in the browser's database over reloads. */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb';

export interface TaughtClass {
  /** Later ones are larger. */
  readonly id: string;
  name: string;
}

export interface Sample {
  /** Later ones are larger. */
  readonly id: string;
  classId: string;
  /** Bytes [c, h, w] as the net sees it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** As people see it. */
  readonly thumb: Blob;
}

interface Schema extends DBSchema {
  classes: { key: string; value: TaughtClass };
  samples: { key: string; value: Sample };
}

export class Lesson {
  readonly classes: TaughtClass[] = [];
  readonly samples: Sample[] = [];
  #database: Promise<IDBPDatabase<Schema>> | undefined;
  #failed: (why: Error) => void;

  /** `failed` is told when the database refuses: what is taught then lasts as long as the page. */
  constructor(failed: (why: Error) => void) {
    this.#failed = failed;
  }

  /** Reads what was kept. */
  async open(): Promise<void> {
    this.#database = opened();
    await this.#kept(async database => {
      const [classes, samples] = await Promise.all([database.getAll('classes'), database.getAll('samples')]);
      this.classes.push(...classes);
      this.samples.push(...samples.filter(s => classes.some(c => c.id === s.classId)));
    });
  }

  samplesOf({ id }: TaughtClass): Sample[] {
    return this.samples.filter(sample => sample.classId === id);
  }

  /** Adds a class, or keeps its new name. */
  async putClass(one: TaughtClass): Promise<void> {
    put(this.classes, one);
    await this.#kept(database => database.put('classes', one));
  }

  /** Adds samples, or keeps to which class they belong now. */
  async put(samples: readonly Sample[]): Promise<void> {
    for (const sample of samples) put(this.samples, sample);
    await this.#kept(async database => {
      const { store, done } = database.transaction('samples', 'readwrite');
      await Promise.all([...samples.map(sample => store.put(sample)), done]);
    });
  }

  async remove(samples: readonly Sample[]): Promise<void> {
    for (const sample of samples) this.samples.splice(this.samples.indexOf(sample), 1);
    await this.#kept(async database => {
      const { store, done } = database.transaction('samples', 'readwrite');
      await Promise.all([...samples.map(({ id }) => store.delete(id)), done]);
    });
  }

  /** Removes a class and its samples, at once from what is shown, and gives what brings them back. */
  removeClass(one: TaughtClass): () => Promise<unknown> {
    const samples = this.samplesOf(one);
    this.classes.splice(this.classes.indexOf(one), 1);
    void this.remove(samples);
    void this.#kept(database => database.delete('classes', one.id));
    return () => Promise.all([this.putClass(one), this.put(samples)]);
  }

  async clear(): Promise<void> {
    this.classes.length = 0;
    this.samples.length = 0;
    await this.#kept(database => Promise.all([database.clear('classes'), database.clear('samples')]));
  }

  /** Does something with the database; once that has failed, nothing more. */
  async #kept(work: (database: IDBPDatabase<Schema>) => Promise<unknown>): Promise<void> {
    if (!this.#database) return;
    try {
      await work(await this.#database);
    } catch (error) {
      this.#database = undefined;
      this.#failed(error as Error);
    }
  }
}

const opened = async (): Promise<IDBPDatabase<Schema>> =>
  openDB<Schema>('descent-teach', 1, {
    upgrade(database) {
      database.createObjectStore('classes', { keyPath: 'id' });
      database.createObjectStore('samples', { keyPath: 'id' });
    },
  });

/** Puts something where its id belongs. */
function put<T extends { readonly id: string }>(all: T[], one: T): void {
  if (all.includes(one)) return;
  const next = all.findIndex(other => other.id > one.id);
  all.splice(next < 0 ? all.length : next, 0, one);
}
