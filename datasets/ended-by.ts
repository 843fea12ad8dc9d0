/** The items, until `signal` is aborted: it then throws its reason at once, and lets go of them without waiting for that. */
export async function* endedBy<T>(signal: AbortSignal, items: AsyncIterable<T>): AsyncGenerator<T> {
  signal.throwIfAborted();
  const from = items[Symbol.asyncIterator]();
  const next = () =>
    new Promise<IteratorResult<T>>((resolve, reject) => {
      const abort = () => {
        reject(signal.reason);
        from.return?.().catch(() => undefined); // why it ends is told already
      };
      signal.addEventListener('abort', abort, { once: true });
      const heard = () => signal.removeEventListener('abort', abort);
      from.next().then(resolve, reject).finally(heard);
    });
  for (;;) {
    const { done, value } = await next();
    if (done) return;
    let isTaken = false;
    try {
      yield value;
      signal.throwIfAborted();
      isTaken = true;
    } finally {
      if (!isTaken) await from.return?.();
    }
  }
}
