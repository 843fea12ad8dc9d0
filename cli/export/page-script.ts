/** The script of a page that `descent export --to webpage` writes. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A package has it beside its command line, a clone builds it. */
export async function pageScript(): Promise<string> {
  const built = fileURLToPath(new URL('../page.min.js', import.meta.url));
  if (existsSync(built)) return readFileSync(built, 'utf8');
  const { standaloneScript } = (await import(new URL('../../scripts/standalone.mjs', import.meta.url).href)) as {
    standaloneScript: () => Promise<string>;
  };
  return standaloneScript();
}
