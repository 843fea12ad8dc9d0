/** Makes sure that Dawn finds a WebGPU adapter: a GPU's driver, else a software one, which on Debian and its kin is installed. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheDir } from '../../datasets/node/cache-dir.mjs';
import { agreed } from './agree.mjs';
import { asRoot, candidateOf, install, mesaPlan, osRelease, planCommands, readSources } from './apt.mjs';
import { run, SetupError, which } from './run.mjs';

/** Chromium's own software driver, usable by any program through VK_DRIVER_FILES. */
const SWIFTSHADER = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome', '/opt/chromium.org/chromium'].map(
  folder => `${folder}/vk_swiftshader_icd.json`,
);

/** The manifests of the Vulkan drivers here, from the folders in which the Vulkan loader looks. */
function manifests() {
  const { env } = process;
  const named = env.VK_DRIVER_FILES ?? env.VK_ICD_FILENAMES;
  if (named) return named.split(':');
  const bases = [
    env.XDG_CONFIG_HOME ?? join(homedir(), '.config'),
    ...(env.XDG_CONFIG_DIRS ?? '/etc/xdg').split(':'),
    '/etc',
    env.XDG_DATA_HOME ?? join(homedir(), '.local/share'),
    ...(env.XDG_DATA_DIRS ?? '/usr/local/share:/usr/share').split(':'),
  ];
  return [...new Set(bases)].flatMap(base => {
    const dir = join(base, 'vulkan/icd.d');
    try {
      const files = readdirSync(dir).filter(name => name.endsWith('.json'));
      return files.map(name => join(dir, name));
    } catch {
      return []; // no such folder
    }
  });
}

/** Changes whenever a driver comes, goes or is replaced, or Dawn is: a finding holds as long as this stays. */
function surroundings() {
  const dawn = fileURLToPath(new URL('../../node_modules/webgpu/package.json', import.meta.url));
  const lines = [dawn, ...manifests(), ...SWIFTSHADER].map(path => {
    const state = statSync(path, { throwIfNoEntry: false });
    return state ? `${path} ${state.size} ${state.mtimeMs}` : `${path} absent`;
  });
  return lines.join('\n');
}

/** Asks Dawn for an adapter: its name, or why there is none. */
function probe() {
  const script = fileURLToPath(new URL('probe.mjs', import.meta.url));
  const others = process.env.VK_DRIVER_FILES ? [] : SWIFTSHADER.filter(existsSync);
  let why = '';
  for (const env of [{}, ...others.map(file => ({ VK_DRIVER_FILES: file }))]) {
    const { code, stdout, output } = run(process.execPath, [script], { env, timeout: 60000 });
    if (code === 0) return { adapter: stdout.trim() };
    const lines = output.trim().split('\n');
    const said = pattern => lines.find(line => pattern.test(line))?.trim();
    why ||= said(/required/) ?? said(/error|warning/i) ?? `the driver ended its process (${code})`;
  }
  return { why };
}

const OTHER_SYSTEMS = {
  dnf: 'dnf install mesa-vulkan-drivers',
  pacman: 'pacman -S vulkan-swrast',
  zypper: 'zypper install libvulkan_lvp libvulkan1',
};

/** What the owner of a machine that is not ours to change gets told; the commands start at the margin, so that they can be pasted. */
function advice(why, commands) {
  return (
    `no WebGPU adapter: ${why}\n` +
    "Install your GPU's Vulkan driver, or this software driver, and run the same command again:\n\n" +
    `${commands.join('\n')}\n`
  );
}

/** Looks for an adapter where the surroundings have changed since the last look; installs a software driver where there is none. */
export function ensureAdapter({ say, verbose }) {
  if (process.platform !== 'linux') return; // Metal and Direct3D 12 are part of the system
  const record = join(cacheDir(), 'adapter.json');
  try {
    if (JSON.parse(readFileSync(record, 'utf8')).surroundings === surroundings()) return;
  } catch {
    /* first time */
  }
  let found = probe();
  if (!found.adapter) {
    if (!which('apt-get')) {
      const tool = Object.keys(OTHER_SYSTEMS).find(which);
      const command = tool
        ? `${which('sudo') ? 'sudo ' : ''}${OTHER_SYSTEMS[tool]}`
        : "# Mesa 23 or later with lavapipe, from your system's packages";
      throw new SetupError(advice(found.why, [command]));
    }
    const prefix = asRoot();
    const release = osRelease();
    const plan = mesaPlan(release, readSources(), candidateOf('mesa-vulkan-drivers'));
    if (!prefix) throw new SetupError(advice(found.why, planCommands(plan)));
    const what = `${plan.packages[0]}${plan.suite ? ` from ${plan.suite}` : ''}`;
    if (!agreed(`adapter: there is none; install the software Vulkan driver ${what} with apt-get?`)) {
      throw new SetupError(advice(found.why, planCommands(plan)));
    }
    say(`adapter: none yet, installing the software Vulkan driver ${what}`);
    install(plan, prefix, { verbose });
    found = probe();
    if (!found.adapter) {
      throw new SetupError(advice(`the one of ${plan.packages[0]} is not accepted: ${found.why}`, planCommands(plan)));
    }
  }
  say(`adapter: ${found.adapter}`);
  try {
    mkdirSync(dirname(record), { recursive: true });
    writeFileSync(record, JSON.stringify({ ...found, surroundings: surroundings() }));
  } catch {
    // a read-only home: the next start looks again
  }
}
