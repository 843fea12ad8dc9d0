/** What this build of Descent calls itself. */
import { execFileSync, type StdioOptions } from 'node:child_process';
import { existsSync } from 'node:fs';
import { built } from '../engine/build.ts';
import { packageJson, root } from './package-json.ts';

export const version = (): string => packageJson.version;

/** The commit that this was built from, or that is checked out. */
export function commit(): string | undefined {
  if (built || !existsSync(new URL('.git', root))) return built?.commit;
  try {
    const stdio: StdioOptions = ['ignore', 'pipe', 'ignore'];
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio, cwd: root }).trim();
  } catch {
    return undefined; // no git
  }
}
