import * as assert from 'uvu/assert';
import { DescentError } from '../../engine/check.ts';

/** The DescentError that `work` throws, whose message is one line; any other end fails. */
export async function refused(work: () => unknown): Promise<DescentError> {
  try {
    await work();
  } catch (e) {
    if (!(e instanceof DescentError)) throw e;
    assert.not.match(e.message, '\n');
    return e;
  }
  throw new Error('it did not throw');
}

/** What it says, in the library's words. */
export const refusal = async (work: () => unknown): Promise<string> => (await refused(work)).message;
