/** A run's worker as the page sees it. */
import type { Api, Reply, RunEvent } from './protocol.ts';
import { DescentError } from '../../engine/check.ts';

export class Engine {
  #worker: Worker | undefined;
  #onEvent: (event: RunEvent) => void;
  #waiting = new Map<number, { resolve: (value: any) => void; reject: (error: Error) => void }>();
  #next = 0;

  constructor(onEvent: (event: RunEvent) => void = () => undefined) {
    this.#onEvent = onEvent;
  }

  /** The worker, started by the first call. */
  #start(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    const onEvent = this.#onEvent;
    worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      if ('event' in data) return onEvent(data.event);
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if ('error' in data) waiting?.reject(new DescentError(data.error.problem, ...data.error.advice));
      else waiting?.resolve(data.result);
    };
    worker.onerror = event => {
      event.preventDefault();
      const error = new DescentError(`the worker stopped: ${event.message || 'it could not be loaded'}`, 'reload the page');
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
      onEvent({ kind: 'state', state: 'failed', step: 0, message: error });
    };
    return worker;
  }

  /** Calls the worker; an error arrives as the engine gave it. */
  call<K extends keyof Api>(method: K, ...args: Parameters<Api[K]>): Promise<ReturnType<Api[K]>> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      (this.#worker ??= this.#start()).postMessage(
        { id, method, args },
        args.filter(arg => arg instanceof MessagePort),
      );
    });
  }

  close(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values()) reject(new Error('the run was closed'));
    this.#waiting.clear();
  }
}
