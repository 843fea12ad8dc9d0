/** Prints what `descent bench peers`, `inference`, `scaling` or `step --trace` wrote with --out as Markdown: `node --import tsx scripts/bench-tables.ts peers.json`. */
import { readFileSync } from 'node:fs';
import { tablesOf, type Results } from '../bench/markdown.ts';

for (const file of process.argv.slice(2)) console.log(`${tablesOf(JSON.parse(readFileSync(file, 'utf8')) as Results)}\n`);
