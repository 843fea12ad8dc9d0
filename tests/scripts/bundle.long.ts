/**
 * The portable archive: made, unpacked elsewhere and used without PATH, HOME and, where the kernel lets us, without a network; run with
 * --long.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('bundle');
const folder = mkdtempSync(join(tmpdir(), 'descent-bundle-test-'));
const unshare = ['/usr/bin/unshare', '/bin/unshare'].find(path => spawnSync(path, ['-rn', '/bin/true']).status === 0);
let root = '';
test.after(() => rmSync(folder, { recursive: true }));

/** What the unpacked command line says, in `folder`. */
function descent(...args: string[]): string {
  const command = [join(root, 'descent'), ...args];
  const [first, ...rest] = unshare ? [unshare, '-rn', ...command] : command;
  const { status, stdout, stderr } = spawnSync(first!, rest, { env: {}, cwd: folder, encoding: 'utf8' });
  assert.is(status, 0, stderr);
  return stdout;
}

test('is made in one file and unpacks into one folder', () => {
  const archive = join(folder, 'descent.tar.gz');
  execFileSync(process.execPath, ['scripts/bundle.mjs', '--data', 'fashion-mnist', '--out', archive], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  execFileSync('tar', ['-xzf', archive, '-C', folder]);
  const [name] = readdirSync(folder).filter(entry => statSync(join(folder, entry)).isDirectory());
  root = join(folder, name!);
  assert.not(readdirSync(root).some(entry => /\.ts$/.test(entry)));
  assert.equal(readdirSync(join(root, 'data')), ['fashion-mnist']);
});

test('lists the adapters', () => assert.match(descent('devices'), /taken by default/));

test('trains, evaluates, predicts', async () => {
  assert.match(
    descent('train', 'lenet5', '--steps', '20', '--limit-train', '2000', '--out', 'run'),
    /20 steps; weights, metrics and curves in run/,
  );
  assert.match(readFileSync(join(folder, 'run/curves.svg'), 'utf8'), /^<svg/);
  assert.match(descent('eval', 'run', '--limit-test', '500'), /test loss \d\.\d+ {2}accuracy/);
  await sharp({ create: { width: 40, height: 40, channels: 3, background: '#808080' } })
    .png()
    .toFile(join(folder, 'grey.png'));
  assert.match(descent('predict', 'run', 'grey.png'), /^grey\.png: \S/);
});

test('measures a step', () => assert.match(descent('bench', 'step', 'lenet5'), /images\/s/));

test("takes a model of the user's own", () => {
  const net = `
    import { dense, relu, sequential } from 'descent';
    export default ({ classes }) => sequential({ hidden: dense(16), act: relu(), out: dense(classes) });
  `;
  writeFileSync(join(folder, 'net.js'), net);
  assert.match(descent('train', './net.js', '--dataset', 'shapes', '--steps', '2', '--limit-train', '200', '--out', 'own'), /2 steps/);
});

test.run();
