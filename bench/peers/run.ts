/** The peers by name, and how each is started. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { check, lookUp } from '../../engine/check.ts';
import { ensurePackages, PACKAGES, python } from './install.ts';
import { network, type Network, type Problem, type Question } from './networks.ts';
import { startProcess, type Peer } from './process.ts';

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

/** Builds of ONNX Runtime for the web: WebAssembly, and two that compute by WebGPU, whose kernels are in C++ and in JavaScript. */
const ANSWERING = { 'ort-wasm': 'wasm', 'ort-webgpu': 'webgpu', 'ort-webgpu-js': 'webgpu-js' } as const;
export type AnsweringName = keyof typeof ANSWERING;
export const ANSWERING_NAMES = Object.keys(ANSWERING) as AnsweringName[];

const NODE = [process.execPath, ['--import', import.meta.resolve('tsx')]] as const;
const scriptOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

export type PeerName = keyof typeof PEERS;
export const PEER_NAMES = Object.keys(PEERS) as PeerName[];

/** Why a peer cannot run on this machine, or nothing if it can. Installs nothing. */
export async function unavailable(name: PeerName): Promise<string | undefined> {
  if (!name.startsWith('pytorch')) return undefined;
  const found = await python();
  if (!found) return 'PyTorch is not installed (Debian and Ubuntu: apt-get install python3-torch libopenblas0-openmp)';
  return name === 'pytorch-cpu' || found.cuda ? undefined : 'PyTorch sees no CUDA card';
}

export interface PeerOptions {
  /** In place of that of the model's name. */
  readonly net?: Network;
  readonly batch?: number;
  readonly threads?: number;
  readonly say?: (line: string) => void;
}

/** Starts a peer on a model of networks.ts. */
export async function startPeer(
  name: PeerName,
  model: string,
  { net = network(model), batch = net.batch, threads = availableParallelism(), say }: PeerOptions = {},
): Promise<Peer> {
  const peer: { script: string; version?: string; variant: string } = lookUp('peer', name, PEERS);
  const why = await unavailable(name);
  check(!why, `${name}: ${why}`, 'leave it out or install what it needs');
  const problem: Problem = { network: net, batch, threads };
  const script = scriptOf(peer.script);
  const folder = peer.version && (await ensurePackages(say));
  const [command, before] = peer.version ? NODE : [(await python())!.path, []];
  return startProcess({
    name,
    work: `${model}, batch ${batch}`,
    command,
    args: [...before, script, JSON.stringify(problem), peer.variant],
    env: { ...(folder && { DESCENT_PEERS: folder }) },
    version: peer.version,
  });
}

/** Starts ONNX Runtime on an exported net. Its 26 MB of WebAssembly are compiled as they are called, as browsers do. */
export const startAnswering = (name: AnsweringName, model: string, question: Question): Promise<Peer> =>
  startProcess({
    name,
    work: `${model}, batch ${question.batch}`,
    command: NODE[0],
    args: ['--wasm-lazy-compilation', ...NODE[1], scriptOf('onnx.ts'), JSON.stringify(question), lookUp('peer', name, ANSWERING)],
  });
