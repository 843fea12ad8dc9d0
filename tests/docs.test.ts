/** What the documents name is there: files and folders, and the headings that links lead to. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('documents');
/** Folders that commands of the documents make, as git ignores them: after `npm start` there is one of runs. */
const made = readFileSync('.gitignore', 'utf8')
  .split('\n')
  .filter(line => line.endsWith('/'));
const isMade = (name: string): boolean =>
  made.some(line => (line.startsWith('/') ? `/${name}/`.startsWith(line) : `/${name}/`.includes(`/${line}`)));
const below = (folder: string, kind: RegExp): string[] =>
  readdirSync(folder, { encoding: 'utf8' })
    .filter(file => kind.test(file))
    .map(file => join(folder, file));
const documents = [...below('.', /\.md$/), ...below('docs', /\.md$/), ...below('scripts/recipes', /\.sh$/)];
const folders = readdirSync('.', { withFileTypes: true }).flatMap(entry => (entry.isDirectory() ? entry.name : []));

/** The anchors of a document's headings, as GitHub makes them. */
const anchorsOf = (file: string): string[] =>
  Array.from(readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm), ([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

for (const document of documents) {
  const text = readFileSync(document, 'utf8');

  test(`${document}: links lead to files and headings`, () => {
    const links = Array.from(text.matchAll(/\]\(([^)\s#]*)(?:#([^)\s]*))?\)/g), ([, file, anchor]) => ({ file: file!, anchor }));
    const own = links.filter(({ file }) => !file.includes('://'));
    const broken = own.filter(({ file, anchor }) => {
      const target = file ? join(dirname(document), file) : document;
      return !existsSync(target) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
    });
    assert.equal(broken, []);
  });

  test(`${document}: the files that it names are there`, () => {
    const named = Array.from(text.matchAll(/(?<=[`(\s])[\w.-]+\/[\w./-]*\w\/?(?=[`)\s])/g), ([name]) => name);
    const ours = named.filter(name => folders.includes(name.split('/')[0]!) && !isMade(name));
    assert.equal(
      ours.filter(name => !existsSync(name)),
      [],
    );
  });
}

test.run();
