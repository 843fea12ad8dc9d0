/** Errors are values: how their messages are made and rendered, and that nobody reads the wording or speaks of another's options. */
import { Command } from 'commander';
import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addCommands } from '../cli/commands/all.ts';
import { flagOf, flags } from '../cli/flags.ts';
import { also, check, DescentError, either, faultOf, named, render, say, suggestion, TooLarge, words } from '../engine/check.ts';
import { KEYS, labelOf, OPTIONS } from '../train/config/options.ts';
import { Diverged, NonFinite } from '../train/step/divergence.ts';
import { labels } from '../web/words.ts';
import { refused } from './support/refusal.ts';

const test = suite('errors');

test('one error, in the words of the library, the command line and the page', async () => {
  const error = await refused(() =>
    check(
      false,
      say`${named('batchSize')}: ${128} is more than the ${100} training images`,
      say`use a smaller ${named('batchSize')}`,
      say`another ${named('adapter')}`,
      named('precision', 'f16'),
    ),
  );
  assert.is(
    error.message,
    'batchSize: 128 is more than the 100 training images; use a smaller batchSize, another adapter, or precision f16',
  );
  assert.is(
    render(error, flags),
    '--batch-size: 128 is more than the 100 training images; use a smaller --batch-size, another --adapter, or --precision f16',
  );
  assert.is(
    render(error, labels),
    'Batch size: 128 is more than the 100 training images; use a smaller “Batch size”, or “Precision” f16',
    'there is no choice of adapters on the page',
  );
});

test('what a message holds is put into another one', () => {
  const who = say`${named('schedule')} cosine`;
  assert.is(words(say`${who}: ${undefined} ${true} ${'text'}${named('lr')}`), 'schedule cosine: undefined true textlr');
  assert.is(words(either(['a'])), 'a');
  assert.is(words(either(['a', 'b'])), 'a, or b');
  assert.is(words(either(['a', named('lr'), 'c'])), 'a, lr, or c');
  assert.is(also(new DescentError('a'), 'b').message, 'a; b');
  assert.is(also(new DescentError('a', 'b', 'c'), 'd').message, 'a; b, or c; d');
});

test('what cannot be followed anywhere is left out, and the semicolon with it', () => {
  assert.is(
    render(new DescentError('a', named('resume')), () => undefined),
    'a',
  );
  assert.is(
    render(new DescentError(say`${named('resume')} is old`), () => undefined),
    'resume is old',
  );
});

test('what any error says crosses to another thread', () => {
  const sent = structuredClone(faultOf(new TooLarge(say`${named('lr')} is 1`, 'take 2')));
  assert.is(render(sent, flags), '--lr is 1; take 2');
  assert.equal(faultOf(new TypeError('x')), { problem: 'x', advice: [] });
});

test('a loss that is not finite is a kind of its own, whoever finds it', () => {
  const found = new NonFinite('conv1 forward', 3, 0.1);
  assert.ok(found instanceof Diverged && found instanceof DescentError);
  assert.match(found.message, /^NaN or infinity at step 3, first in conv1 forward .*; lower lr, clip gradients, or look at the data$/);
  assert.match(render(new Diverged('the loss is NaN'), flags), /; lower --lr, or run with --debug, which names the layer$/);
});

test('the nearest name is suggested where a slip of the hand explains it, and no other', () => {
  const optimizers = ['sgd', 'adam', 'adamw', 'momentum', 'rprop', 'lbfgs'];
  for (const [name, near] of [
    ['adan', 'adam'],
    ['adma', 'adam'],
    ['sdg', 'sgd'],
    ['Adam', 'adam'],
    ['MOMENTUN', 'momentum'],
    ['momentumm', 'momentum'],
    ['lbgfs', 'lbfgs'],
  ] as const) {
    assert.is(suggestion(name, optimizers), `did you mean '${near}'? `, name);
  }
  for (const name of ['foo', 'madam-im', 'x', '', 'sgdw28', 'go9']) assert.is(suggestion(name, optimizers), '', name);
  for (const name of ['foo', 'four', 'floor']) assert.is(suggestion(name, ['xor', 'gauss', 'mnist']), '', name);
});

test('flags are as the command line has them', () => {
  assert.is(flags(named('shuffle', false)), '--no-shuffle');
  assert.is(flags(named('resume', 'runs/x')), '--resume runs/x');
  assert.is(flagOf('dataDir'), '--data-dir');
  for (const key of KEYS) {
    assert.ok(OPTIONS[key].flags.startsWith(flagOf(key)));
    assert.is(labels(named(key), true), labelOf(key));
  }
});

const BELOW = ['shaders', 'engine', 'layers', 'optim', 'datasets', 'models', 'train', 'plots', 'bench', 'web'];
const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => `${folder}/${name}`);
/** The code of a file without its comments. */
const codeOf = (file: string): string =>
  readFileSync(file, 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|\s)\/\/ .*$/gm, '');

/** Where flags of other programs stand: npm's and Node's. */
const OTHERS = ['datasets/node/sources.ts', 'bench/peers/install.ts', 'bench/peers/run.ts'];

test('below the command line no text names one of its flags, but for the list of options itself', () => {
  for (const file of BELOW.flatMap(filesOf).filter(f => !OTHERS.includes(f))) {
    const code = codeOf(file)
      .replace(/\b(option\(|flags:)\s*'--[^']*'/g, '')
      .replace(/setProperty\('--|\bvar\(--/g, ''); // properties of CSS
    assert.is(/['"`][^'"`\n]*(?<![\w-])--[a-z][\w-]*/.exec(code)?.[0], undefined, file);
  }
});

test('every option that a message names exists', async () => {
  const program = new Command();
  await addCommands(program, () => true);
  const own = (command: Command): string[] => [...command.options.map(o => o.attributeName()), ...command.commands.flatMap(own)];
  const known = new Set([...Object.keys(OPTIONS), ...own(program)]);
  const speaks = (file: string) => /import \{[^}]*\bnamed\b[^}]*\} from '[^']*\/check\.ts'/.test(readFileSync(file, 'utf8'));
  const files = [...BELOW, 'cli'].flatMap(filesOf).filter(speaks);
  const keys = files.flatMap(file => [...codeOf(file).matchAll(/\bnamed\('(\w+)'/g)].map(m => m[1]!));
  assert.ok(keys.length > 30);
  assert.equal(
    keys.filter(key => !known.has(key)),
    [],
  );
});

/** Where the wording of other programs is read, which give nothing else: the argument parser, esbuild, apt, Dawn's list of adapters. */
const READERS = ['cli/program.ts', 'cli/own-model.ts', 'datasets/node/sources.ts', 'engine/node/adapters.ts'];

test('nobody reads the wording of a message', () => {
  for (const file of [...BELOW, 'cli'].flatMap(filesOf).filter(f => !READERS.includes(f))) {
    const reading =
      /(\.(test|exec)\([^()]*\.message\))|(\.message\.(?!split\('\\n'\))(split|match|matchAll|replace|replaceAll|includes|startsWith)\()/;
    assert.is(reading.exec(codeOf(file))?.[0], undefined, file);
  }
});

test('a message that names an option is made by say', () => {
  for (const file of [...BELOW, 'cli'].flatMap(filesOf)) {
    assert.is(/(?<!say)`[^`]*\$\{named\(/.exec(codeOf(file).replace(/say`[^`]*`/g, ''))?.[0], undefined, file);
  }
});

test.run();
