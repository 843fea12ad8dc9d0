/**
 * Sets up a machine: node modules, a WebGPU adapter, data. Needs nothing but Node and npm; each part is skipped when done, says in one line
 * what it does otherwise, and can be interrupted and repeated. By hand: node scripts/setup.mjs [--adapter] [--data NAME,NAME] [--verbose]
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cacheDir, STAMP } from '../datasets/node/cache-dir.mjs';
import { ensureAdapter } from './setup/adapter.mjs';
import { ensureModules, ROOT } from './setup/modules.mjs';
import { SetupError } from './setup/run.mjs';

const say = line => process.stderr.write(`${line}\n`);

/** Whether all files of a data set are in the cache as they were when last checked. */
function hasData(name) {
  const folder = join(cacheDir(), name);
  try {
    const stamp = JSON.parse(readFileSync(join(folder, STAMP), 'utf8'));
    return Object.entries(stamp).every(([file, [bytes, mtimeMs]]) => {
      const state = statSync(join(folder, file));
      return state.size === bytes && state.mtimeMs === mtimeMs;
    });
  } catch {
    return false;
  }
}

/** Fetches data sets into the cache; the code that does so needs the node modules. */
function ensureData(names) {
  const missing = names.filter(name => !hasData(name));
  if (!missing.length) return;
  say(`data: fetching ${missing.join(', ')}`);
  const command = ['--import', 'tsx', 'scripts/setup/data.ts', ...missing];
  const { status, signal } = spawnSync(process.execPath, command, { stdio: 'inherit', cwd: ROOT });
  if (status !== 0) process.exit(signal ? 130 : 1); // it has said why
}

/** Throws SetupError when a person has to do something first. */
export function setup({ adapter = false, data = [], verbose = false } = {}) {
  const { node } = process.versions;
  if (parseInt(node, 10) < 20) throw new SetupError(`Node ${node} is too old; 20 or later is needed`);
  ensureModules({ say, verbose });
  if (adapter) ensureAdapter({ say, verbose });
  ensureData(data);
}

/** Runs a part of a program that may throw SetupError; shows its message alone. */
export function orExplain(work) {
  try {
    return work();
  } catch (e) {
    if (!(e instanceof SetupError)) throw e;
    say(e.message);
    process.exit(1);
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { argv } = process;
  const at = argv.indexOf('--data');
  const data = at > 0 ? argv[at + 1]?.split(',') : [];
  orExplain(() => setup({ adapter: argv.includes('--adapter'), data, verbose: argv.includes('--verbose') }));
}
