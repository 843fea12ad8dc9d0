import { DescentError } from '../engine/check.ts';

/** The message of the DescentError that `work` throws; any other end fails. */
export async function refusal(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (e) {
    if (e instanceof DescentError) return e.message;
    throw e;
  }
  throw new Error('it did not throw');
}
