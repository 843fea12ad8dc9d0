import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'uvu';

/** Gives a suite new empty folders, all removed when it is done. */
export function scratchFolders(suite: Test): () => Promise<string> {
  let base = '';
  suite.before(async () => {
    base = await mkdtemp(join(tmpdir(), 'descent-test-'));
  });
  suite.after(() => rm(base, { recursive: true, maxRetries: 5 }));
  return () => mkdtemp(join(base, 'x-'));
}
