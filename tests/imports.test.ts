import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('imports');

/** Who may import whom: data flows one way, and so do imports. `engine/check.ts`, the grammar of errors, is for all. */
const allowed: Record<string, string[]> = {
  shaders: [],
  engine: ['shaders'],
  layers: ['engine', 'shaders'],
  optim: ['engine', 'shaders'],
  datasets: ['engine'],
  models: ['layers', 'engine', 'shaders'],
  plots: [],
  train: ['models', 'optim', 'layers', 'engine', 'shaders', 'datasets', 'plots'],
};
const files = (folder: string): string[] =>
  readdirSync(folder).flatMap(name => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : path.endsWith('.ts') ? [path] : [];
  });
const imports = (file: string): string[] => [...readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'([^']+)'/g)].map(m => m[1]!);
const isNode = (file: string) => file.split('/').includes('node');

for (const [folder, others] of Object.entries(allowed)) {
  test(`${folder}/ imports only ${others.join(', ') || 'itself'}, and nothing of Node outside its node parts`, () => {
    const found = files(folder);
    assert.ok(found.length > 0);
    for (const file of found) {
      for (const name of imports(file)) {
        if (!isNode(file)) {
          assert.not(name.startsWith('node:') || ['webgpu', 'sharp', '@resvg/resvg-js'].includes(name), `${file} imports ${name}`);
        }
        if (!name.startsWith('.')) continue;
        const target = relative('.', resolve(file, '..', name));
        const home = target.split('/')[0]!;
        assert.ok(home === folder || others.includes(home) || target === 'engine/check.ts' || isNode(file), `${file} imports ${target}`);
        if (!isNode(file)) assert.not(isNode(target), `${file} imports ${target}, which only Node can load`);
      }
    }
  });
}

test('the engine knows no kernel of a layer: of shaders/ it imports shaders/kernel/ alone', () => {
  for (const file of files('engine')) {
    for (const name of imports(file).filter(n => n.includes('shaders/'))) assert.match(name, 'shaders/kernel/', `${file} imports ${name}`);
  }
});

test('texts are parsed at the border: what trains loads nothing of train/config; fit, studies and a predictor take what a program says, run folders config.json', () => {
  const below = files('train').filter(file => !/^train\/(config|fit|study)\//.test(file));
  const loads = (file: string) =>
    [...readFileSync(file, 'utf8').matchAll(/^import (?!type )[^;]*?from '([^']+)'/gm)].map(m => relative('.', resolve(file, '..', m[1]!)));
  assert.equal(
    below.filter(file => loads(file).some(name => name.startsWith('train/config/'))),
    ['train/evaluate/predictor.ts', 'train/run/node/run-folder.ts'],
  );
});

test('no file imports its importer, however far around', () => {
  const all = [...Object.keys(allowed), 'cli', 'bench', 'web', 'scripts', 'tests'].flatMap(files);
  const targets = (file: string) =>
    imports(file)
      .filter(name => name.startsWith('.'))
      .map(name => relative('.', resolve(file, '..', name)));
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    assert.not(path.includes(file), `${[...path.slice(path.indexOf(file)), file].join(' imports ')}`);
    if (done.has(file)) return;
    for (const target of targets(file)) if (all.includes(target)) walk(target, [...path, file]);
    done.add(file);
  };
  for (const file of all) walk(file, []);
});

test('one file imports webgpu', () => {
  const all = [...Object.keys(allowed), 'cli', 'bench', 'web'].flatMap(files);
  assert.equal(
    all.filter(f => imports(f).includes('webgpu') && !f.startsWith('bench/peers')),
    ['engine/node/adapters.ts'],
  );
});

test.run();
