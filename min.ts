/** The library in one file: all of index.ts, and what its own workers call. */
export * from './index.ts';
export { serveRuns } from './train/fit/serve.ts';
