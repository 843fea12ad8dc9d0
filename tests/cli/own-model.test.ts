import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadOwnModel } from '../../cli/own-model.ts';
import { Graph } from '../../engine/graph.ts';
import { openModel } from '../../models/index.ts';
import { parseSpec } from '../../engine/spec.ts';
import { encodeSafetensors } from '../../train/run/safetensors.ts';
import { called } from '../support/process/called.ts';
import { descent, words } from '../support/process/command.ts';
import { refusal } from '../support/refusal.ts';
import { scratchFolders } from '../support/process/scratch.ts';
import { DEFAULT_PROFILE } from '../../shaders/kernel/kernel.ts';

const test = suite('own model');
const scratch = scratchFolders(test);
const folder = mkdtempSync(join(tmpdir(), 'descent-own-'));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const refused = (spec: string): Promise<string> => refusal(() => loadOwnModel(spec));

test('a model in a file anywhere is built from the very layers of the engine, with options', async () => {
  const net = `
    import { conv2d, dense, relu, sequential, type Model } from 'descent';
    const net: Model = ({ classes }, { width = 4 } = {}) =>
      sequential({ conv1: conv2d(width, 3, { pad: 1 }), act: relu(), fc: dense(classes) });
    export default net;
  `;
  const path = file('net.ts', net);
  await loadOwnModel(path);
  const g = new Graph({
    training: false,
    profile: DEFAULT_PROFILE,
  });
  const y = openModel(parseSpec('model', `${path}:width=8`), { classes: 7, shape: [3, 8, 8] })(g, g.tensor([2, 3, 8, 8], 'input', 'x'));
  assert.equal(y.shape, [2, 7]);
  assert.equal(
    [...g.params].map(([name, p]) => `${name} ${p.value.shape}`),
    ['conv1.weight 8,3,3,3', 'conv1.bias 8', 'fc.weight 7,512', 'fc.bias 7'],
  );
});

test('what is no model is refused in one line', async () => {
  assert.match(await refused('./missing.ts'), /there is no file \.\/missing\.ts; give a path/);
  assert.match(await refused(file('empty.ts', 'export const a = 1;')), /it exports no function; export default one function/);
  assert.match(await refused(file('two.ts', 'export const a = () => 1, b = () => 2;')), /it exports a, b; export default one function/);
  const dir = join(folder, 'dir.ts');
  mkdirSync(dir);
  assert.match(await refused(dir), /dir\.ts is a folder; give the file in it that exports the model$/);
});

for (const [name, text, message] of [
  [
    'syntax.ts',
    "import { dense } from 'descent';\nexport default () => {\n  return dense(3;\n};",
    ':3: Expected ")" but found ";"; correct the file there',
  ],
  ['plain.js', 'export default () => {\n  return [1;\n};', ":2: Unexpected token ';'; correct the file there"],
  ['syntax.mjs', 'export default () => {\n\n  const x = ;\n};', ":3: Unexpected token ';'; correct the file there"],
  [
    'twice.ts',
    'const a: number = 1;\nconst a = 2;\nexport default () => a;',
    ':2: The symbol "a" has already been declared; correct the file there',
  ],
  [
    'throws.ts',
    'const a = undefined;\n\nexport const b = a.x;',
    ":3: it cannot be loaded: Cannot read properties of undefined (reading 'x'); --verbose shows where",
  ],
  [
    'lacks.ts',
    "import { danse } from 'descent';\nexport default danse;",
    ":1: it cannot be loaded: The requested module 'descent' does not provide an export named 'danse'; --verbose shows where",
  ],
] as const) {
  test(`${name} says the line at which it breaks off`, async () => {
    const path = file(name, text);
    assert.is(await refused(path), `${path}${message}`);
  });
}

const LAYER = 'which is no layer; return one, as sequential({ ... }) or dense(classes) gives';
for (const [name, text, message] of [
  ['number.ts', 'export default () => 5;', `: its function returns the number 5, ${LAYER}`],
  ['nothing.ts', 'export default () => {};', `: its function returns nothing, ${LAYER}`],
  ['later.ts', 'export default async () => (g, x) => x;', `: its function returns a promise, ${LAYER}`],
  ['object.ts', 'export default () => ({ a: (g, x) => x });', `: its function returns an object, ${LAYER}`],
  [
    'no-tensor.ts',
    'export default () => () => {};',
    ': its layer returns nothing, which is no tensor; return what the last layer in it gives',
  ],
  [
    'model.ts',
    'export default ({ classes }) => {\n  const net = undefined;\n  return net.layers;\n};',
    ":3: Cannot read properties of undefined (reading 'layers'); correct the file there, --verbose shows the calls",
  ],
  [
    'layer.ts',
    'export default () =>\n  (g, x) => x.size.width.height;',
    ":2: Cannot read properties of undefined (reading 'height'); correct the file there, --verbose shows the calls",
  ],
] as const) {
  test(`${name} is told what it gives in place of a layer, or where it throws`, async () => {
    const path = file(name, text);
    await loadOwnModel(path);
    const g = new Graph({ training: false, profile: DEFAULT_PROFILE });
    const build = () => openModel(parseSpec('model', path), { classes: 7, shape: [3, 8, 8] })(g, g.tensor([2, 3, 8, 8], 'input', 'x'));
    assert.is(await refusal(build), `${path}${message}`);
  });
}

test.after(() => rmSync(folder, { recursive: true }));
test('a model file that was moved is named where it is now, and the weights that do not fit it too', async () => {
  const dir = await scratch();
  const code = `import { dense, sequential } from 'descent';
export default ({ classes }, { width }) => sequential({ fc1: dense(width), fc2: dense(classes) });
`;
  writeFileSync(join(dir, 'net.mjs'), code);
  const small = words('--dataset shapes --limit-train 60 --limit-test 20 --batch-size 16 --steps 2 --quiet');
  const { code: trained, err } = await descent(['train', './net.mjs:width=6', ...small, '--out', 'run'], dir);
  assert.is(trained, 0, err);
  renameSync(join(dir, 'net.mjs'), join(dir, 'moved.mjs'));
  const said = async (line: string) => (await called(words(line), dir)).refusal;
  assert.match(await said('eval run'), /there is no file \.\/net\.mjs; give the place where it lies now with --model/);
  assert.is(await said('eval run --model ./moved.mjs'), '');
  assert.match(await said('train --resume run --steps 3 --quiet'), /say where it lies now: descent train <file> --resume run/);
  assert.is(await said('train ./moved.mjs --resume run --steps 3 --quiet'), '');
  assert.match(readFileSync(join(dir, 'run', 'config.json'), 'utf8'), '"./moved.mjs:width=6"');

  writeFileSync(join(dir, 'wider.mjs'), code.replace('dense(width)', 'dense(width + 1)'));
  const unfit = ": tensor 'fc1.weight' has shape [6, 3072], the model has [7, 3072]; it is a checkpoint of another model or head";
  assert.is(await said('eval run --model ./wider.mjs'), `${join('run', 'best.safetensors')}${unfit}`);
  assert.is(await said('train ./wider.mjs --resume run --steps 4 --quiet'), `${join('run', 'model.safetensors')}${unfit}`);
});

test('a file of weights cannot have code run: its model file runs only where the user names it', async () => {
  const dir = await scratch();
  const code = join(dir, 'evil.mjs');
  writeFileSync(code, `import { writeFileSync } from 'node:fs';\nwriteFileSync('ran', '');\nexport default () => (g, x) => x;\n`);
  const facts = { model: './evil.mjs', dataset: 'shapes', normalize: 'none' };
  writeFileSync(join(dir, 'gift.safetensors'), encodeSafetensors({}, facts));
  for (const command of ['eval gift.safetensors', 'predict gift.safetensors evil.mjs']) {
    const { refusal } = await called(words(command), dir);
    assert.is(
      refusal,
      'gift.safetensors: names the code in ./evil.mjs as its model, and code runs only where you name it; ' +
        'read that file, then give it with --model',
    );
    assert.not(existsSync(join(dir, 'ran')));
  }
  await called(words('eval gift.safetensors --model ./evil.mjs'), dir);
  assert.ok(existsSync(join(dir, 'ran')));
});

test.run();
