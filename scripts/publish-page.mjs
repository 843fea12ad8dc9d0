/**
 * node scripts/publish-page.mjs --site https://somebody.github.io/descent/ [--data fashion-mnist]: builds the page into web/dist as it is
 * published, with a data set and the address that links and pictures of it have. .github/workflows/pages.yml runs it and puts the folder on
 * GitHub Pages; any other host of files can serve it too.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));

function fail(line) {
  console.error(line);
  process.exit(1);
}

let given;
try {
  given = parseArgs({ options: { site: { type: 'string' }, data: { type: 'string', default: 'fashion-mnist' } } }).values;
} catch (error) {
  fail(`${error.message.split('.')[0]}; give --site and --data`);
}
const { site, data } = given;
if (!site) fail('--site: is missing; give the address that the page will have, such as https://somebody.github.io/descent/');
if (!URL.canParse(site) || !/^https?:/.test(site) || !site.endsWith('/'))
  fail(`--site: '${site}' is no address of a folder; give one such as https://somebody.github.io/descent/, with a slash at its end`);

const run = (...args) =>
  execFileSync(process.execPath, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, DESCENT_WEB_DATA: data, DESCENT_SITE: site },
  });
try {
  if (!existsSync(join(root, 'node_modules'))) execFileSync('npm', ['ci'], { cwd: root, stdio: 'inherit' });
  for (const name of data.split(',').filter(Boolean)) run('bin/descent.mjs', 'data', 'fetch', name);
  run('node_modules/vite/bin/vite.js', 'build');
} catch {
  fail('the page is not built; what went wrong stands above');
}
const dist = join(root, 'web', 'dist');
const bytes = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile())
  .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
console.log(`web/dist: ${(bytes / 2 ** 20).toFixed(1)} MiB for ${site}`);
