/** The command line as a user runs it: in a process of its own, in a folder of its own. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Ended {
  /** None where a signal ended it. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Watched {
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Sees each line of either stream as it comes, and may signal the command. */
  /** Closes standard output after the first line that matches. */
  readonly reads?: RegExp;
  readonly onLine?: (line: string, signal: (name: NodeJS.Signals, alone?: boolean) => void) => void;
}

export const BIN = fileURLToPath(new URL('../../../bin/descent.mjs', import.meta.url));
export const words = (line: string): string[] => line.split(' ');

/** A short run on computed images: 4 epochs of 9 steps. */
export const SMALL = words('train lenet5 --dataset shapes --limit-train 320 --limit-test 100 --batch-size 32 --epochs 4 --log-every 4');

/** No command takes as long, on whatever machine: it hangs. */
const HANGS = 5 * 60_000;

/**
 * Runs descent in the folder `cwd`. SIGKILL reaches the launcher and what it launched, other signals the launcher alone, and so does
 * SIGKILL where `alone` is set.
 */
export function descent(args: readonly string[], cwd: string, { env, reads, onLine }: Watched = {}): Promise<Ended> {
  return new Promise(done => {
    // a process group without a terminal: on one, Ctrl-C reaches the launched command by itself and the launcher does not pass it on
    const options = { cwd, detached: true, env: { ...process.env, ...env } };
    const child = spawn(process.execPath, [BIN, ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const signal = (name: NodeJS.Signals, alone = false) => {
      if (name === 'SIGKILL' && !alone) process.kill(-child.pid!, name);
      else child.kill(name);
    };
    const ended = { out: '', err: '' };
    const collect = (name: keyof typeof ended) => {
      let rest = '';
      child[name === 'out' ? 'stdout' : 'stderr'].setEncoding('utf8').on('data', (text: string) => {
        ended[name] += text;
        const lines = (rest + text).split('\n');
        rest = lines.pop()!;
        for (const line of lines) onLine?.(line, signal);
        if (name === 'out' && lines.some(line => reads?.test(line))) child.stdout.destroy();
      });
    };
    collect('out');
    collect('err');
    const hangs = setTimeout(() => {
      ended.err += `\nkilled by the test after ${HANGS / 60_000} minutes\n`;
      signal('SIGKILL');
    }, HANGS);
    child.on('close', code => {
      clearTimeout(hangs);
      done({ code, ...ended });
    });
  });
}

/** Two at a time: a command waits for the disk and the driver half of its time. */
export async function inTurn<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = [...items.entries()];
  const work = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) results[next[0]] = await run(next[1]);
  };
  await Promise.all([work(), work()]);
  return results;
}
