/**
 * Runs the *.test.ts under tests/ and ends with the line `N passed, N failed`. Processes take the files in turn, one more than two cores,
 * since tests of pages and commands wait. Files that took longest the last time come first, so that no process ends with one of them alone:
 * on a fresh machine most of the time goes into compiling kernels, which a software driver does on one core. Within a process the files
 * share devices and pipelines.
 */
import { fork } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheDir } from '../datasets/node/cache-dir.mjs';

/** lavapipe then compiles a kernel in a third of the time, into slower code. With --long, and where it is set, it optimises as in use. */
const QUICK = { GALLIVM_PERF: 'nopt' };

/** By which tests know that the long ones run (tests/support/long.ts). */
const LONG = { DESCENT_TESTS: 'long' };

/** Seconds that each file took when it last ran on this machine. */
const TIMES = join(cacheDir(), 'test-times.json');

/** A suite of uvu, ready to run. */
type Suite = () => Promise<[errors: string | true, passed: number, skipped: number, total: number]>;

/** What uvu collects: of each file its name and its suites. */
type Queue = [file: string, ...suites: Suite[]][];

/** What came of one file. */
interface Outcome {
  readonly file: string;
  readonly seconds?: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly text: string;
}

if (process.send) await work();
else process.exit((await lead()) ? 0 : 1);

/** Deals the files out and prints what comes back, file by file. Returns whether all passed. */
async function lead(): Promise<boolean> {
  const filters = process.argv.slice(2).filter(a => !a.startsWith('-'));
  const long = process.argv.includes('--long');
  const isWanted = (file: string) => !filters.length || filters.some(filter => file.includes(filter));
  const kind = long ? /\.(test|long)\.ts$/ : /\.test\.ts$/;
  const files = readdirSync('tests', { recursive: true, encoding: 'utf8' }).filter(file => kind.test(file) && isWanted(file));
  const seconds = lastTimes();
  const size = (file: string) => statSync(join('tests', file)).size; // by which the time of a file that never ran here is guessed
  files.sort((a, b) => (seconds[b] ?? 0) - (seconds[a] ?? 0) || size(b) - size(a));
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  const add = (o: Outcome) => {
    passed += o.passed;
    failed += o.failed;
    skipped += o.skipped;
    if (o.seconds !== undefined) seconds[o.file] = o.seconds;
    console.log(o.text);
  };
  const env = { ...(long ? LONG : QUICK), ...process.env };
  const worker = async () => {
    while (files.length) await deal(files, env, add);
  };
  await Promise.all(Array.from({ length: Math.min(1 + Math.min(2, availableParallelism()), files.length) }, worker));
  keepTimes(seconds);
  if (passed + failed + skipped === 0) {
    failed = 1;
    console.log(`no test file matches '${filters.join(' ')}'`);
  }
  console.log(`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`);
  return failed === 0;
}

function lastTimes(): Record<string, number> {
  try {
    return JSON.parse(readFileSync(TIMES, 'utf8')) as Record<string, number>;
  } catch {
    return {}; // they only decide the order
  }
}

function keepTimes(seconds: Readonly<Record<string, number>>): void {
  try {
    mkdirSync(dirname(TIMES), { recursive: true });
    writeFileSync(TIMES, JSON.stringify(seconds));
  } catch {
    // The next run then takes the files by size.
  }
}

/** Gives files to a process of its own until none is left. Where the process ends before, the file that it was at has failed. */
function deal(files: string[], env: NodeJS.ProcessEnv, add: (o: Outcome) => void): Promise<void> {
  return new Promise(ended => {
    const child = fork(fileURLToPath(import.meta.url), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env });
    let running: string | undefined;
    const next = () => {
      running = files.shift();
      if (running === undefined) child.disconnect();
      else child.send(running);
    };
    child.on('message', (o: Outcome) => {
      add(o);
      next();
    });
    child.on('exit', (code, signal) => {
      const why = signal ?? `exit code ${code}`;
      if (running !== undefined) add({ file: running, passed: 0, failed: 1, skipped: 0, text: `${running}: its process ended (${why})` });
      ended();
    });
    next();
  });
}

/** Runs each file that is sent, and sends back its counts and what its suites wrote. */
async function work(): Promise<void> {
  const queue: Queue = [];
  Object.assign(globalThis, { UVU_DEFER: true, UVU_QUEUE: queue }); // uvu then collects suites instead of starting them
  for await (const file of messages()) {
    const start = performance.now();
    const { write } = process.stdout;
    let text = '';
    const add = (part: string | Uint8Array) => {
      text += String(part);
      return true;
    };
    process.stdout.write = add as typeof process.stdout.write;
    const counts = await runFile(file, queue, add);
    process.stdout.write = write;
    const seconds = Math.round((performance.now() - start) / 100) / 10;
    text += `${file}: ${counts.passed + counts.failed + counts.skipped} tests, ${seconds.toFixed(1)} s`;
    process.send!({ file, seconds, ...counts, text } satisfies Outcome);
  }
  process.exit(0);
}

/** Runs the suites of a file; `tell` takes what failed. A file that has none, or that cannot be run, is a failure too. */
async function runFile(file: string, queue: Queue, tell: (text: string) => void) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  try {
    Object.assign(globalThis, { UVU_INDEX: queue.push([file]) - 1 });
    await import(`../tests/${file}`);
    for (const suite of queue.at(-1)!.slice(1) as Suite[]) {
      const [errors, passed, skipped, all] = await suite();
      counts.passed += passed;
      counts.failed += all - passed;
      counts.skipped += skipped;
      if (errors !== true) tell(errors);
    }
    if (counts.passed + counts.failed + counts.skipped === 0) {
      counts.failed = 1;
      tell('  it ran no test; does it call .run()?\n');
    }
  } catch (error) {
    counts.failed++;
    tell(`  it could not be run: ${(error as Error).stack}\n`);
  }
  return counts;
}

/** The names of files as they are sent, until the parent closes the channel. */
async function* messages(): AsyncGenerator<string> {
  const waiting: string[] = [];
  let wake = () => {};
  let open = true;
  process.on('message', (file: string) => {
    waiting.push(file);
    wake();
  });
  process.on('disconnect', () => {
    open = false;
    wake();
  });
  for (;;) {
    if (waiting.length) yield waiting.shift()!;
    else if (!open) return;
    else {
      await new Promise<void>(resolve => {
        wake = resolve;
      });
    }
  }
}
