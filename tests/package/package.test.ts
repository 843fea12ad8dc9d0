/** Packs the package, installs it in an empty folder and uses it from there, as a user of the library has it. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { SourceMap, type SourceMapping } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';
import { suite } from 'uvu';
import { parseAstAsync } from 'vite';
import * as assert from 'uvu/assert';
import { findings } from './api.ts';
import { addExamples } from './examples.ts';
import { filesBelow, install, told, ROOT, type Installed } from './installed.ts';

/** What Node says where Dawn is missing. */
const MISSING = 'WebGPU in Node takes the package webgpu, which is not installed; npm install webgpu\n';

const test = suite('package');
const installed = await install();
if (!installed) {
  console.log("package.test.ts: skipped, a dependency is not in npm's cache and no registry can be reached");
  test.skip('needs a registry', () => undefined);
} else {
  test.after(() => installed.close());
  usedBy(installed);
  addExamples(test, installed);
}
test.run();

function usedBy(app: Installed): void {
  const packageJson = async () =>
    JSON.parse(await readFile(join(app.root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
      peerDependencies: Record<string, string>;
      exports: Record<string, string | Record<string, string>>;
      types: string;
      typesVersions: { '*': Record<string, string[]> };
    };
  /** The run that docs/library.md asks for with many options, and what a program would go on with. */
  const asWritten = async () => {
    const docs = await readFile(join(ROOT, 'docs/library.md'), 'utf8');
    const [, run] = /## A run[^]*?```js\n([^]*?)```/.exec(docs)!;
    return `import { fit, models, optimizer, rules, type FitOptions, type Samples } from 'descent-gpu';
      declare const data: Samples;
      declare const controller: AbortController;
      declare const chart: { add(epoch: number, loss: number, validation: number | undefined): void };
      declare const form: { readonly lr: number | undefined; readonly epochs: number | undefined };
      ${run!.replace('e.validation.loss', 'e.validation?.loss')}
      const asked: FitOptions = { ...form, dp: { clip: 1 }, adversarial: { name: 'pgd', steps: 10 } };
      fit(models.lenet5, data, { ...asked, optimizer: optimizer(rules.adam, { lr: 0.001 }) });`;
  };
  const program = async (name: string, text: string): Promise<void> => writeFile(join(app.folder, name), text);
  const MiB = 2 ** 20;

  test('the tarball holds what is built, the command, the licence and the README, and nothing else', async () => {
    const files = await filesBelow(app.root);
    const other = files.filter(
      file =>
        !/^(dist\/.*\.(m?js|d\.ts|js\.map)|dist\/models\/trained\/[\w-]+\.safetensors|bin\/\w+\.mjs|LICENSE|README\.md|package\.json)$/.test(
          file,
        ),
    );
    assert.equal(other, []);
    for (const file of Object.values((await packageJson()).exports).flatMap(entry =>
      Object.values(entry).filter(f => f.startsWith('./')),
    )) {
      assert.ok(files.includes(file.slice(2)), `${file} is exported and not packed`);
    }
    const { size } = await stat(app.tarball);
    const weights = await Promise.all(
      files.filter(file => file.startsWith('dist/models/trained/')).map(async file => (await stat(join(app.root, file))).size),
    );
    assert.ok(size < 2 * MiB + weights.reduce((a, b) => a + b, 0), `${size} bytes`);
  });

  test('maps lead from lines of the package to those of its sources', async () => {
    const module = join(app.root, 'dist/engine/check.js');
    const map = new SourceMap(JSON.parse(await readFile(`${module}.map`, 'utf8')));
    const lines = (await readFile(module, 'utf8')).split('\n');
    const at = lines.findIndex(line => line.startsWith('export function lookUp'));
    const { originalLine } = map.findEntry(at, 0) as SourceMapping;
    assert.match(map.payload.sourcesContent[0]!.split('\n')[originalLine]!, /^export function lookUp/);
  });

  test('a library user installs no package that only the command line takes', async () => {
    const files = await filesBelow(join(app.folder, 'node_modules'));
    const packages = [...new Set(files.map(file => /^((?:@[^/]+\/)?[^/.][^/]*)\//.exec(file)?.[1]))].filter(Boolean).sort();
    assert.equal(packages, ['@webgpu/types', 'descent-gpu', 'expr-eval-fork', 'fastest-levenshtein', 'papaparse', 'wgsl-preprocessor']);
    const sizes = await Promise.all(files.map(async file => (await stat(join(app.folder, 'node_modules', file))).size));
    const bytes = sizes.reduce((a, b) => a + b, 0);
    const backbone = (await stat(join(app.root, 'dist/models/trained/backbone.safetensors'))).size;
    assert.ok(bytes - backbone < 8 * MiB, `${(bytes / MiB).toFixed(1)} MiB are installed`);
  });

  test('modules import dependencies, and optional packages only when they are first used', async () => {
    const { dependencies, peerDependencies } = await packageJson();
    const known = (table: Readonly<Record<string, string>>, name: string) =>
      Object.keys(table).some(own => name === own || name.startsWith(`${own}/`));
    for (const file of (await filesBelow(join(app.root, 'dist'))).filter(f => /\.m?js$/.test(f) && !f.endsWith('.min.js'))) {
      const text = await readFile(join(app.root, 'dist', file), 'utf8');
      for (const statement of (await parseAstAsync(text)).body) {
        const from = 'source' in statement ? statement.source?.value : undefined;
        if (from === undefined || from.startsWith('.')) continue;
        assert.ok(from.startsWith('node:') || known(dependencies, from), `dist/${file} imports ${from}`);
      }
      const code = text.replace(/\/\*(?! webpackIgnore)[\s\S]*?\*\/|(?<!:)\/\/ .*/g, '');
      for (const [, ignored, name, then] of code.matchAll(
        /\bimport\((\/\* webpackIgnore: true \*\/ )?["'`]([^."'`$][^"'`]*)["'`]\)(\.catch\()?/g,
      )) {
        assert.ok(name!.startsWith('node:') || known({ ...dependencies, ...peerDependencies }, name!), `dist/${file} imports ${name}`);
        if (!known(peerDependencies, name!)) continue;
        assert.ok(then, `dist/${file} imports ${name} without a word on what to install where it is missing`);
        assert.ok(ignored || file.startsWith('cli/'), `dist/${file} imports ${name}, which bundlers of a server would miss`);
      }
    }
  });

  test('a server is bundled without a word, and without the optional packages', async () => {
    await program('server.mjs', "import { openDevice } from 'descent-gpu';\nawait openDevice().catch(e => console.log(e.message));\n");
    const entryPoints = [join(app.folder, 'server.mjs')];
    const common = { entryPoints, bundle: true, platform: 'node', format: 'esm', logLevel: 'silent' } as const;
    const { warnings } = await build({ ...common, outfile: join(app.folder, 'bundle/server.mjs') });
    assert.equal(warnings, []);
    assert.equal(await app.node('bundle/server.mjs'), { code: 0, out: MISSING, err: '' });
  });

  test('without Dawn and sharp Node says in one line what to install', async () => {
    await program('open.mjs', "import { openDevice } from 'descent-gpu';\nawait openDevice().catch(e => console.log(e.message));\n");
    assert.equal(await app.node('open.mjs'), { code: 0, out: MISSING, err: '' });
    for (const args of [['train', 'lenet5', '--dataset', 'shapes'], ['devices']]) {
      assert.equal(await app.descent(...args), { code: 1, out: '', err: MISSING });
    }
  });

  test('the command line helps without any other package', async () => {
    assert.match((await app.descent('--help')).out, /^Usage: descent/);
    assert.match((await app.descent('models', 'lenet5')).out, /61,706/);
  });

  test('in plain JavaScript, by import and by require', async () => {
    await app.add('webgpu');
    await program(
      'use.mjs',
      `import { openDevice, relu } from 'descent-gpu';
     import { models } from 'descent-gpu/models';
     const device = await openDevice();
     console.log(typeof relu, typeof models.lenet5, device.report.kind);
     device.close();`,
    );
    const { out, err } = await app.node('use.mjs');
    assert.match(out, /^function function \w+\n$/, err);
    await program('use.cjs', "console.log(typeof require('descent-gpu').relu);\n");
    assert.is((await app.node('use.cjs')).out, 'function\n');
  });

  test("the command line trains a model of the user's own, which shares the library with it", async () => {
    const net = `import { dense, relu, sequential } from 'descent-gpu';
    export default ({ classes }) => sequential({ hidden: dense(16), act: relu(), out: dense(classes) });`;
    await program('net.mjs', net);
    const args = ['train', './net.mjs', '--dataset', 'shapes', '--steps', '4', '--limit-train', '200', '--out', 'run'];
    const { code, out, err } = await app.descent(...args);
    assert.is(code, 0, err);
    assert.match(out, /4 steps; weights, metrics and curves in run\n/);
    await program('net.ts', net.replace('({ classes })', '({ classes }: { classes: number })'));
    const typed = await app.descent(...args.map(word => (word === './net.mjs' ? './net.ts' : word === 'run' ? 'typed' : word)));
    if ('typescript' in process.features && process.features.typescript) assert.is(typed.code, 0, typed.err);
    else assert.match(typed.err, /^\.\/net\.ts: TypeScript takes the package tsx, which is not installed; npm install tsx, /);
  });

  test('declarations compile under NodeNext and under the options of a Vite app, libraries checked', async () => {
    await program('asks.ts', await asWritten());
    await program(
      'types.ts',
      "export * from 'descent-gpu';\nexport * as models from 'descent-gpu/models';\nexport * as engine from 'descent-gpu/engine';\nexport * as min from 'descent-gpu/min';\n",
    );
    const common = {
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      types: [],
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
    };
    const vite = { module: 'esnext', moduleResolution: 'bundler', verbatimModuleSyntax: true, erasableSyntaxOnly: true };
    for (const [name, own] of Object.entries({
      nodenext: { module: 'nodenext' },
      vite: { ...vite, lib: ['es2023', 'dom', 'dom.iterable'] },
    })) {
      const options = { ...common, target: 'es2022', ...own };
      await program(`tsconfig.${name}.json`, JSON.stringify({ compilerOptions: options, files: ['types.ts', 'asks.ts'] }));
      const { out, err } = await told(
        process.execPath,
        [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', `tsconfig.${name}.json`],
        app.folder,
      );
      assert.is(out + err, '', name);
    }
  });

  test("TypeScript 5 finds each entry's declarations where it resolves modules as Node 10 did, which knows no exports", async () => {
    const { exports, types, typesVersions } = await packageJson();
    for (const [entry, targets] of Object.entries(exports)) {
      if (typeof targets === 'string') continue;
      assert.equal(entry === '.' ? [types] : typesVersions['*'][entry.slice(2)], [targets['types@<6']], entry);
    }
  });

  test('each type that a public signature names is exported, and each export says what it is', async () => {
    const entries = Object.values((await packageJson()).exports).flatMap(entry =>
      typeof entry === 'string' ? [] : [join(app.root, entry.types!)],
    );
    const { hidden, undocumented } = findings(join(app.folder, 'tsconfig.nodenext.json'), entries);
    assert.equal(hidden, []);
    assert.equal(undocumented, []);
  });
}
