/** What the command line shows of what is there, and a reader that has seen enough of it. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dataShow } from '../../cli/show/data-show.ts';
import { shapes } from '../../datasets/shapes.ts';
import { milliseconds, perSecond } from '../../bench/milliseconds.ts';
import { figure } from '../../cli/output.ts';
import { encodeOnnx } from '../../train/onnx/net.ts';
import { called } from '../support/process/called.ts';
import { BIN, words } from '../support/process/command.ts';
import { printed } from '../support/process/printed.ts';
import { scratchFolders } from '../support/process/scratch.ts';
import { refusal } from '../support/refusal.ts';

const test = suite('show');
const scratch = scratchFolders(test);

test('devices and models tell what is there', async () => {
  const home = await scratch();
  const said = async (command: string) => (await called(words(command), home)).out;
  const first = JSON.parse((await said('devices --json')).split('\n')[0]!);
  assert.ok(first.name && ['hardware', 'lavapipe', 'swiftshader', 'software'].includes(first.kind) && first.limits.maxBufferSize > 0);
  assert.equal([first.adapter, first.matrices, first.subgroups?.length ?? 2], [undefined, [], 2]);
  assert.match(await said('devices'), /^ {2}limits: .+\n {2}subgroups of \d+( to \d+)? threads; no matrix units$/m);
  assert.match(await said('models'), /^lenet5 +61,706 +0\.83\b/m);
  const { parameters, layers: rows } = JSON.parse(await said('models lenet5 --json'));
  assert.equal([parameters, rows.at(-1)], [61706, { name: 'fc3', shape: [10], parameters: 850, flops: 1680, bytes: 3440 }]);
});

test('figures have the digits that say something: a count all of them, a loss beyond what doubles count has three', () => {
  const said = [0.03123, 3.1234e-7, 12345, 61706000, -2.5e6, 2.5e6 + 0.5, 145899637553174980000000000000].map(figure);
  assert.equal(said, ['0.0312', '3.12e-7', '12,345', '61,706,000', '-2,500,000', '2.50e+6', '1.46e+29']);
});

test('times have their decimals, and two digits where a GPU takes less', () => {
  const said = [0, 1234.5678, 0.0123, 0.01, 0.00456, 0.0000456, 4.56e-8].map(ms => milliseconds(ms, 3));
  assert.equal(said, ['0.000', '1234.568', '0.012', '0.010', '0.0046', '0.000046', '4.6e-8']);
  assert.equal([0, 0.0351, 0.763, 41.26, 4812.4].map(perSecond), ['0.0', '0.035', '0.76', '41.3', '4812.4']);
});

test('models of an ONNX file takes the images and classes that the file names', async () => {
  const home = await scratch();
  const write = async (name: string, side: number | string) =>
    writeFileSync(
      join(home, name),
      await encodeOnnx({
        nodes: [
          { name: 'c', op: 'Conv', inputs: ['image', 'w'], outputs: ['a'], attributes: {} },
          { name: 'g', op: 'GlobalAveragePool', inputs: ['a'], outputs: ['y'], attributes: {} },
        ],
        constants: new Map([['w', { shape: [4, 3, 3, 3], data: new Float32Array(108) }]]),
        inputs: [{ name: 'image', shape: ['n', 3, side, side] }],
        outputs: [{ name: 'y', shape: ['n', 4, 1, 1] }],
        metadata: {},
      }),
    );
  await write('net.onnx', 20);
  await write('open.onnx', 'h');
  const said = async (command: string) => {
    const { out, refusal } = await called(words(command), home);
    return refusal || (JSON.parse(out) as { input: number[] }).input;
  };
  assert.equal(await said('models net.onnx --json'), [3, 20, 20]);
  assert.equal(await said('models open.onnx --input 3x12x10 --json'), [3, 12, 10]);
  assert.equal(await said('models open.onnx --dataset cifar10 --json'), [3, 32, 32]);
  assert.is(await said('models open.onnx --json'), 'open.onnx: does not say how large its images are; give --input, as 3x224x224');
  assert.is(
    await said('models net.onnx --dataset cifar10 --json'),
    'net.onnx: takes images of 3x20x20, these are 3x32x32; give --image-size, or other data',
  );
});

test('--json is one object a line wherever a command has it', async () => {
  const home = await scratch();
  const objects = async (command: string) => {
    const { out, refusal } = await called(words(`${command} --json`), home);
    assert.is(refusal, '');
    return out
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line));
  };
  assert.equal(await objects('data fetch shapes'), [{ name: 'shapes' }]);
  assert.equal(await objects('data verify shapes'), [{ name: 'shapes', files: 0, faults: [] }]);
  assert.is((await objects('compare')).find(line => line.comparison === 'k-means').shows.slice(0, 9), 'Centroids');
  const small = 'train mlp:hidden=8 --dataset two-moons --limit-train 64 --batch-size 32 --plan';
  const dispatches = await objects(small);
  const total = dispatches.pop();
  assert.is(total.dispatches, dispatches.length);
  assert.equal(dispatches[1].tensors[0], { binding: 'a', shape: [32, 2, 1, 1], half: false, place: 'slot 4' });
  assert.is((await objects(`${small} --checkpoint-activations`)).at(-1).activations.slowdown > 1, true);
});

test('kernels lists what there is, and prints the WGSL of a variant at a call', async () => {
  const home = await scratch();
  const all = await called(words('kernels'), home);
  assert.match(all.out, /^matmul +shaders\/product +\d+ +a, b, bias, y, e0, e1$/m);
  const ways = (await called(words('kernels matmul --json --for gpu'), home)).out
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));
  assert.equal(ways.find(way => way.variant === 'tiled 128x128').adapters, ['gpu']);
  const { out } = await called(['kernels', 'matmul', '--variant', 'tiled 64x64', '--call', '4096'], home);
  assert.match(out, /^\/\/ matmul, tiled 64x64, for gpu: matmul 4096x4096x4096\n\/\/ 64 x 64 x 1 workgroups\n@group\(0\)/);
  const [text] = (await called(['kernels', 'matmul', '--variant', 'tiled 64x64', '--json'], home)).out
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));
  assert.equal([text.workgroups, out.endsWith(`${text.wgsl}\n`)], [[64, 64, 1], true]);
  const refused = async (...args: string[]) => (await called(['kernels', ...args], home)).refusal;
  assert.match(
    await refused('matmul', '--variant', 'tiled 64x65'),
    "--variant: matmul has no 'tiled 64x65'; did you mean 'tiled 64x64'? give one of lanes ",
  );
  assert.match(
    await refused('matmul', '--call', 'hexagons'),
    "--call: 'hexagons' is in no call that matmul computes; give a part of a name, as matmul 512x512x512, ",
  );
  assert.match(await refused('matmull'), "unknown kernel 'matmull'; did you mean 'matmul'? known: conv, ");
  assert.is(await refused('--call', '4096'), '--call: of no kernel; name a kernel');
});

test('a reader that closes the pipe ends the command quietly', async () => {
  const child = spawn(process.execPath, [BIN, 'data', 'list'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy(); // long before the first line
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const code = await new Promise(done => child.on('close', done));
  assert.equal([code, err], [0, '']);
});

test('descent data show: the first column is the images, the others differ from it', async () => {
  const file = join(await scratch(), 'sheet.png');
  const options = { augment: 'brightness:0.9', out: file, rows: '3', columns: '2', zoom: '1', quiet: true };
  assert.is(await printed(() => dataShow('shapes', options)), `${file}\n`);
  const told = JSON.parse(await printed(() => dataShow('shapes', { ...options, json: true })));
  assert.equal(told, { pictures: [file], rows: 3, columns: 3, augment: 'brightness:0.9' });
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  const { images } = shapes(3);
  assert.equal([info.width, info.height, info.channels], [3 * 34 + 2, 3 * 34 + 2, 3]);
  const at = (column: number, row: number, x: number, y: number, k: number) =>
    data[((2 + row * 34 + y) * info.width + 2 + column * 34 + x) * 3 + k]!;
  let moved = 0;
  for (let row = 0; row < 3; row++) {
    for (let y = 0; y < 32; y++) {
      for (let x = 0; x < 32; x++) {
        for (let k = 0; k < 3; k++) {
          assert.is(at(0, row, x, y, k), images[((row * 3 + k) * 32 + y) * 32 + x]);
          moved += Number(at(1, row, x, y, k) !== at(0, row, x, y, k));
        }
      }
    }
  }
  assert.ok(moved > 1000);
  assert.match(
    await refusal(() => dataShow('shapes', { out: 'sheet.jpg', rows: '1', columns: '1' })),
    /--out: sheet\.jpg is no \.png file/,
  );
  // before any image is read: this set is not there
  assert.match(await refusal(() => dataShow('nothing', { ...options, zoom: '0' })), /^--zoom: '?0'?.*give/);
});

test.run();
