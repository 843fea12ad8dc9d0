/**
 * npm run bundle: one archive for x86-64 Linux with Node, the built engine, its native modules and data, which runs offline where there is
 * nothing but a Vulkan driver.
 * Arguments: --data NAME,NAME (default: fashion-mnist, and cifar10 if the cache has it; none for no data), --out FILE.
 */
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheDir, STAMP } from '../datasets/node/cache-dir.mjs';
import { buildPackage } from './package.mjs';
import { orExplain, setup } from './setup.mjs';
import { ROOT } from './setup/modules.mjs';
import { run, SetupError } from './setup/run.mjs';

const say = line => process.stderr.write(`${line}\n`);
const { name: packageName, version, description, license, dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** Packages that come along, with the files of each that are needed: the library's own, native code, fonts. Those that sharp needs are named too. */
const MODULES = {
  ...Object.fromEntries(Object.keys(dependencies).map(module => [module, ['.']])),
  webgpu: ['package.json', 'LICENSE.md', 'index.js', 'dist/linux-x64'],
  '@resvg/resvg-js': ['.'],
  '@resvg/resvg-js-linux-x64-gnu': ['.'],
  sharp: ['.'],
  '@img/sharp-linux-x64': ['.'],
  '@img/sharp-libvips-linux-x64': ['.'],
  '@img/colour': ['.'],
  'detect-libc': ['.'],
  semver: ['.'],
  'dejavu-fonts-ttf': ['package.json', 'LICENSE', 'ttf/DejaVuSans.ttf', 'ttf/DejaVuSans-Bold.ttf'],
};

const LOADER = 'libvulkan.so.1';
const LIBRARIES = ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib', '/lib64'];

/**
 * A shell alone starts it: no program on the PATH is needed. The Vulkan loader that comes along is for machines that have a driver and no
 * loader.
 */
const LAUNCHER = `#!/bin/sh
case $0 in */*) here=\${0%/*} ;; *) here=$(command -v "$0"); here=\${here%/*} ;; esac
export DESCENT_DATA="\${DESCENT_DATA:-$here/data}"
loader=
for folder in ${LIBRARIES.join(' ')} /usr/lib/x86_64-linux-gnu/nvidia/current; do
  [ -e "$folder/${LOADER}" ] && loader=$folder
done
[ -z "$loader" ] && export LD_LIBRARY_PATH="\${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$here/lib"
exec "$here/node" "$here/bin/descent.mjs" "$@"
`;

orExplain(() => setup());
const { values } = parseArgs({ options: { data: { type: 'string' }, out: { type: 'string' } } });
if (process.platform !== 'linux' || process.arch !== 'x64') {
  orExplain(() => {
    throw new SetupError(`bundle: this is ${process.platform} ${process.arch}, and Node's own binary goes along; run it on x86-64 Linux`);
  });
}

const name = `descent-${version}-linux-x64`;
const out = resolve(values.out ?? join(ROOT, 'dist', `${name}.tar.gz`));
const data = dataSets(values.data);
orExplain(() => setup({ data }));
const work = mkdtempSync(join(tmpdir(), 'descent-bundle-'));
const root = join(work, name);
try {
  await built();
  native();
  for (const set of data) copyData(set);
  write('descent', LAUNCHER, 0o755);
  mkdirSync(dirname(out), { recursive: true });
  const { code, output } = run('tar', ['-czf', `${out}.new`, '-C', work, name]);
  if (code !== 0) throw new Error(`tar: ${output}`);
  cpSync(`${out}.new`, out);
  rmSync(`${out}.new`);
} finally {
  rmSync(work, { recursive: true, force: true });
}

const size = `${(statSync(out).size / 2 ** 20).toFixed(0)} MiB`;
say(`${out}: ${size}, with ${data.join(', ') || 'no data'}; unpack it and run ${name}/descent`);

/** The names that --data gives, or what is taken without it. */
function dataSets(given) {
  if (given === 'none') return [];
  const isCached = existsSync(join(cacheDir(), 'cifar10', STAMP));
  return given?.split(',') ?? ['fashion-mnist', ...(isCached ? ['cifar10'] : [])];
}

function write(path, text, mode = 0o644) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  chmodSync(join(root, path), mode);
}

/** What npm publishes, less what only compilers and browsers read of it. */
async function built() {
  await buildPackage();
  const isRead = path => !/\.(map|d\.m?ts|tar\.gz)$|descent\.min\.js$/.test(path);
  for (const folder of ['bin', 'dist']) cpSync(join(ROOT, folder), join(root, folder), { recursive: true, filter: isRead });
  write('package.json', `${JSON.stringify({ name: packageName, version, description, license, type: 'module' }, undefined, 2)}\n`);
}

/** Node itself, the modules that cannot be built in, and the Vulkan loader. */
function native() {
  copyFileSync(process.execPath, join(root, 'node'));
  chmodSync(join(root, 'node'), 0o755);
  for (const [module, files] of Object.entries(MODULES)) {
    for (const file of files) {
      const from = join(ROOT, 'node_modules', module, file);
      if (existsSync(from)) cpSync(from, join(root, 'node_modules', module, file), { recursive: true });
      else if (!/^LICENSE/.test(file)) throw new Error(`${from} is not there; npm ci installs it`);
    }
  }
  const loader = LIBRARIES.map(folder => join(folder, LOADER)).find(existsSync);
  if (loader) cpSync(loader, join(root, 'lib', LOADER), { dereference: true });
}

/** The files of a set, their times in whole seconds as archives keep them, and the record that they were checked. */
function copyData(set) {
  const from = join(cacheDir(), set);
  const to = join(root, 'data', set);
  const stamp = {};
  mkdirSync(to, { recursive: true });
  for (const file of Object.keys(JSON.parse(readFileSync(join(from, STAMP), 'utf8')))) {
    copyFileSync(join(from, file), join(to, basename(file)));
    const { size, mtimeMs } = statSync(join(from, file));
    const seconds = Math.floor(mtimeMs / 1000);
    utimesSync(join(to, basename(file)), seconds, seconds);
    stamp[file] = [size, seconds * 1000];
  }
  writeFileSync(join(to, STAMP), JSON.stringify(stamp));
}
