/** npm test: sets the machine up, checks layout and types, runs the tests. Arguments: parts of test file names, --long. */
import { spawnSync } from 'node:child_process';
import { orExplain, setup } from './setup.mjs';
import { ensureBrowser } from './setup/browser.mjs';
import { ROOT } from './setup/modules.mjs';
import { ensureMpi } from './setup/mpi.mjs';
import { SetupError } from './setup/run.mjs';

const say = line => process.stderr.write(`${line}\n`);
const args = process.argv.slice(2);
const verbose = args.includes('--verbose');
let browser;
let withoutMpi = [];
const node = (...argv) => {
  const env = { ...process.env, ...(browser ? { DESCENT_BROWSER: browser } : {}) };
  return spawnSync(process.execPath, argv, { cwd: ROOT, stdio: 'inherit', env });
};

orExplain(() => {
  setup({ adapter: true, data: ['fashion-mnist', 'cifar10'], verbose });
  browser = ensureBrowser({ say, verbose });
  withoutMpi = ensureMpi({ say, verbose });
  if (!browser && process.env.CI) {
    throw new SetupError('there is no browser, and CI must not leave out the tests of the page; install chromium');
  }
});
const CHECKS = [
  ['layout and lint', 'node_modules/@biomejs/biome/bin/biome', 'check', '.'],
  ['type', 'node_modules/typescript/bin/tsc'],
];
for (const [what, ...argv] of CHECKS) {
  if (node(...argv).status === 0) continue;
  console.log(`${what} check failed; npm run check shows it alone, npx biome check --write mends the layout\n0 passed, 1 failed`);
  process.exit(1);
}

const { status, signal } = node('--import', 'tsx', 'scripts/run-tests.ts', ...args);
if (signal) {
  say(`the tests were ended by ${signal}`);
  console.log('0 passed, 1 failed');
}
if (!browser) {
  say('the tests of the page did not run, there is no browser; install chromium, or name one in DESCENT_BROWSER');
}
if (withoutMpi.length) {
  say(`the tests of training on several processes did not run in full; install ${withoutMpi.join(' and ')}`);
}
process.exit(status ?? 1);
