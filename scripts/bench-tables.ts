/**
 * Prints what `descent bench kernels`, `peers`, `inference`, `scaling` or `step --trace` wrote with --out as Markdown:
 * `node --import tsx scripts/bench-tables.ts peers.json`.
 */
import { readFileSync } from 'node:fs';
import { tablesOf, type Results } from '../bench/markdown.ts';

for (const file of process.argv.slice(2)) {
  try {
    console.log(`${tablesOf(JSON.parse(readFileSync(file, 'utf8')) as Results)}\n`);
  } catch (error) {
    console.error(`${file}: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
