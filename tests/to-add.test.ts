/** The table of docs/architecture.md that says what the next person must touch holds for what is there already. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as engine from '../engine.ts';
import { losses } from '../layers/loss.ts';
import * as exported from '../models.ts';
import { models } from '../models/index.ts';
import * as pieces from '../optim/pieces.ts';

const test = suite('to add');
/** Whoever uses a thing by its name, as a reader of the table may too; nothing has to be added there. */
const USERS = /^(models|train\/study|train\/onnx|web\/views|web\/lessons|scripts)\//;
const FOLDERS = ['shaders', 'engine', 'layers', 'optim', 'datasets', 'models', 'train', 'cli', 'web', 'bench', 'plots', 'scripts'];
/** Entries of the package stand beside the folders. */
const sources = ['.', ...FOLDERS].flatMap(folder =>
  readdirSync(folder, { recursive: folder !== '.', encoding: 'utf8' })
    .filter(file => file.endsWith('.ts'))
    .map(file => join(folder, file)),
);
const rows = readFileSync('docs/architecture.md', 'utf8')
  .split('\n## To add\n')[1]!
  .split('\n## ')[0]!
  .split('\n')
  .filter(line => /^\| an? /.test(line))
  .map(line => line.split('|').map(cell => cell.trim()));

test('the table has a row for each kind of thing', () => assert.ok(rows.length >= 12, `${rows.length} rows`));

for (const [, what, count, which, example] of rows) {
  const name = example!.replaceAll('`', '');
  if (!name) continue;
  test(`${what}: ${example} stands in the files that are named, and in no other that would have to be touched`, () => {
    const listed = [...which!.matchAll(/`([\w/-]+\.ts)`/g)].map(m => m[1]!);
    const holding = sources.filter(file => new RegExp(`\\b${name}\\b`).test(readFileSync(file, 'utf8')));
    assert.ok(listed.length > 0, `${what}: the row names no file`);
    assert.equal(
      holding.filter(file => !listed.includes(file) && !USERS.test(file)),
      [],
    );
    assert.ok(
      listed.some(file => holding.includes(file)),
      `${name} is in none of ${listed.join(', ')}`,
    );
    assert.match(count!, /^[12]/);
  });
}

test('the entries of the package have all models and losses, and the pieces that a program puts around a rule', () => {
  const has = (entry: object, thing: unknown) => Object.values(entry).includes(thing);
  const without = (entry: object, things: object): string[] =>
    Object.entries(things).flatMap(([name, thing]) => (has(entry, thing) ? [] : [name]));
  assert.equal([without(exported, models), without(engine, losses)], [[], []]);
  const { dpSgd, dampened, ...others } = pieces; // dp is asked of a run, which clips sample by sample; dampening is an option of momentum
  const functions = Object.entries(others).filter(([, piece]) => typeof piece === 'function');
  assert.equal(without(engine, Object.fromEntries(functions)), []);
});

test.run();
