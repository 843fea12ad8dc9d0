import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * Runs the command line (cli/main.ts, or outside a checkout what was built of it) in a child process and exits as it does. GPU drivers and
 * Dawn write noise to file descriptor 2, so the child's own messages go to descriptor 3, our standard error, and descriptor 2 is kept back: it
 * is shown with --verbose, and its end when the process crashed. What only tells how the commands are used needs no second process.
 */
export async function launch(argv) {
  const [source, built] = ['../cli/main.ts', '../dist/cli/main.js'].map(path => new URL(path, import.meta.url));
  const isSource = existsSync(source);
  const main = isSource ? source : built;
  const isReadable = !isSource || process.features.typescript;
  module.enableCompileCache?.();
  if (onlyTells(argv)) {
    if (!isReadable) (await import('tsx/esm/api')).register();
    process.argv.splice(1, Infinity, fileURLToPath(main), ...argv);
    await import(main);
  } else start([...(isReadable ? [] : ['--import', import.meta.resolve('tsx')]), fileURLToPath(main), ...argv]);
}

/** Whether the words ask for help or the version: commands are read up to `--`, and without any the help comes. */
function onlyTells(argv) {
  const words = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
  return !argv.length || argv[0] === 'help' || ['--help', '-h', '--version'].some(word => words.includes(word));
}

function start(words) {
  const verbose = words.includes('--verbose');
  const cache = module.getCompileCacheDir?.();
  const stdio = ['inherit', 'inherit', verbose ? 2 : 'pipe', 2];
  // MPICH's launcher speaks to its processes through a descriptor that it names.
  const pmi = Number(process.env.PMI_FD);
  if (pmi > 3) stdio.push(...Array(pmi - 4).fill('ignore'), pmi);
  const child = spawn(process.execPath, words, {
    stdio,
    env: { ...process.env, DESCENT_STDERR_FD: '3', ...(cache && { NODE_COMPILE_CACHE: cache }) },
  });
  let noise = '';
  child.stderr?.setEncoding('utf8').on('data', text => {
    noise = (noise + text).slice(-16384);
  });

  // A signal from the terminal reaches the child by itself: forwarding would make it two, and a second Ctrl-C means more than the first.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (signal === 'SIGTERM' || !inForeground()) child.kill(signal);
    });
  }

  child.on('error', error => {
    process.stderr.write(`descent: cannot start node: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    const end = () => {
      if (hasCrashed(code, signal, noise)) {
        process.stderr.write(noise.replace(/([^\n])$/, '$1\n'));
        const guess = signal === 'SIGKILL' ? ' (out of memory?)' : '';
        if (signal) process.stderr.write(`descent: the process was killed by ${signal}${guess}\n`);
      }
      process.exit(signal ? 128 + (SIGNALS[signal] ?? 0) : code);
    };
    if (!child.stderr || child.stderr.readableEnded) return end();
    child.stderr.on('end', end);
    setTimeout(end, 500); // a grandchild may hold the descriptor open
  });
}

const SIGNALS = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGILL: 4,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};

/** Node ends the report of an uncaught error with its version; 13 is its code for an await that never settles. */
function hasCrashed(code, signal, noise) {
  if (signal) return !['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGPIPE'].includes(signal);
  return code === 13 || /\nNode\.js v\d/.test(noise);
}

/** Whether this process group is the one that the terminal's keys signal. */
function inForeground() {
  try {
    const afterName = readFileSync('/proc/self/stat', 'latin1').replace(/^.*\) /s, '');
    const [, , group, , , foreground] = afterName.split(' ');
    return group === foreground;
  } catch {
    return Boolean(process.stdin.isTTY || process.stderr.isTTY); // no /proc
  }
}
