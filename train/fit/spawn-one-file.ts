/** Starts the worker of a run from the one file of the library (see min.ts), which is all that there is. */
export function spawn(): Worker {
  const source = `import { serveRuns } from ${JSON.stringify(import.meta.url)}; serveRuns();`;
  return new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })), { type: 'module' });
}
