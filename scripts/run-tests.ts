/** Runs tests/*.test.ts in one process (one device, one pipeline cache) and ends with the line `N passed, N failed`. */
import { readdirSync } from 'node:fs';

type Suite = () => Promise<[errors: string | true, passed: number, skipped: number, total: number]>;
const queue: [file: string, ...suites: Suite[]][] = [];
Object.assign(globalThis, { UVU_DEFER: true, UVU_QUEUE: queue }); // uvu then collects suites instead of starting them

const filters = process.argv.slice(2).filter(a => !a.startsWith('-'));
const long = process.argv.includes('--long');
const files = readdirSync('tests').filter(f => (long ? /\.(test|long)\.ts$/ : /\.test\.ts$/).test(f) && (!filters.length || filters.some(w => f.includes(w))));
for (const file of files.sort()) {
  Object.assign(globalThis, { UVU_INDEX: queue.push([file]) - 1 });
  await import(`../tests/${file}`);
}

let passed = 0, failed = 0, skipped = 0;
for (const [file, ...suites] of queue) {
  const start = performance.now();
  let total = 0;
  const said: string[] = [];
  for (const suite of suites) {
    const [errors, ok, skips, all] = await suite();
    passed += ok; failed += all - ok; skipped += skips; total += all + skips;
    if (errors !== true) said.push(errors);
  }
  if (!total) { failed++; said.push(`  ${file} ran no test; does it call .run()?`); }
  console.log(`${file}: ${total} tests, ${((performance.now() - start) / 1000).toFixed(1)} s${said.length ? `\n${said.join('\n')}` : ''}`);
}
if (passed + failed === 0) { failed = 1; console.log(`no test file matches '${filters.join(' ')}'`); }
console.log(`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`);
process.exit(failed ? 1 : 0);
