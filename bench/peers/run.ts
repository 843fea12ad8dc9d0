/** Starts the peers, each a process of its own that trains when told to, so that rounds of several can be interleaved. */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { check, DescentError, lookUp } from '../../engine/check.ts';
import { ensurePackages, PACKAGES, python } from './install.ts';
import { network, type Network, type Problem } from './networks.ts';

const jax = { script: 'jax.ts', version: PACKAGES['@jax-js/jax'] };
const tfjs = { script: 'tfjs.ts', version: PACKAGES['@tensorflow/tfjs-core'] };
const pytorch = { script: 'pytorch.py' };

/** Each peer's program and the variant that it is told to be. PyTorch names its own version. */
const PEERS = {
  'jax-js': { ...jax, variant: 'webgpu' },
  'tfjs-webgpu': { ...tfjs, variant: 'webgpu' },
  'tfjs-wasm': { ...tfjs, variant: 'wasm' },
  'pytorch-cpu': { ...pytorch, variant: 'cpu' },
  'pytorch-cuda': { ...pytorch, variant: 'cuda' },
  'pytorch-cuda-amp': { ...pytorch, variant: 'cuda-amp' },
} as const satisfies Record<string, { script: string; version?: string; variant: string }>;

export type PeerName = keyof typeof PEERS;
export const PEER_NAMES = Object.keys(PEERS) as PeerName[];

/** Why a peer cannot run on this machine, or nothing if it can. Installs nothing. */
export async function unavailable(name: PeerName): Promise<string | undefined> {
  if (!name.startsWith('pytorch')) return undefined;
  const found = await python();
  if (!found) return 'PyTorch is not installed (Debian and Ubuntu: apt-get install python3-torch libopenblas0-openmp)';
  return name === 'pytorch-cpu' || found.cuda ? undefined : 'PyTorch sees no CUDA card';
}

/** What each burst took: milliseconds a step on the clock and of the process's processor time, and the loss at its end. */
export interface Steps {
  readonly ms: number[];
  readonly cpu: number[];
  readonly losses: number[];
}

export interface Peer {
  readonly name: PeerName;
  readonly version: string;
  /** The adapter, or the threads, that it runs on. */
  readonly device: string;
  /** Milliseconds from the process's start to the end of its first step. */
  readonly first: number;
  /** Runs `n` steps and waits for the device after each `burst` of them. */
  run(n: number, burst?: number): Promise<Steps>;
  /** As `run`: milliseconds a step. */
  step(n: number, burst?: number): Promise<number[]>;
  close(): Promise<void>;
}

export interface PeerOptions {
  /** In place of that of the model's name. */
  readonly net?: Network;
  readonly batch?: number;
  readonly threads?: number;
  readonly say?: (line: string) => void;
}

/** Starts a peer on a model of networks.ts and takes it through two steps, in which it compiles. */
export async function startPeer(
  name: PeerName,
  model: string,
  { net = network(model), batch = net.batch, threads = availableParallelism(), say }: PeerOptions = {},
): Promise<Peer> {
  const peer: { script: string; version?: string; variant: string } = lookUp('peer', name, PEERS);
  const why = await unavailable(name);
  check(!why, `${name}: ${why}`, 'leave it out or install what it needs');
  const problem: Problem = { network: net, batch, threads };
  const script = fileURLToPath(new URL(peer.script, import.meta.url));
  const folder = peer.version && (await ensurePackages(say));
  const start = performance.now();
  const [command, before] = peer.version ? [process.execPath, ['--import', import.meta.resolve('tsx')]] : [(await python())!.path, []];
  const child = spawn(command, [...before, script, JSON.stringify(problem), peer.variant], {
    stdio: 'pipe',
    env: { ...process.env, ...(folder && { DESCENT_PEERS: folder }) },
  });

  let noise = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    noise = (noise + text).slice(-16384);
  });
  child.stdin.on('error', () => {}); // its end is told by `ended`
  const ended = new Promise<string>(resolve => {
    child.on('error', e => resolve(e.message));
    child.on('close', (code, signal) => {
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
    throw new DescentError(`${name}: its process ended on ${model}, batch ${batch}: ${await ended}`, 'leave it out, or try another batch');
  }
  function run(n: number, burst = 1): Promise<Steps> {
    child.stdin.write(`${JSON.stringify({ run: n, burst })}\n`);
    return answer<Steps>();
  }

  const { ready } = await answer<{ ready: { version?: string; adapter: string } }>();
  await run(1);
  const first = performance.now() - start;
  await run(1);
  return {
    name,
    version: ready.version ?? peer.version!,
    device: ready.adapter,
    first,
    run,
    step: async (n, burst) => (await run(n, burst)).ms,
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
