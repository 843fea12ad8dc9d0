/** The peers' packages, in a folder of their own in the cache: they are no dependencies of this one. */
import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDir } from '../../datasets/node/cache-dir.mjs';
import { DescentError } from '../../engine/check.ts';

const run = promisify(execFile);

export const PACKAGES = {
  '@jax-js/jax': '0.1.25',
  '@tensorflow/tfjs-core': '4.22.0',
  '@tensorflow/tfjs-backend-webgpu': '4.22.0',
  '@tensorflow/tfjs-backend-wasm': '4.22.0',
} as const;

/** npm writes its record last, so that an interrupted run leaves none. */
async function installed(folder: string): Promise<boolean> {
  try {
    const record = await readFile(join(folder, 'node_modules/.package-lock.json'), 'utf8');
    const { packages } = JSON.parse(record) as { packages: Record<string, { version: string }> };
    return Object.entries(PACKAGES).every(([name, version]) => packages[`node_modules/${name}`]?.version === version);
  } catch {
    return false;
  }
}

async function install(say: (line: string) => void): Promise<string> {
  const folder = join(cacheDir(), 'bench-peers');
  if (await installed(folder)) return folder;
  say('peers: installing jax-js and TensorFlow.js into the cache (about 90 MB)');
  await mkdir(folder, { recursive: true });
  const names = Object.entries(PACKAGES).map(([name, version]) => `${name}@${version}`);
  try {
    const options = ['--prefix', '.', '--save-exact', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    await run('npm', ['install', ...options, ...names], { cwd: folder, shell: process.platform === 'win32' });
  } catch (e) {
    const { stderr, message } = e as { stderr?: string; message: string };
    const [why] = (stderr || message).trim().split('\n');
    throw new DescentError(`peers: npm could not install them (${why})`, 'look at the network and run the same command again');
  }
  return folder;
}

let folder: Promise<string> | undefined;
/** The folder that holds the packages, installed now if need be. */
export const ensurePackages = (say: (line: string) => void = () => {}): Promise<string> => (folder ??= install(say));

interface Python {
  readonly path: string;
  readonly cuda: boolean;
}

async function findTorch(): Promise<Python | undefined> {
  // the distribution's own may be hidden by another
  for (const path of ['python3', '/usr/bin/python3']) {
    const found = await run(path, ['-c', 'import torch; print(torch.cuda.is_available())']).catch(() => undefined);
    if (found) return { path, cuda: found.stdout.trim() === 'True' };
  }
  return undefined;
}

let torch: Promise<Python | undefined> | undefined;
/** A Python that has PyTorch, and whether that sees a CUDA card. */
export const python = (): Promise<Python | undefined> => (torch ??= findTorch());
