/** What the user reads of an error. */
import { writeFileSync } from 'node:fs';
import { DescentError, faultOf } from '../engine/check.ts';
import { messageOf } from './flags.ts';
import { escaped, note } from './output.ts';

/** Says what went wrong: the message alone where the user can mend it, else with a hint; the stack with --verbose. */
export function noteError(error: unknown, verbose: boolean): void {
  keepFault(error);
  const message = error instanceof DescentError ? escaped(messageOf(error), '') : messageOf(error);
  if (verbose && error instanceof Error && error.stack) {
    note(error.stack.replace(error.message, () => message));
    if (error.cause instanceof Error) note(`caused by ${error.cause.stack}`);
  } else if (error instanceof DescentError) note(message);
  else note(`descent: unexpected error: ${message.split('\n')[0]}; run it again with --verbose for the details`);
}

/** The file in which a command that starts this one looks for what it was refused for: launchers put lines of their own around a message. */
export const FAULT_FILE = 'DESCENT_FAULT_FILE';

/** The first of the ranks that are refused says why. */
function keepFault(error: unknown): void {
  const file = process.env[FAULT_FILE];
  if (!file || !(error instanceof DescentError)) return;
  try {
    writeFileSync(file, JSON.stringify(faultOf(error)), { flag: 'wx' });
  } catch {
    // Another rank was first, or this one is on a machine without that folder: the launcher's output has it too.
  }
}
