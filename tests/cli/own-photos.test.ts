/** The README's story of one's own photos, as its commands are: from a net that was trained elsewhere to ONNX. */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { paint } from '../support/painted.ts';
import { close } from '../support/check.ts';
import { runOnnx } from '../support/onnx.ts';
import { called } from '../support/process/called.ts';
import { descent, words } from '../support/process/command.ts';
import { scratchFolders } from '../support/process/scratch.ts';

const test = suite('own photos');
const scratch = scratchFolders(test);
const CLASSES = ['dots', 'rows', 'stripes'] as const;
const PHOTOS = 16;

/** The bytes of a photo of one of three patterns, each of other colours, widths and distances. */
function photo(kind: (typeof CLASSES)[number], seed: number) {
  const width = 96 + (seed % 3) * 8;
  const height = 80;
  const period = 12 + (seed % 5);
  const isLit = (x: number, y: number): boolean => {
    if (kind === 'dots') return Math.hypot((x % period) - period / 2, (y % period) - period / 2) < period / 3;
    return (kind === 'rows' ? y : x) % period < period / 2;
  };
  const colours = [0, 1, 2].map(channel => 80 + ((seed * 53 + channel * 91) % 160));
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const at = Math.floor(i / 3);
    return isLit(at % width, Math.floor(at / width)) ? colours[i % 3]! : 20;
  });
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

test('from a pretrained file and a folder of photos to a report, predictions and ONNX', async () => {
  const folder = await scratch();
  for (const kind of CLASSES) {
    await mkdir(join(folder, 'photos', kind), { recursive: true });
    for (let i = 0; i < PHOTOS; i++)
      await photo(kind, i)
        .jpeg()
        .toFile(join(folder, 'photos', kind, `${i}.jpg`));
  }
  await mkdir(join(folder, 'new'));
  await photo('rows', 33)
    .png()
    .toFile(join(folder, 'new', 'a.png'));
  const trained = await descent(
    words(
      'train resnet20 --dataset ./photos --image-size 32 --init backbone --head new --freeze conv1,bn1,layer* --lr 0.02 --epochs 25 --batch-size 12 --out run',
    ),
    folder,
  );
  assert.is(trained.code, 0, trained.err);
  assert.match(trained.out + trained.err, /--init: \d+ tensors loaded; new: fc\.weight, fc\.bias/);
  assert.match(trained.out + trained.err, /the 64 features of each image are computed once/);
  assert.match(trained.out + trained.err, /195 of them trained/);
  const tested = Number(/test loss [\d.]+ {2}accuracy ([\d.]+)%/.exec(trained.out)![1]);
  assert.ok(tested >= 80, `${tested} % of the test photos`);

  const said = async (line: string): Promise<string> => {
    const { out, refusal } = await called(words(line), folder);
    assert.is(refusal, '');
    return out;
  };
  await said('eval run --report');
  assert.ok((await readdir(join(folder, 'run', 'report'))).includes('report.json'));
  const [head, row] = (await said('predict run new/ --csv')).split('\n');
  assert.is(head, `image,answer,probability,${CLASSES.join(',')}`);
  assert.match(row!, /^new\/a\.png,rows,/);

  await said('export run --to onnx --softmax --out net.onnx');
  const raw = await sharp(join(folder, 'new', 'a.png'))
    .resize(32, 32, { fit: 'cover' })
    .removeAlpha()
    .raw()
    .toBuffer();
  const planes = Float32Array.from(raw, (_, i) => raw[(i % 1024) * 3 + Math.floor(i / 1024)]! / 255);
  const { probabilities } = await runOnnx(await readFile(join(folder, 'net.onnx')), planes, [1, 3, 32, 32]);
  close('probabilities in ONNX Runtime', probabilities!.data, row!.split(',').slice(3).map(Number), 0.02);
});

test('a folder with val/ has its own validation images, which a run, one that goes on and eval take; a share beside it is refused', async () => {
  const folder = await scratch();
  const counts = { 'train/a': 8, 'train/b': 8, 'val/a': 3, 'val/b': 2, 'test/a': 2, 'test/b': 1 };
  for (const [name, count] of Object.entries(counts)) await paint(join(folder, 'photos'), name, count, name.endsWith('a') ? 200 : 20);
  const line = 'train mlp:hidden=4 --dataset ./photos --image-size 8 --batch-size 4 --epochs 1 --out run';
  const said = async (more: string) => called(words(`${line} ${more}`.trim()), folder);
  const refused = '--val-split: photos has 5 images of its own for validation; leave it out, or move them to the training images';
  assert.is((await said('--val-split 0.2')).refusal, refused);
  const { out, refusal } = await said('');
  assert.is(refusal, '');
  assert.match(out, 'on photos: 16 training, 5 validation, 3 test images');
  assert.match(out, 'epoch 1/1  step 4', out);
  const on = await called(words('train --resume run --epochs 2'), folder);
  assert.match(on.out, 'on photos: 16 training, 5 validation, 3 test images');
  const { accuracy, split } = JSON.parse((await called(words('eval run --split val --json'), folder)).out);
  assert.equal([split, Number.isInteger(Math.round(accuracy * 5e6) / 1e6)], ['val', true], `${accuracy}`);
  const search = 'sweep mlp:hidden=4 --dataset ./photos --image-size 8 --batch-size 4 --epochs 1 --grid';
  assert.is((await called(words(`${search} val-split=0.2,0.3`), folder)).refusal, refused);
  assert.match((await called(words(`${search} lr=0.1,0.2 --quiet`), folder)).out, /^lr=0\.\d\n$/);
});

test.run();
