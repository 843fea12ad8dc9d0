/** What this build of Descent calls itself. It stays beside main.ts, which a bundle puts at the same depth below package.json. */
import { execFileSync, type StdioOptions } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
export const version = (): string => (require('../package.json') as { version: string }).version;

/** The commit that this was built from: a bundle's package.json says it, a checkout knows it. */
export function commit(): string | undefined {
  const { commit } = require('../package.json') as { commit?: string };
  const root = new URL('..', import.meta.url);
  if (commit !== undefined || !existsSync(new URL('.git', root))) return commit;
  try {
    const stdio: StdioOptions = ['ignore', 'pipe', 'ignore'];
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio, cwd: root }).trim();
  } catch {
    return undefined; // no git
  }
}

export const webgpuVersion = (): string => (require('webgpu/package.json') as { version: string }).version;
