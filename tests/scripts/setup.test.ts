import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { mesaPlan, osRelease, parseDeb822, parseList, planCommands, readSources } from '../../scripts/setup/apt.mjs';
import { ensureModules, modulesState, ROOT } from '../../scripts/setup/modules.mjs';

const test = suite('setup');
let scratch = '';
test.before(() => {
  scratch = mkdtempSync(join(tmpdir(), 'descent-setup-'));
});
test.after(() => rmSync(scratch, { recursive: true }));

const LIST = `# deb http://old.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/a.gpg] http://mirror.example/debian/ bookworm main contrib # comment
  deb http://mirror.example/security bookworm-security main
deb-src http://mirror.example/debian bookworm main
`;
const DEB822 = `Types: deb deb-src
# a comment
URIs: http://mirror.example/debian http://second.example/debian
Suites: bookworm
 bookworm-updates
Components: main
Signed-By: /usr/share/a.gpg

Enabled: no
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm-backports
Components: main

Types: deb
URIs: http://keyed.example/debian
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----
`;

test('apt sources: the one-line format', () => {
  assert.equal(parseList(LIST), [
    { uris: ['http://mirror.example/debian/'], suites: ['bookworm'], components: ['main', 'contrib'], signedBy: '/usr/share/a.gpg' },
    { uris: ['http://mirror.example/security'], suites: ['bookworm-security'], components: ['main'], signedBy: undefined },
  ]);
});

test('apt sources: the deb822 format, with folded fields, disabled stanzas and keys written out', () => {
  const [first, second, ...rest] = parseDeb822(DEB822);
  assert.equal(first, {
    uris: ['http://mirror.example/debian', 'http://second.example/debian'],
    suites: ['bookworm', 'bookworm-updates'],
    components: ['main'],
    signedBy: '/usr/share/a.gpg',
  });
  assert.is(second!.suites[0], 'bookworm-security');
  assert.match(second!.signedBy!, /^\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n \.\n abc\n -----END PGP PUBLIC KEY BLOCK-----$/);
  assert.is(rest.length, 0);
});

test("apt sources: both formats from a machine's folder", () => {
  const etc = join(scratch, 'apt');
  mkdirSync(join(etc, 'sources.list.d'), { recursive: true });
  writeFileSync(join(etc, 'sources.list'), LIST);
  writeFileSync(join(etc, 'sources.list.d/a.sources'), DEB822);
  writeFileSync(join(etc, 'sources.list.d/b.list.disabled'), LIST);
  assert.is(readSources(etc).length, 4);
  assert.equal(readSources(join(scratch, 'none')), []);
});

const bookworm = osRelease('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nID=debian\n');
const mirror = { uris: ['http://mirror.example/debian'], suites: ['bookworm', 'other'], components: ['main'], signedBy: '/k.gpg' };
const PACKAGES = ['mesa-vulkan-drivers', 'libvulkan1'];
const SUITE = 'bookworm-backports';
const PLAIN = { packages: PACKAGES };
const ADDED = { packages: PACKAGES, suite: SUITE };
const STANZA = `Types: deb\nURIs: http://mirror.example/debian\nSuites: ${SUITE}\nComponents: main\nSigned-By: /k.gpg\n`;
for (const [what, release, sources, candidate, expected] of [
  ['Debian 12 takes backports from the mirror it uses', bookworm, [mirror], '22.3.6-1+deb12u1', { ...ADDED, stanza: STANZA }],
  ['Debian 12 before the first apt-get update', bookworm, [mirror], '', { ...ADDED, stanza: STANZA }],
  [
    'a mirror without a key of its own',
    bookworm,
    [{ ...mirror, signedBy: undefined }],
    '',
    { ...ADDED, stanza: STANZA.replace(/Signed.*\n/, '') },
  ],
  ['Debian 12 with backports in its sources', bookworm, [mirror, { ...mirror, suites: [SUITE] }], '22.3.6', ADDED],
  ['a machine where a newer Mesa is the candidate', bookworm, [mirror], '25.0.7-2~bpo12+1', PLAIN],
  ['Debian 13', { ID: 'debian', VERSION_ID: '13', VERSION_CODENAME: 'trixie' }, [], '25.0.7-2', PLAIN],
  ['Debian testing, which has no number', { ID: 'debian', VERSION_CODENAME: 'forky' }, [], '', PLAIN],
  ['Ubuntu', { ID: 'ubuntu', VERSION_ID: '24.04', VERSION_CODENAME: 'noble' }, [], '25.0.7-0ubuntu0.24.04.2', PLAIN],
] as [string, Record<string, string>, ReturnType<typeof readSources>, string, object][]) {
  test(`software driver: ${what}`, () => assert.equal(mesaPlan(release, sources, candidate), expected));
}

test('software driver: no source to take the address from is said, and commands can be pasted', () => {
  assert.throws(() => mesaPlan(bookworm, [{ ...mirror, suites: ['trixie'] }], ''), /no source in \/etc\/apt names bookworm/);
  assert.equal(planCommands(mesaPlan(bookworm, [mirror], ''), 'sudo '), [
    `sudo tee /etc/apt/sources.list.d/${SUITE}.sources <<'END'\n${STANZA}END`,
    'sudo apt-get update',
    `sudo apt-get install -y --no-install-recommends -t ${SUITE} mesa-vulkan-drivers libvulkan1`,
  ]);
  assert.equal(planCommands({ packages: ['x'] }, ''), ['apt-get update', 'apt-get install -y --no-install-recommends x']);
});

/** A project folder with these files; objects are written as JSON. */
function project(files: Record<string, object | string>): string {
  const root = `${mkdtempSync(join(scratch, 'p-'))}/`;
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(root + path, typeof content === 'string' ? content : JSON.stringify(content));
  }
  return root;
}
const manifest = { dependencies: { a: '1' } };
const there = { version: '1.0.0' };
const lock = { packages: { '': {}, 'node_modules/a': there, 'node_modules/b': { ...there, optional: true } } };
const asked = { 'package.json': manifest, 'package-lock.json': lock };
const installed = { ...asked, 'node_modules/a/package.json': '{}' };
const record = (packages: object) => ({ 'node_modules/.package-lock.json': { packages } });
for (const [what, files, expected] of [
  ['nothing installed', asked, 'missing'],
  ["npm's record agrees", { ...installed, ...record({ 'node_modules/a': there }) }, 'fresh'],
  ['another version', { ...installed, ...record({ 'node_modules/a': { version: '0.9.0' } }) }, 'stale'],
  [
    'an optional package of another version',
    { ...installed, ...record({ 'node_modules/a': there, 'node_modules/b': { version: '2.0.0' } }) },
    'stale',
  ],
  ['npm ci was interrupted: no record', installed, 'stale'],
  ['a module was deleted', { ...asked, ...record(lock.packages) }, 'missing'],
  ['installed as a package, without a lockfile', { 'package.json': manifest }, 'fresh'],
] as [string, Record<string, object | string>, string][]) {
  test(`node modules: ${what}`, () => assert.is(modulesState(project(files)), expected));
}

test('node modules: what a link leads to is not emptied', () => {
  const root = project(asked);
  const other = project({ 'node_modules/c/package.json': '{}' });
  symlinkSync(`${other}node_modules`, `${root}node_modules`);
  const told = new RegExp(
    `^node modules: missing, and node_modules is a link to ${other}node_modules; install them there, or remove the link$`,
  );
  assert.throws(() => ensureModules({ say() {}, verbose: false, root }), told);
  assert.ok(existsSync(`${other}node_modules/c/package.json`));
});

test('node modules: a stamp spares the comparison until the lockfile changes', () => {
  const root = project({ ...installed, ...record(lock.packages) });
  assert.is(modulesState(root), 'fresh');
  rmSync(`${root}node_modules/.package-lock.json`);
  assert.is(modulesState(root), 'fresh');
  utimesSync(`${root}package-lock.json`, 1, 1);
  assert.is(modulesState(root), 'stale');
});

/** A command line that does what a test asks for. */
const MAIN = `
  import fs from 'node:fs';
  const say = (text: string) => fs.writeSync(Number(process.env.DESCENT_STDERR_FD ?? 2), text + '\\n');
  const mode: string = process.argv[2]!;
  fs.writeSync(2, 'driver noise\\n');
  if (mode === 'ok') console.log(process.argv.slice(2).join(' '), process.cwd());
  if (mode === 'fail') {
    say('model: it is unknown');
    process.exitCode = 7;
  }
  if (mode === 'bug') throw new Error('a bug');
  if (mode === 'abort') process.abort();
  if (mode === 'killed') process.kill(process.pid, 'SIGKILL');
  if (mode === 'wait') {
    let count = 0;
    const end = (signal: string) => {
      console.log(signal + ' ' + count); // in one piece: numbers may be coloured
      process.exit(130);
    };
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {
      if (++count === 1) setTimeout(end, 200, signal);
    });
    setInterval(() => {}, 1000);
    console.log('ready');
  }
`;
/** The launcher beside it. */
function launcher(): string {
  const root = project({ 'package.json': '{ "type": "module" }', 'cli/main.ts': MAIN });
  cpSync(join(ROOT, 'bin'), join(root, 'bin'), { recursive: true });
  for (const file of ['modules.mjs', 'run.mjs']) cpSync(join(ROOT, 'scripts/setup', file), join(root, 'scripts/setup', file));
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  return join(root, 'bin/descent.mjs');
}

for (const [args, code, stdout, stderr] of [
  [['ok', 'a b', '--x'], 0, /^ok a b --x \/\n$/, /^$/], // from any folder, arguments as they are
  [['ok', '--verbose'], 0, /^ok/, /^driver noise\n$/],
  [['fail'], 7, /^$/, /^model: it is unknown\n$/],
  [['bug'], 1, /^$/, /driver noise\n[^]*Error: a bug\n/],
  [['abort'], 134, /^$/, /^driver noise\n[^]*killed by SIGABRT\n$/],
  [['killed'], 137, /^$/, /^driver noise\ndescent: the process was killed by SIGKILL \(out of memory\?\)\n$/],
] as [string[], number, RegExp, RegExp][]) {
  test(`launcher: ${args.join(' ')}`, () => {
    const done = spawnSync(process.execPath, [launcher(), ...args], { cwd: '/', encoding: 'utf8' });
    assert.is(done.status, code);
    assert.match(done.stdout, stdout);
    assert.match(done.stderr, stderr);
  });
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`launcher: ${signal} reaches the command line once, and the launcher waits for its end`, async () => {
    // apart from a terminal, whose Ctrl-C reaches both
    const child = spawn(process.execPath, [launcher(), 'wait'], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
    let said = '';
    child.stdout.on('data', text => {
      if ((said += text) === 'ready\n') child.kill(signal);
    });
    const code = await new Promise(resolve => {
      child.on('close', resolve);
    });
    assert.equal([code, said], [130, `ready\n${signal} 1\n`]);
  });
}

for (const [answer, expected] of [
  ['', true],
  ['y', true],
  ['n', false],
  ['what', false],
] as const) {
  const here = process.platform === 'linux' && existsSync('/usr/bin/script') ? test : test.skip; // util-linux's makes the terminal
  here(`set-up asks on a terminal: '${answer}' is ${expected ? 'a yes' : 'a no'}`, () => {
    const program = `import('${join(ROOT, 'scripts/setup/agree.mjs')}').then(m => console.log('agreed:', m.agreed('install it?')))`;
    const env = { ...process.env, CI: '' };
    const command = `'${process.execPath}' -e "${program}"`;
    const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], { input: `${answer}\n`, env, encoding: 'utf8' });
    assert.match(stdout, new RegExp(`install it\\? \\[Y/n\\][^]*agreed: .*${expected}`));
  });
}

test('npm start and npm test run by Node alone: their scripts import nothing from node_modules', () => {
  const root = project({ 'package.json': '{ "type": "module" }' });
  for (const path of ['scripts', 'bin', 'datasets']) cpSync(join(ROOT, path), join(root, path), { recursive: true });
  for (const script of ['scripts/setup.mjs', 'bin/launch.mjs', 'scripts/setup/browser.mjs']) {
    const program = `await import(${JSON.stringify(join(root, script))})`;
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
    assert.is(status, 0, stderr);
  }
  assert.ok(!existsSync(join(root, 'node_modules')));
});

test('.ci/run is executable', () => assert.ok(statSync(join(ROOT, '.ci/run')).mode & 0o100));

test.run();
