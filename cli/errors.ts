/** What the user reads of an error. */
import { DescentError } from '../engine/check.ts';
import { messageOf } from './flags.ts';
import { escaped, note } from './output.ts';

/** Says what went wrong: the message alone where the user can mend it, else with a hint; the stack with --verbose. */
export function noteError(error: unknown, verbose: boolean): void {
  const message = error instanceof DescentError ? escaped(messageOf(error), '') : messageOf(error);
  if (verbose && error instanceof Error && error.stack) {
    note(error.stack.replace(error.message, () => message));
    if (error.cause instanceof Error) note(`caused by ${error.cause.stack}`);
  } else if (error instanceof DescentError) note(message);
  else note(`descent: unexpected error: ${message.split('\n')[0]}; run it again with --verbose for the details`);
}
