/** Runs that start from other weights: what these may be given as, and how such a run goes on. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  batchNorm,
  conv2d,
  decodeSafetensors,
  dense,
  fit,
  relu,
  sequential,
  type FitOptions,
  type Model,
  type Samples,
} from '../../../index.ts';
import { useNode } from '../../../train/run/node/platform.ts';
import { scratchFolders } from '../../support/process/scratch.ts';
import { refusal } from '../../support/refusal.ts';

const test = suite('tuned');
const folder = scratchFolders(test);
test.before(useNode);

/** Images of 6x6 in as many classes as there are names, each brighter than the one before. */
const imagesOf = (names: readonly string[]): Samples => {
  const labels = Array.from({ length: 36 }, (_, i) => names[i % names.length]!);
  const images = labels.map((name, i) => Uint8Array.from({ length: 36 }, (_, p) => 60 * names.indexOf(name) + ((i * 7 + p * 13) % 50)));
  return { images, labels, shape: [1, 6, 6] };
};
const net: Model = ({ classes }) => sequential({ conv1: conv2d(3, 3), bn1: batchNorm(), act1: relu(), fc: dense(classes) });
const quick: FitOptions = { batchSize: 8, epochs: 2, onWarning: () => undefined };
let file: Uint8Array<ArrayBuffer>;
test.before(async () => {
  const model = await fit(net, imagesOf(['a', 'b']), { ...quick, normalize: 'meanstd' }).model;
  file = await model.bytes();
  model.destroy();
});

test('a run that took the normalisation of its file goes on from a checkpoint without being told of it', async () => {
  const ends = async (options: FitOptions) => {
    const run = fit(net, imagesOf(['x', 'y', 'z']), { ...quick, head: 'new', ...options });
    await run.done;
    return Buffer.from(await run.checkpoint());
  };
  for (const own of [{ freeze: 'conv1,bn1' }, { freeze: 'conv1', augment: 'flip', ema: 0.9 }] as FitOptions[]) {
    const half = await ends({ ...own, init: file });
    const [whole, later] = [await ends({ ...own, init: file, epochs: 4 }), await ends({ ...own, resume: half, epochs: 4 })];
    assert.ok(whole.equals(later));
    assert.match(
      await refusal(() => ends({ ...own, resume: half, normalize: 'mean' })),
      /^resume: normalize was meanstd:.*, now it is mean; /,
    );
  }
});

test('weights to start from are tensors, a file, or its bytes of either kind', async () => {
  const ends = async (init: unknown) =>
    (await fit(net, imagesOf(['a', 'b']), { ...quick, init: init as NonNullable<FitOptions['init']> }).done).train!.loss;
  const wanted = await ends(file);
  const path = join(await folder(), 'net.safetensors');
  await writeFile(path, file);
  const held = [file.buffer, new Blob([file]), new File([file], 'net.safetensors'), decodeSafetensors(file, 'net').tensors];
  for (const same of [...held, path, pathToFileURL(path)]) assert.is(await ends(same), wanted);
  assert.match(
    await refusal(() => ends(`${path}x`)),
    /net\.safetensorsx: cannot be read, there is no such file or folder; give a \.safetensors or /,
  );
  assert.match(await refusal(() => ends(new Float32Array(3))), /^init: it is of the class Float32Array; give 'backbone', tensors, or /);
  for (const none of [null, 3]) {
    assert.is(
      await refusal(() => ends(none)),
      `init: it is ${none}; give 'backbone', tensors, or a file of weights by its bytes or where it is`,
    );
  }
  assert.match(await refusal(() => ends('bakcbone')), /^init: there is no backbone 'bakcbone'; give /);
});

test.run();
