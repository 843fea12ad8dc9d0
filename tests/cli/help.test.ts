/** Help, and how little it takes to show it. */
import { readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ANSWERING_NAMES, PEER_NAMES } from '../../bench/peers/run.ts';
import { helpWidth } from '../../cli/help.ts';
import { called } from '../support/process/called.ts';
import { descent, inTurn, words } from '../support/process/command.ts';
import { scratchFolders } from '../support/process/scratch.ts';

const test = suite('help');
const scratch = scratchFolders(test);
const ROOT = join(import.meta.dirname, '../..');

/** The lines of a help text that are laid out: usage and examples are to be copied as they stand. */
const laidOut = (help: string): string[] =>
  help
    .split('\n')
    .slice(1)
    .filter(line => !/^ {2}\$ /.test(line));

test('help of every command answers with examples, on standard output', async () => {
  const home = await scratch();
  const commands = [
    'train',
    'eval',
    'predict',
    'look',
    'devices',
    'find-lr',
    'sweep',
    'compare',
    'models',
    'data',
    'data fetch',
    'data list',
    'data show',
    'data verify',
    'bench',
    'bench kernels',
    'bench step',
    'bench peers',
    'bench inference',
    'bench scaling',
  ];
  for (const command of commands) {
    const { out, refusal } = await called(words(`${command} --help`), home);
    assert.is(refusal, '', command);
    assert.match(out, `Usage: descent ${command}`);
    assert.match(out, 'Examples:', command);
  }
  const [bare, asked] = await inTurn([[], ['--help']], args => descent(args, home));
  assert.equal([asked!.code, asked!.err], [0, '']);
  assert.match(asked!.out, /^Usage: descent [^]*Examples:/);
  assert.equal(bare, asked);
});

test('help is as wide as the terminal', async () => {
  const folder = await scratch();
  const asked = [
    ...['--help', 'train --help', 'data show --help'].map(args => ({ columns: 60, args })),
    ...[80, 200].map(columns => ({ columns, args: 'train --help' })),
  ];
  const said = await inTurn(asked, ({ columns, args }) => descent(words(args), folder, { env: { COLUMNS: String(columns) } }));
  for (const [i, { columns, args }] of asked.entries()) {
    const { code, out, err } = said[i]!;
    assert.equal([code, err], [0, ''], args);
    const long = laidOut(out).filter(line => line.length > columns);
    assert.equal(long, [], `${args} in ${columns} columns`);
  }
  const longest = (i: number) => Math.max(...laidOut(said[i]!.out).map(line => line.length));
  assert.ok(longest(4) > 150, 'a wide terminal is used');
  assert.match(
    said[1]!.out,
    /\n {2}--optimizer <name\[:k=v,\.\.\.\]>\n {6}optimizer, its /,
    'a description without room stands below its term',
  );
});

test('the width is that of the terminal, else of COLUMNS, else of the terminal behind a pipe, else 80', () => {
  assert.is(helpWidth({ columns: 60 }, { COLUMNS: '100' }, { columns: 90 }), 60);
  assert.is(helpWidth({}, { COLUMNS: '100' }, { columns: 90 }), 100);
  assert.is(helpWidth({}, { COLUMNS: 'x' }, { columns: 90 }), 90);
  assert.is(helpWidth({ columns: 0 }, {}, {}), 80);
});

test('all programs that are timed beside this one are named', async () => {
  const home = await scratch();
  for (const [command, names] of [
    ['peers', PEER_NAMES],
    ['inference', ANSWERING_NAMES],
  ] as const) {
    const { out } = await called(words(`bench ${command} --help`), home);
    assert.match(out.replaceAll(/\s/g, ''), new RegExp(`withcommas(,of|:)${names.join()}--`), command);
  }
});

test('a command that does not exist has no help', async () => {
  const folder = await scratch();
  for (const args of ['trian --help', 'help trian', 'trian -- --help']) {
    const { code, out, err } = await descent(words(args), folder);
    assert.equal([code, out, err], [1, '', "descent: unknown command 'trian'; did you mean train?\n"], args);
  }
});

/** What a file loads with it, and what that loads: files of ours, and packages by name. */
function loaded(file: string, all: Set<string> = new Set()): Set<string> {
  all.add(file);
  const text = readFileSync(join(ROOT, file), 'utf8');
  for (const [, name] of text.matchAll(/^(?:import|export) (?!type )(?:[^;]*? from )?'([^']+)';/gm)) {
    if (!name!.startsWith('.')) all.add(name!);
    else {
      const target = relative(ROOT, resolve(ROOT, file, '..', name!));
      if (!all.has(target)) loaded(target, all);
    }
  }
  return all;
}

test('the list of commands loads no engine, the help of a command nothing that computes, draws or decodes', () => {
  const top = [...loaded('bin/descent.mjs'), ...loaded('cli/main.ts')].filter(name => !name.startsWith('node:'));
  const own = top.filter(name => !/^(bin|cli|scripts\/setup)\//.test(name));
  assert.equal([...new Set(own)].sort(), ['commander', 'engine/check.ts', 'engine/range.ts', 'fastest-levenshtein']);
  for (const commands of ['training', 'checkpoints', 'inventory', 'bench']) {
    const names = [...loaded(`cli/commands/${commands}.ts`)];
    const heavy = names.filter(name =>
      /^(sharp|echarts|webgpu|undici|fflate|cli-progress|@resvg)|^(models|plots|datasets)\/|\/(run|step|study|node)\//.test(name),
    );
    assert.equal(heavy, [], commands);
    assert.ok(names.length < 45, `${commands} loads ${names.length} files`);
  }
});

test.run();
