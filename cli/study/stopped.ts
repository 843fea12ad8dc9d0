/** What a comparison says that was asked to end before all that it compares was done. */
import type { Interrupt } from '../run/interrupt.ts';
import { note, print } from '../output.ts';

/** Says what of it is complete, of which table and picture are made where there are `rows`. Returns whether there are any. */
export function tellStopped(interrupt: Interrupt, complete: number, of: number, rows: number, { json }: { json?: boolean }): boolean {
  if (complete === of) return true; // it was asked in the last step
  process.exitCode = interrupt.code;
  if (json) print(JSON.stringify({ stopped: { complete, of } }));
  const shown = rows ? 'table and picture show those' : 'which is too little for a table and a picture';
  note(complete ? `stopped: ${complete} of ${of} are complete, ${shown}` : `stopped: none of ${of} was complete yet`);
  return complete > 0 && rows > 0;
}
