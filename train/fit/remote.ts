/** A run in a worker of the page, so that the page never waits. */
import type { Dataset } from '../../datasets/dataset.ts';
import { check, DescentError } from '../../engine/check.ts';
import type { Ended, RunEvent, Training } from './events.ts';
import { textsOf, type FitOptions } from './options.ts';
import { received, type PlainOptions, type Reply, type Request } from './protocol.ts';
import { forWorker, isSource } from '../run/store.ts';
import { spawn } from './spawn.ts';
import { LocalTraining, openFitData, Reading, type FitData } from './training.ts';

type Method = Exclude<Request['method'], 'run'>;

/** What waits for an answer of the worker. */
interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class RemoteTraining implements Training {
  #model: string | URL;
  #data: FitData;
  #options: FitOptions;
  #worker: Worker | undefined;
  /** In place of the worker, where there is none to be had or the data cannot go there. */
  #local: LocalTraining | undefined;
  /** Resolves when it is known who trains, or that nobody will. */
  #started: Promise<void>;
  #start!: () => void;
  #waiting = new Map<number, Waiting>();
  #next = 0;
  #reading: Reading;
  #ended!: Promise<Ended>;

  constructor(model: string | URL, data: FitData, options: FitOptions) {
    this.#model = model;
    this.#data = data;
    this.#options = options;
    this.#reading = new Reading(options);
    this.#started = new Promise(resolve => (this.#start = resolve));
  }

  run(emit: (event: RunEvent) => void): Promise<Ended> {
    return (this.#ended = this.#run(emit).finally(() => {
      this.#start();
      this.#close(new DescentError('the run is over'));
    }));
  }

  async #run(emit: (event: RunEvent) => void): Promise<Ended> {
    const { signal, worker: wanted } = this.#options;
    textsOf(this.#options); // what is no option at all could not be sent, of which the browser says less
    const data = typeof this.#data === 'string' ? this.#data : await openFitData(this.#data, this.#options, this.#reading);
    signal?.throwIfAborted();
    const why = isStored(data) ? 'its data are larger than memory' : await this.#spawn(emit);
    signal?.throwIfAborted();
    if (why !== undefined) {
      check(!wanted, `worker: the run cannot train in one, ${why}`, 'leave out worker, and it trains in this thread');
      emit({ type: 'warning', message: `the run trains in the page's own thread: ${why}` });
      this.#local = new LocalTraining(this.#model, data, this.#options);
      this.#start();
      return this.#local.run(emit);
    }
    const abort = () => this.#close(signal!.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const { device: _, worker: __, signal: ___, onStep, onEpoch, onCheckpoint, onWarning, ...plain } = this.#options;
    const { init } = plain;
    const options: PlainOptions = { ...plain, ...(isSource(init) && { init: forWorker(init) }) };
    const model = typeof this.#model === 'string' ? { name: this.#model } : { href: this.#model.href };
    const ended = this.#ask({ method: 'run', model, data: copied(data), options: copied(options) }) as Promise<Ended>;
    this.#start();
    return ended.finally(() => signal?.removeEventListener('abort', abort));
  }

  async pause(): Promise<void> {
    await this.#tell('pause');
  }

  resume(): void {
    void this.#tell('resume');
  }

  stop(): void {
    this.#reading.end();
    void this.#tell('stop');
  }

  async checkpoint(): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = (await this.#tell('checkpoint')) as Uint8Array<ArrayBuffer> | undefined;
    return bytes ?? (await this.#ended).checkpoint;
  }

  /** Asks whoever trains; a run that is over has no answer. */
  async #tell(method: Method): Promise<unknown> {
    await this.#started;
    if (this.#local) return this.#local[method]();
    return this.#worker && this.#ask({ method }).catch(() => undefined);
  }

  /** Starts the worker; resolves with why it cannot be used, where that is so. */
  #spawn(emit: (event: RunEvent) => void): Promise<string | undefined> {
    return new Promise(resolve => {
      const refuse = (why: string) => {
        worker?.terminate();
        resolve(why);
      };
      let worker: Worker | undefined;
      try {
        worker = spawn();
      } catch (error) {
        return refuse(`no worker starts here (${(error as Error).message})`);
      }
      worker.onerror = event => {
        event.preventDefault();
        const said = event.message || 'its module does not load';
        if (!this.#worker) return refuse(`its worker does not start (${said})`);
        this.#close(new DescentError(`the worker stopped: ${said}`, 'begin the run again'));
      };
      worker.onmessage = ({ data }: MessageEvent<Reply>) => {
        if ('event' in data) {
          try {
            return emit(data.event);
          } catch (error) {
            return this.#close(error); // of a handler: it ends the run
          }
        }
        if ('ready' in data) {
          if (!data.hasGpu) return refuse('workers have no WebGPU in this browser');
          this.#worker = worker;
          return resolve(undefined);
        }
        const waiting = this.#waiting.get(data.id);
        this.#waiting.delete(data.id);
        if ('error' in data) waiting?.reject(received(data.error));
        else waiting?.resolve(data.result);
      };
    });
  }

  #ask(request: DistributiveOmit<Request, 'id'>): Promise<unknown> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker!.postMessage({ ...request, id });
    });
  }

  /** Ends the worker; who still waits for it is told why. */
  #close(why: unknown): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values()) reject(why);
    this.#waiting.clear();
  }
}

/** A copy of objects and arrays within each other: those that a framework has made reactive are proxies, which no worker can be sent. */
function copied<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copied) as T;
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, own]) => [key, copied(own)])) as T;
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

const isStored = (data: string | Dataset): boolean => typeof data === 'object' && Boolean(data.train.stored ?? data.test.stored);
