/** The worker of a run, as a module of its own. */
import { serveRuns } from './serve.ts';

serveRuns();
