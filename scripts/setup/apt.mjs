/** Debian's package system: what the machine's own sources are, and installing from them or from the backports beside them. */
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, SetupError, which } from './run.mjs';

const read = path => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

const words = text => (text ?? '').split(/\s+/).filter(Boolean);

/** /etc/os-release as an object: ID, VERSION_ID, VERSION_CODENAME, ... */
export function osRelease(text = read('/etc/os-release')) {
  return Object.fromEntries([...text.matchAll(/^(\w+)="?([^"\n]*)"?$/gm)].map(([, key, value]) => [key, value]));
}

/** The entries of a sources file in the one-line format: `deb [signed-by=FILE] URI SUITE COMPONENT...`. */
export function parseList(text) {
  const entry = /^[ \t]*deb[ \t]+(?:\[([^\]]*)\][ \t]+)?(\S+)[ \t]+(\S+)([^#\n]*)/gm;
  return [...text.matchAll(entry)].map(([, options, uri, suite, components]) => ({
    uris: [uri],
    suites: [suite],
    components: words(components),
    signedBy: /signed-by=(\S+)/i.exec(options ?? '')?.[1],
  }));
}

/** The entries of a sources file in the deb822 format; `signedBy` may be a whole key, whose lines keep their indentation. */
export function parseDeb822(text) {
  const stanzas = text.replace(/^#.*\n?/gm, '').split(/\n[ \t]*\n/);
  return stanzas.flatMap(stanza => {
    const field = /^([\w-]+):[ \t]*(.*(?:\n[ \t]+.*)*)/gm;
    const fields = Object.fromEntries([...stanza.matchAll(field)].map(([, key, value]) => [key.toLowerCase(), value]));
    if (!words(fields.types).includes('deb') || /^(no|false|off|0)$/i.test(fields.enabled ?? '')) return [];
    const [uris, suites, components] = [fields.uris, fields.suites, fields.components].map(words);
    return [{ uris, suites, components, signedBy: fields['signed-by']?.trimEnd() }];
  });
}

function sourceFiles(dir) {
  try {
    return readdirSync(dir)
      .filter(name => /\.(list|sources)$/.test(name))
      .sort();
  } catch {
    return [];
  }
}

/** All enabled entries of this machine. */
export function readSources(etc = '/etc/apt') {
  const parts = join(etc, 'sources.list.d');
  const found = parseList(read(join(etc, 'sources.list')));
  for (const name of sourceFiles(parts)) {
    found.push(...(name.endsWith('.list') ? parseList : parseDeb822)(read(join(parts, name))));
  }
  return found;
}

/**
 * How to install a Mesa that Dawn accepts: it refuses 22.3 ("shaderUniform*ArrayDynamicIndexing required"), which is Debian 12's, whose
 * backports have 25.0. `candidate` is the version apt would install, '' if unknown. Returns the packages, the suite to take them from
 * (absent: any) and the stanza that adds this suite where the machine lacks it, made from the machine's own entry for its release.
 */
export function mesaPlan(release, sources, candidate) {
  const packages = ['mesa-vulkan-drivers', 'libvulkan1'];
  const codename = release.VERSION_CODENAME;
  const old = candidate ? parseInt(candidate, 10) < 23 : release.ID === 'debian' && Number(release.VERSION_ID) <= 12;
  if (release.ID !== 'debian' || !old || !codename) return { packages };
  const suite = `${codename}-backports`;
  if (sources.some(s => s.suites.includes(suite))) return { packages, suite };
  const own = sources.find(s => s.suites.includes(codename) && s.components.includes('main'));
  if (!own) {
    throw new SetupError(
      `no source in /etc/apt names ${codename}, so there is no address to take ${suite} from, whose Mesa is needed; ` +
        `add it there and install ${packages[0]}`,
    );
  }
  const key = own.signedBy ? `Signed-By: ${own.signedBy}\n` : '';
  return { packages, suite, stanza: `Types: deb\nURIs: ${own.uris[0]}\nSuites: ${suite}\nComponents: main\n${key}` };
}

/** The commands that carry out a plan, for a person to copy. */
export function planCommands({ packages, suite, stanza }, sudo = which('sudo') ? 'sudo ' : '') {
  return [
    ...(stanza ? [`${sudo}tee /etc/apt/sources.list.d/${suite}.sources <<'END'\n${stanza}END`] : []),
    `${sudo}apt-get update`,
    `${sudo}apt-get install -y --no-install-recommends ${suite ? `-t ${suite} ` : ''}${packages.join(' ')}`,
  ];
}

/** The prefix that makes a command run as root without a question, or undefined. */
export function asRoot() {
  if (process.getuid?.() === 0) return [];
  return which('sudo') && run('sudo', ['-n', 'true']).code === 0 ? ['sudo', '-n'] : undefined;
}

/** The version that apt would install, '' if it knows none. */
export function candidateOf(name) {
  const version = /Candidate: (\S+)/.exec(run('apt-cache', ['policy', name], { env: { LC_ALL: 'C' } }).stdout)?.[1];
  return !version || version === '(none)' ? '' : version;
}

/**
 * Installs packages as root. A suite that the machine lacks is added for these commands only (a copy of its sources folder with one file
 * more), so /etc stays as it is. An earlier installation that was cut off is finished first.
 */
export function install({ packages, suite, stanza }, prefix, { verbose }) {
  const parts = stanza && mkdtempSync(join(tmpdir(), 'descent-apt-'));
  const patience = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=2'];
  const options = [...patience, ...(parts ? ['-o', `Dir::Etc::sourceparts=${parts}`] : [])];
  const root = (...command) => {
    const [first, ...rest] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'LC_ALL=C', ...command];
    return run(first, rest, { verbose });
  };
  try {
    if (parts) {
      for (const name of sourceFiles('/etc/apt/sources.list.d')) {
        copyFileSync(`/etc/apt/sources.list.d/${name}`, join(parts, name));
      }
      writeFileSync(join(parts, `${suite}.sources`), stanza);
    }
    const wanted = [...options, ...(suite ? ['-t', suite] : []), ...packages];
    const want = () => root('apt-get', 'install', '-y', '--no-install-recommends', ...wanted);
    let done = stanza ? { code: 1 } : want();
    if (done.code !== 0) {
      // the lists are absent or old, or dpkg was interrupted
      root('dpkg', '--configure', '-a');
      const updated = root('apt-get', 'update', ...options);
      done = want();
      const said = `${updated.code ? updated.output : ''}${done.output}`.split('\n');
      const reasons = said.filter(line => /^[EW]:/.test(line));
      const what = `${packages.join(', ')}${suite ? ` from ${suite}` : ''}`;
      if (done.code !== 0) {
        throw new SetupError(
          `apt-get could not install ${what}; once its reason is gone, run the same command again\n${reasons.join('\n')}`,
        );
      }
    }
  } finally {
    if (parts) rmSync(parts, { recursive: true, force: true });
  }
}
