/** Starts the worker of a run, whose module stands beside this one; in the one file of the library spawn-one-file.ts takes its place. */
export function spawn(): Worker {
  try {
    return new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  } catch (error) {
    if ((error as Error).name !== 'SecurityError') throw error;
    // of another origin, as from a CDN: a worker of this one may import it
    const source = `import ${JSON.stringify(new URL('./worker.ts', import.meta.url).href)};`;
    return new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })), { type: 'module' });
  }
}
