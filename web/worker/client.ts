/** Workers as the page sees them. */
import type { Api, Reply, Request, RunEvent } from './protocol.ts';
import { DescentError } from '../../engine/check.ts';

interface Hears {
  heard(reply: Reply): void;
  failed(error: DescentError): void;
}

/** A worker and the engines in it: started by the first call, ended so many milliseconds after the last of them is closed. */
class Link {
  #worker: Worker | undefined;
  #engines = new Map<number, Hears>();
  #next = 0;
  #stays: number;
  #ending: ReturnType<typeof setTimeout> | undefined;

  constructor(stays: number) {
    this.#stays = stays;
  }

  enter(hears: Hears): number {
    clearTimeout(this.#ending);
    this.#engines.set(this.#next, hears);
    return this.#next++;
  }

  post(request: Request, ports: MessagePort[] = []): void {
    (this.#worker ??= this.#start()).postMessage(request, ports);
  }

  /** Has an engine give back what it holds; done once it has. One that is alone goes with its worker. */
  async leave(engine: number): Promise<void> {
    if (this.#stays && this.#worker) {
      await new Promise<void>(done => {
        this.#engines.set(engine, { heard: reply => 'id' in reply && done(), failed: () => done() });
        this.post({ engine, id: -1, method: 'close', args: [] });
      });
    }
    this.#engines.delete(engine);
    if (this.#engines.size) return;
    if (this.#stays) this.#ending = setTimeout(() => this.#end(), this.#stays);
    else this.#end();
  }

  #end(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
  }

  #start(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#engines.get(data.engine)?.heard(data);
    worker.onerror = event => {
      event.preventDefault();
      this.#end(); // the next call starts another
      const error = new DescentError(`the worker stopped: ${event.message || 'it could not be loaded'}`, 'reload the page');
      for (const { failed } of this.#engines.values()) failed(error);
    };
    return worker;
  }
}

/** That of all runs, which holds their data, and their device with what was compiled for it; both outlast a run by five minutes. */
export const RUNS = new Link(300_000);

/** What answers calls in a worker: one of its own, or one that it shares. */
export class Engine {
  #link: Link;
  #number: number | undefined;
  #onEvent: (event: RunEvent) => void;
  #waiting = new Map<number, { resolve: (value: any) => void; reject: (error: Error) => void }>();
  #next = 0;

  constructor(onEvent: (event: RunEvent) => void = () => undefined, link = new Link(0)) {
    this.#onEvent = onEvent;
    this.#link = link;
  }

  #heard(reply: Reply): void {
    if ('event' in reply) {
      this.#onEvent(reply.event);
      return;
    }
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('error' in reply) waiting?.reject(new DescentError(reply.error.problem, ...reply.error.advice));
    else waiting?.resolve(reply.result);
  }

  #rejectAll(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  /** Calls the worker; an error arrives as the engine gave it. */
  call<K extends keyof Api>(method: K, ...args: Parameters<Api[K]>): Promise<ReturnType<Api[K]>> {
    const id = this.#next++;
    this.#number ??= this.#link.enter({
      heard: reply => this.#heard(reply),
      failed: error => {
        this.#rejectAll(error);
        this.#onEvent({ kind: 'state', state: 'failed', message: error });
      },
    });
    const engine = this.#number;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#link.post(
        { engine, id, method, args },
        args.filter(arg => arg instanceof MessagePort),
      );
    });
  }

  /** Ends what goes on, and gives back what it holds; done once it has. The next call begins anew. */
  async close(): Promise<void> {
    const engine = this.#number;
    this.#number = undefined;
    this.#rejectAll(new Error('the run was closed'));
    if (engine !== undefined) await this.#link.leave(engine);
  }
}
