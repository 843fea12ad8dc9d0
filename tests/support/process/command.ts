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
  /** Closes standard output after the first line that matches. */
  readonly reads?: RegExp;
  /** Sees each line of either stream as it comes, and may signal the command. */
  readonly onLine?: (line: string, signal: Signal) => void;
}

/** SIGKILL reaches a command and what it launched, other signals the command alone, and so does SIGKILL where `alone` is set. */
export type Signal = (name: NodeJS.Signals, alone?: boolean) => void;

export const BIN = fileURLToPath(new URL('../../../bin/descent.mjs', import.meta.url));
export const words = (line: string): string[] => line.split(' ');

/** A short run on computed images: 4 epochs of 9 steps. */
export const SMALL = words('train lenet5 --dataset shapes --limit-train 320 --limit-test 100 --batch-size 32 --epochs 4 --log-every 4');

/** No command takes as long, on whatever machine: it hangs. */
const HANGS = 5 * 60_000;

/** Runs descent in the folder `cwd`. */
export const descent = (args: readonly string[], cwd: string, o: Watched = {}): Promise<Ended> =>
  watched(process.execPath, [BIN, ...args], { ...o, cwd });

/** Runs a command to its end, or as long as `hangs` (ms). */
export function watched(
  command: string,
  args: readonly string[],
  { cwd, env, reads, onLine, hangs = HANGS }: Watched & { readonly cwd?: string | undefined; readonly hangs?: number },
): Promise<Ended> {
  return new Promise(done => {
    // a process group without a terminal: on one, Ctrl-C reaches the launched command by itself and the launcher does not pass it on
    const options = { cwd, detached: true, env: { ...process.env, ...env } };
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const signal: Signal = (name, alone = false) => {
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
    const timer = setTimeout(() => {
      ended.err += `\nkilled by the test after ${hangs / 60_000} minutes\n`;
      signal('SIGKILL');
    }, hangs);
    child.on('close', code => {
      clearTimeout(timer);
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
