/** ONNX files whose tensors lie in a file beside them, as PyTorch's exporter writes them by itself. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import * as onnx from 'onnx-buf';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openOnnx } from '../../../cli/onnx-file.ts';
import { openModel } from '../../../models/index.ts';
import { exportOnnx } from '../../../train/onnx/open.ts';
import { decodeOnnx } from '../../../train/onnx/net.ts';
import { generatedWeights } from '../../support/onnx.ts';
import { refusal } from '../../support/refusal.ts';
import { scratchFolders } from '../../support/process/scratch.ts';

const test = suite('onnx outside');
const folder = scratchFolders(test);
const SHAPE = [1, 4, 4] as const;
const model = openModel({ name: 'mlp', options: { hidden: [3] } }, { classes: 2, shape: SHAPE });
const weights = generatedWeights(model, SHAPE);
const whole = await exportOnnx({ model, shape: SHAPE, classes: ['a', 'b'], weights, normalize: 'none' });

/** The net with the values of its float tensors one after another in another file, at `location`, and that file's bytes. */
function divided(location: string): { net: Uint8Array; data: Uint8Array } {
  const message = fromBinary(onnx.ModelProtoSchema, whole);
  const parts: Uint8Array[] = [];
  let end = 0;
  for (const t of message.graph!.initializer) {
    if (t.dataType !== onnx.TensorProto_DataType.FLOAT) continue;
    const said = { location, offset: String(end), length: String(t.rawData.length) };
    t.externalData = Object.entries(said).map(([key, value]) => create(onnx.StringStringEntryProtoSchema, { key, value }));
    t.dataLocation = onnx.TensorProto_DataLocation.EXTERNAL;
    parts.push(t.rawData);
    end += t.rawData.length;
    t.rawData = new Uint8Array();
  }
  return { net: toBinary(onnx.ModelProtoSchema, message), data: Buffer.concat(parts) };
}

test('weights in a file beside the net are read, as in one file', async () => {
  const path = join(await folder(), 'net.onnx');
  const { net, data } = divided('parts/net.onnx.data');
  await writeFile(path, net);
  const beside = join(path, '../parts/net.onnx.data');
  assert.is(
    await refusal(() => openOnnx(path)),
    `${beside}: cannot be read, there is no such file or folder; it holds weights of ${path}: put both into one folder`,
  );
  await mkdir(join(path, '../parts'));
  await writeFile(beside, data.subarray(0, 100));
  assert.match(
    await refusal(() => openOnnx(path)),
    `${path}: tensor 'fc1.weight' lies at bytes 0 to 192 of parts/net.onnx.data, which has 100; fetch or write both files again`,
  );
  await writeFile(beside, data);
  assert.equal((await openOnnx(path)).weightsOf(model, SHAPE), weights);
});

test('no other file is read for a net than one in its folder, and none where there is no folder', async () => {
  const none = () => {
    throw new Error('was read');
  };
  for (const location of ['../net.data', '/etc/passwd', 'a/../../b', 'C:\\b', '..\\b', '']) {
    assert.is(
      await refusal(async () => await decodeOnnx(divided(location).net, 'a.onnx', none)),
      `a.onnx: tensor 'fc1.weight' lies in '${location}', which is no file beside the net; export the net again`,
    );
  }
  assert.is(
    await refusal(async () => await decodeOnnx(divided('a').net, 'a.onnx')),
    "a.onnx: tensor 'fc1.weight' lies in another file; export the net as one file, as torch.onnx.export does with external_data=False",
  );
});

test.run();
