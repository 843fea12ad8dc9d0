/** Whether node_modules is what package-lock.json asks for, and `npm ci` where it is not. */
import { existsSync, lstatSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runNpm, SetupError } from './run.mjs';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const STAMP = 'node_modules/.descent-lock';

const json = path => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
};

/** 'fresh', or why `npm ci` is needed. What the command line takes is among the devDependencies: the library is published without it. */
export function modulesState(root = ROOT) {
  const state = statSync(`${root}package-lock.json`, { throwIfNoEntry: false });
  if (!state) return 'fresh';
  const stamp = `${state.size} ${state.mtimeMs}\n`;
  const { dependencies, devDependencies } = { ...json(`${root}package.json`) };
  const names = Object.keys({ ...dependencies, ...devDependencies });
  if (!names.every(name => existsSync(`${root}node_modules/${name}/package.json`))) return 'missing';
  let seen = '';
  try {
    seen = readFileSync(root + STAMP, 'utf8');
  } catch {
    /* npm was run by hand */
  }
  if (seen === stamp) return 'fresh';
  if (!agrees(json(`${root}package-lock.json`), json(`${root}node_modules/.package-lock.json`))) return 'stale';
  writeFileSync(root + STAMP, stamp);
  return 'fresh';
}

/** Whether npm's record of what it installed has each package of the lockfile in its version; those for other platforms may be absent. */
function agrees(lock, installed) {
  if (!lock?.packages || !installed?.packages) return false; // npm writes its record last: an interrupted run leaves none
  return Object.entries(lock.packages).every(([path, { version, optional, devOptional }]) => {
    const there = installed.packages[path];
    return !path || (there ? there.version === version : optional || devOptional);
  });
}

/** npm empties a folder before it installs: through a link that would be another project's. */
function checkOwn(root, state) {
  const folder = `${root}node_modules`;
  if (!lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  const place = readlinkSync(folder);
  throw new SetupError(`node modules: ${state}, and node_modules is a link to ${place}; install them there, or remove the link`);
}

/** Installs what the lockfile says if node_modules is not that already. */
export function ensureModules({ say, verbose, root = ROOT }) {
  const state = modulesState(root);
  if (state === 'fresh') return;
  checkOwn(root, state);
  say(`node modules: ${state}, installing them with npm ci`);
  const patience = ['--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000']; // npm's own is minutes, in silence
  const words = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error', ...patience];
  const { code, output } = runNpm(words, { cwd: root, verbose });
  const again = 'run the same command again';
  if (code !== 0) {
    throw new SetupError(`npm ci failed with code ${code}; once its reason is gone, ${again}\n${output.trim()}`);
  }
  if (modulesState(root) !== 'fresh') {
    throw new SetupError(`npm ci did not install what package-lock.json asks for; remove node_modules and ${again}`);
  }
}
