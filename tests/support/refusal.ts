import * as assert from 'uvu/assert';
import { DescentError } from '../../engine/check.ts';

/** The message, one line, of the DescentError that `work` throws; any other end fails. */
export async function refusal(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (e) {
    if (!(e instanceof DescentError)) throw e;
    assert.not.match(e.message, '\n');
    return e.message;
  }
  throw new Error('it did not throw');
}
