/** The package as a user has it: packed, and installed in an empty folder. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

export const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);
const OFFLINE = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTCACHED/;

export interface Told {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command to its end, and gives what it said whether or not it failed. */
export async function told(command: string, args: readonly string[], cwd: string): Promise<Told> {
  try {
    const { stdout: out, stderr: err } = await run(command, args, { cwd, maxBuffer: 2 ** 26 });
    return { code: 0, out, err };
  } catch (error) {
    const { code, stdout: out, stderr: err } = error as { code?: unknown; stdout: string; stderr: string };
    return { code: typeof code === 'number' ? code : -1, out, err };
  }
}

export interface Installed {
  /** Where the package is installed: a folder with a package.json and node_modules. */
  readonly folder: string;
  /** Of the package in its node_modules. */
  readonly root: string;
  readonly tarball: string;
  /** Runs Node on a program in the folder. */
  node(...args: readonly string[]): Promise<Told>;
  /** Runs the installed command line in the folder. */
  descent(...args: readonly string[]): Promise<Told>;
  /** Makes packages of the checkout available as if they had been installed beside. */
  add(...packages: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** Builds, packs and installs the package. Gives nothing where a dependency is not in npm's cache and no registry can be reached. */
export async function install(): Promise<Installed | undefined> {
  const base = await mkdtemp(join(tmpdir(), 'descent-package-'));
  const folder = join(base, 'app');
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  const packed = await told('npm', ['pack', '--silent', '--pack-destination', base], ROOT);
  if (packed.code !== 0) throw new Error(`npm pack: ${packed.out}${packed.err}`);
  const tarball = join(base, packed.out.trim().split('\n').at(-1)!);
  const quietly = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--fetch-retries=0'];
  const { code, err } = await told('npm', ['install', ...quietly, tarball], folder);
  if (code !== 0) {
    await rm(base, { recursive: true });
    if (OFFLINE.test(err)) return undefined;
    throw new Error(`npm install: ${err}`);
  }
  const modules = join(folder, 'node_modules');
  return {
    folder,
    root: join(modules, 'descent-gpu'),
    tarball,
    node: (...args) => told(process.execPath, args, folder),
    descent: (...args) => told(join(modules, '.bin/descent'), args, folder),
    async add(...packages) {
      for (const name of packages) {
        await mkdir(dirname(join(modules, name)), { recursive: true });
        await symlink(join(ROOT, 'node_modules', name), join(modules, name), 'junction');
      }
    },
    close: () => rm(base, { recursive: true, maxRetries: 5 }),
  };
}

/** The files below a folder, as paths relative to it. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter(e => e.isFile()).map(e => join(e.parentPath, e.name).slice(folder.length + 1));
}
