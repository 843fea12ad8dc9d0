/** The worker's side of a run. */
import type { RunEvent } from './events.ts';
import { sent, type Reply, type Request } from './protocol.ts';
import { LocalTraining } from './training.ts';

/** What there is of a worker's global scope; its types are not those of a page. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<Request>) => void) | null;
  postMessage(message: Reply, transfer?: Transferable[]): void;
  readonly navigator: Navigator;
}

/** Trains what the page asks for, one run a worker. */
export function serveRuns(): void {
  const scope = globalThis as unknown as WorkerScope;
  let training: LocalTraining | undefined;
  const answer = (request: Request) => {
    if (request.method !== 'run') return training?.[request.method]();
    const { model, data, options } = request;
    training = new LocalTraining('name' in model ? model.name : new URL(model.href), data, options);
    return training.run((event: RunEvent) => scope.postMessage({ event }));
  };
  scope.onmessage = async ({ data: request }) => {
    const { id } = request;
    try {
      const result = (await answer(request)) ?? undefined;
      scope.postMessage({ id, result });
    } catch (error) {
      scope.postMessage({ id, error: sent(error) });
    }
  };
  scope.postMessage({ ready: true, hasGpu: 'gpu' in scope.navigator });
}
