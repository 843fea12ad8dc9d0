/** A run as the program that began it sees it. */
import { Turns } from '../../engine/turns.ts';
import type { Predictor } from '../evaluate/predictor.ts';
import type { Ended, Outcome, Run, RunEvent, StepEvent, Training } from './events.ts';

/** A listener that takes events at its own pace. */
interface Listener {
  /** Told and not yet taken. */
  readonly events: RunEvent[];
  /** Called when there is one, and when there will be none. */
  wake: (() => void) | undefined;
}

/** What is done with the events of a run beside listening. */
export interface Handlers {
  /** What it returns may be a promise, whose rejection ends the run as an error in it does. */
  readonly onEvent: (event: RunEvent) => unknown;
  readonly signal?: AbortSignal | undefined;
}

/** What `fit` returns: a run that has begun. */
export class StartedRun implements Run {
  #training: Training;
  #ended: Promise<Ended>;
  #outcome: Promise<Outcome>;
  #makeModel: (ended: Ended) => Promise<Predictor>;
  #made: Promise<Predictor> | undefined;
  #listeners = new Set<Listener>();
  #isOver = false;

  constructor(training: Training, { onEvent, signal }: Handlers, makeModel: (ended: Ended) => Promise<Predictor>) {
    this.#training = training;
    this.#makeModel = makeModel;
    const abort = () => training.stop();
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    let failure: { readonly error: unknown } | undefined;
    const fail = (error: unknown) => {
      if (this.#isOver) throw error; // nobody is left to be told but the program
      failure ??= { error };
      training.stop();
    };
    this.#ended = training
      .run(event => {
        for (const listener of this.#listeners) hear(listener, event);
        const handled = onEvent(event);
        if (handled instanceof Promise) void handled.catch(fail);
      })
      .then(ended => {
        signal?.throwIfAborted();
        if (failure) throw failure.error;
        return ended;
      })
      .finally(() => {
        this.#isOver = true;
        signal?.removeEventListener('abort', abort);
        for (const { wake } of this.#listeners) wake?.();
      });
    this.#outcome = this.#ended.then(({ outcome }) => outcome);
    this.#ended.catch(() => undefined); // `done` says it: nobody has asked for that, and it goes to the console
  }

  get done(): Promise<Outcome> {
    return this.#outcome;
  }

  get model(): Promise<Predictor> {
    this.#outcome.catch(() => undefined); // the model's own promise says it
    return (this.#made ??= this.#ended.then(this.#makeModel));
  }

  pause(): Promise<void> {
    return this.#training.pause();
  }

  resume(): void {
    this.#training.resume();
  }

  async stop(): Promise<void> {
    this.#training.stop();
    await this.#ended.catch(() => undefined);
  }

  checkpoint(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#training.checkpoint();
  }

  [Symbol.asyncIterator](): AsyncIterator<RunEvent> {
    const listener: Listener = { events: [], wake: undefined };
    this.#listeners.add(listener);
    this.#outcome.catch(() => undefined); // `next` throws it
    const leave = async (): Promise<IteratorReturnResult<undefined>> => {
      this.#listeners.delete(listener);
      return { done: true, value: undefined };
    };
    const take = async (): Promise<IteratorResult<RunEvent>> => {
      for (;;) {
        const value = listener.events.shift();
        if (value) return { done: false, value };
        if (this.#isOver) {
          await leave();
          await this.#ended;
          return { done: true, value: undefined };
        }
        await new Promise<void>(resolve => (listener.wake = resolve));
      }
    };
    const turns = new Turns(); // of those who ask for several at once
    return {
      next: () => turns.take(take),
      return: async () => {
        await this.stop();
        return leave();
      },
    };
  }
}

/** Gives a listener an event, in place of a step that it has not taken yet. */
function hear(listener: Listener, event: RunEvent): void {
  const { events } = listener;
  const isStep = (e: RunEvent | undefined): e is StepEvent => e?.type === 'step';
  if (isStep(event) && isStep(events.at(-1))) events.pop();
  events.push(event);
  listener.wake?.();
}
