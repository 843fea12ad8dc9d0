/** Commands that set a machine up. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A reason to stop that a person can act on: its message is shown without a stack. */
export class SetupError extends Error {}

/** Runs a command to its end. Its words are kept for a failure's message, or shown as they come with `verbose`. */
export function run(command, args, { cwd, env, verbose = false, shell = false, timeout } = {}) {
  const words = verbose ? 'inherit' : 'pipe';
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    cwd,
    shell,
    timeout,
    env: { ...process.env, ...env },
    stdio: ['ignore', words, words],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (!error && (signal === 'SIGINT' || signal === 'SIGTERM')) process.exit(130); // the person who interrupts npm or apt means us too
  const code = error ? error.code : (status ?? signal);
  return { code, stdout: stdout ?? '', output: `${stdout ?? ''}${stderr ?? ''}` };
}

export const runNpm = (args, options) => run('npm', args, { ...options, shell: process.platform === 'win32' });

/** The path of an executable, looked for as a shell would. */
export function which(name) {
  const paths = (process.env.PATH ?? '').split(delimiter).map(folder => join(folder, name));
  return paths.find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
