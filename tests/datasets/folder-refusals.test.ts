/** Folders that are no data set of images: what is wrong is said in one line. */
import { execFileSync } from 'node:child_process';
import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDataset } from '../../datasets/node/open.ts';
import { paint } from '../support/painted.ts';
import { scratchFolders } from '../support/process/scratch.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('folder refusals');
const folder = scratchFolders(test);
const quiet = { quiet: true };

test('folder: sizes that are none, and a side that is too short', async () => {
  const root = await folder();
  for (const name of ['a', 'b']) await paint(root, name, 2, 0);
  const said = async (more: object) => refusal(async () => openDataset(root, { dataDir: await folder(), ...quiet, ...more }));
  assert.match(await said({ imageSize: '32x' }), /^imageSize: '32x' is no size; give pixels from 1 to 1024, as 64, or height x width/);
  assert.match(await said({ imageSize: 2000 }), /^imageSize: '2000' is no size/);
  assert.match(await said({ imageSize: '16x32', resize: 24 }), /^resize: 24 is less than images of 16x32 take; give 32 or more$/);
});

/** Two classes of two coloured images, and what `more` adds or breaks. */
const two = (more: (root: string) => Promise<void>) => async (root: string) => {
  for (const name of ['a', 'b']) await paint(root, name, 2, 0);
  await more(root);
};
const one =
  (...names: string[]) =>
  async (root: string) => {
    for (const name of names) await paint(root, name, 1, 0);
  };

for (const [what, make, expected] of [
  ['one class only', one('cats'), /one class only \('cats'\); at least two subfolders/],
  ['no class', async root => writeFile(join(root, 'x.png'), ''), /: no class; at least two subfolders/],
  [
    'an empty class',
    two(async root => {
      await mkdir(join(root, 'c'));
    }),
    /class 'c' has no PNG, JPEG, WebP, GIF, AVIF or TIFF image/,
  ],
  [
    'an unreadable image',
    two(root => writeFile(join(root, 'b/bad.jpg'), 'not a jpeg')),
    /cannot read the image b\/bad\.jpg \(.*\); replace or remove it, or give skipBroken true/,
  ],
  ['a truncated image', two(root => truncate(join(root, 'a/1.png'), 90)), /cannot read the image a\/1\.png \(.*[^:]\);/],
  [
    'a test class without training images',
    one('train/a', 'train/b', 'test/a', 'test/c'),
    /class 'c' is in test\/ but not in train\/; known: a, b/,
  ],
  [
    'a validation class without training images',
    one('train/a', 'train/b', 'valid/a', 'valid/c', 'test/a'),
    /class 'c' is in valid\/ but not in train\/; known: a, b/,
  ],
  ['too few to hold some back', one('a', 'b'), /2 images leave none for testing/],
  [
    'validation images beside training images',
    one('train/a', 'train/b', 'val/a', 'val/b'),
    /holds train\/ and val\/, which would be its two classes; rename val\/ to test\//,
  ],
  ['no test images', one('train/a', 'train/b'), /2 images leave none for testing; put some into test\//],
  [
    'a link to a folder above it',
    two(root => symlink('..', join(root, 'a/loop'))),
    /a\/loop leads to a folder that is read already; remove/,
  ],
  [
    'a folder that is of two classes',
    two(root => symlink('a', join(root, 'c'))),
    /c leads to a folder that is read already; remove the link/,
  ],
  [
    'a link that leads nowhere',
    two(root => symlink('gone.png', join(root, 'a/x.png'))),
    /a\/x\.png is a link that leads nowhere; rename or/,
  ],
  [
    'a pipe',
    two(async root => void execFileSync('mkfifo', [join(root, 'a/x.png')])),
    /a\/x\.png is a pipe, socket or device, not a file; /,
  ],
  [
    'a name that is not UTF-8',
    two(root => writeFile(Buffer.concat([Buffer.from(join(root, 'a/')), Buffer.from([0xff]), Buffer.from('.png')]), '')),
    /a\/.*\.png has a name that is not UTF-8; rename/,
  ],
] as [string, (root: string) => Promise<void>, RegExp][]) {
  test(`folder says plainly: ${what}`, async () => {
    const root = await folder();
    await make(root);
    const message = await refusal(async () => openDataset(root, { dataDir: await folder(), ...quiet }));
    assert.ok(message.startsWith(root), 'it names the folder');
    assert.match(message, expected);
  });
}

test.run();
