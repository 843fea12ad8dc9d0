/** The process of a peer, which works when it is told to, so that rounds of several can be interleaved. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { DescentError } from '../../engine/check.ts';
import type { Runner } from './compare.ts';

/** What each burst took: milliseconds a step on the clock and of the process's processor time, and a value at its end, of training the loss. */
export interface Steps {
  readonly ms: number[];
  readonly cpu: number[];
  readonly losses: number[];
  /** Bytes: most memory that the process has held so far. */
  readonly peak: number;
}

/** What a peer says once it is ready to work. */
export interface Ready {
  /** The adapter, or the threads, that it runs on. */
  readonly adapter: string;
  readonly version?: string;
  /** Of a net that answers: its logits for the first batch. */
  readonly logits?: readonly number[];
}

export interface Peer extends Runner {
  readonly version: string;
  readonly ready: Ready;
  /** Milliseconds from the process's start to the end of its first step, and of the second step alone. */
  readonly first: number;
  readonly usual: number;
  /** Runs `n` steps and waits for the device after each `burst` of them. */
  run(n: number, burst?: number): Promise<Steps>;
  /** Bytes: most memory that its process has held so far, what it runs on included. */
  peak(): number;
  close(): Promise<void>;
}

/** Of what a process is made, and what messages say that it works on. */
export interface Work {
  readonly name: string;
  readonly work: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly version?: string | undefined;
}

/** Starts a peer and takes it through two steps, in which it compiles. */
export async function startProcess({ name, work, command, args, env, version }: Work): Promise<Peer> {
  const start = performance.now();
  const child = spawn(command, args, { stdio: 'pipe', env: { ...process.env, ...env } });
  const kill = () => child.kill('SIGKILL'); // it has nothing to keep, and an exit of its own waits for what V8 still compiles
  process.once('exit', kill); // one that is held would never see that its input has ended

  let noise = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    noise = (noise + text).slice(-16384);
  });
  child.stdin.on('error', () => {}); // its end is told by `ended`
  const ended = new Promise<string>(resolve => {
    child.on('error', e => resolve(e.message));
    child.on('close', (code, signal) => {
      process.off('exit', kill);
      const lines = noise
        .split('\n')
        .map(line => line.trim())
        .filter(Boolean);
      const told = lines.findLast(line => /^\S*Error\b/.test(line));
      resolve(told ?? (signal ? `killed by ${signal}` : (lines.at(-1) ?? `exit code ${code}`)));
    });
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  async function answer<T>(): Promise<T> {
    const { value, done } = await lines.next();
    if (!done) return JSON.parse(value as string) as T;
    throw new DescentError(`${name}: its process ended on ${work}: ${await ended}`, 'leave it out, or try another batch');
  }
  /** Between its turns a peer is held, where the system can: threads that wait by turning round would slow down whoever has theirs. */
  const hold = (signal: 'SIGSTOP' | 'SIGCONT') => process.platform !== 'win32' && child.kill(signal);
  let peak = 0;
  async function run(n: number, burst = 1): Promise<Steps> {
    hold('SIGCONT');
    child.stdin.write(`${JSON.stringify({ run: n, burst })}\n`);
    const steps = await answer<Steps>();
    hold('SIGSTOP');
    peak = steps.peak;
    return steps;
  }

  const { ready } = await answer<{ ready: Ready }>();
  await run(1);
  const first = performance.now() - start;
  const { ms } = await run(1);
  return {
    name,
    version: ready.version ?? version!,
    ready,
    first,
    usual: ms[0]!,
    run,
    step: async (n, burst) => (await run(n, burst)).ms,
    peak: () => peak,
    async close() {
      kill();
      await ended;
    },
  };
}
