/** Whether the person at the terminal agrees to a change of the machine. */
import { closeSync, openSync, readSync } from 'node:fs';

/**
 * Asks on a terminal. With --yes, in CI, and where there is no terminal to ask at (a container that is being built) the answer is yes: who
 * runs the command there wants it to do its set-up.
 */
export function agreed(question) {
  const { argv, env, stdin, stderr } = process;
  if (argv.includes('--yes') || env.CI || !stdin.isTTY || !stderr.isTTY) return true;
  stderr.write(`${question} [Y/n] `);
  const terminal = openSync('/dev/tty', 'r'); // the process's own input may be set not to block
  try {
    const answer = Buffer.alloc(64);
    const length = readSync(terminal, answer);
    return length > 0 && /^\s*(y(es)?)?\s*$/i.test(answer.toString('utf8', 0, length));
  } finally {
    closeSync(terminal);
  }
}
