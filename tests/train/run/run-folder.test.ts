import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../../train/config/config.ts';
import type { MetricsLine } from '../../../train/step/metrics.ts';
import { checkWritable, writeWhole } from '../../../train/run/node/files.ts';
import { encodeRank, readRanks } from '../../../train/run/node/rank-files.ts';
import { createRun, defaultFolder, readConfig, resumeRun, weightsFile } from '../../../train/run/node/run-folder.ts';
import { readSafetensors } from '../../../train/run/node/sealed.ts';
import { encodeSafetensors, type Tensors } from '../../../train/run/safetensors.ts';
import { refusal } from '../../support/refusal.ts';

const runs = suite<{ dir: string }>('run-folder');
runs.before.each(c => {
  c.dir = mkdtempSync(join(tmpdir(), 'descent-run-'));
});
runs.after.each(c => rmSync(c.dir, { recursive: true, force: true }));

const config = parseConfig('lenet5', { lr: '0.05', optimizer: 'momentum:momentum=0.8' });
const weights = (x: number): Tensors => ({ 'fc.weight': { shape: [1, 2], data: Float32Array.of(x, 2) } });
const state = (step: number) => ({
  tensors: { 'momentum.fc.weight': { shape: [2], data: Float32Array.of(step, 1) } },
  counters: { steps: step, swag: 3 },
});
const line = (step: number): MetricsLine => ({ step, epoch: step / 100, loss: 1 / step, accuracy: 0.5, lr: 0.05, images_per_s: 100 });
const val = (step: number): MetricsLine => ({ split: 'val', step, epoch: step / 100, loss: 1 / step, accuracy: 0.5 });
const refuses = async (act: () => unknown, wanted: RegExp) => assert.match(await refusal(act), wanted);
/** A folder with one file. */
const holding =
  (content: string, file = 'config.json') =>
  (dir: string) => {
    writeFileSync(join(dir, file), content);
    return dir;
  };

/** A run in dir/run with a checkpoint of step 20. */
function trained(dir: string): string {
  const path = join(dir, 'deep/er/run');
  const run = createRun(path);
  run.writeConfig(config, { adapter: 'llvmpipe' });
  for (const l of [line(10), line(20), val(20)]) run.append(l);
  run.saveBest(weights(1), { model: 'lenet5' });
  run.saveCheckpoint(weights(20), state(20), { model: 'lenet5' });
  run.close();
  return path;
}

runs('gives back what was saved', ({ dir }) => {
  const path = trained(dir);
  assert.equal(readdirSync(path).sort(), ['best.safetensors', 'config.json', 'metrics.jsonl', 'model.safetensors', 'state.safetensors']);
  const back = resumeRun(path);
  assert.equal(back.config, config);
  assert.equal(back.facts, { adapter: 'llvmpipe' });
  assert.equal(back.weights, weights(20));
  assert.equal(back.state, state(20));
  assert.equal(back.folder.lines, [line(10), line(20), val(20)]);
  const { sha256, ...metadata } = readSafetensors(join(path, 'model.safetensors')).metadata;
  assert.equal(metadata, { model: 'lenet5', step: '20' });
  assert.match(sha256!, /^[0-9a-f]{64}$/);
  assert.is(weightsFile(path), join(path, 'best.safetensors'));
});

runs('a checkpoint of ranks knows how many held a state of their own: one that is missing or of another step is told', async ({ dir }) => {
  const path = trained(dir);
  const kept = (step: number) => [1, 2].map(rank => encodeRank({ tensors: weights(rank), counters: { steps: step } }, step));
  const read = () => {
    const { folder, state, ranks } = resumeRun(path);
    folder.close();
    return readRanks(path, state.counters.steps, ranks);
  };
  const { folder } = resumeRun(path);
  folder.saveCheckpoint(weights(30), state(30), {}, kept(30));
  folder.close();
  assert.equal(
    read().map(({ tensors }) => tensors),
    [weights(1), weights(2)],
  );
  const second = join(path, 'state-2.safetensors');
  writeFileSync(second, kept(20)[1]!);
  await refuses(read, /state-2\.safetensors: is of step 20, the checkpoint of step 30, and holds what rank 2 goes on from; put back/);
  rmSync(second);
  await refuses(read, /state-2\.safetensors: is not there, and holds what rank 2 goes on from; put back the file that the run wrote$/);
});

runs('a resumed run forgets the metrics after its checkpoint, and a line cut short', ({ dir }) => {
  const path = trained(dir);
  const file = join(path, 'metrics.jsonl');
  const before = readFileSync(file, 'utf8');
  writeFileSync(file, `${before}${JSON.stringify(line(30))}\n{"step":4`);
  const { folder } = resumeRun(path);
  assert.is(readFileSync(file, 'utf8'), before);
  folder.append(line(30));
  assert.is(readFileSync(file, 'utf8'), `${before}${JSON.stringify(line(30))}\n`);
  assert.is(folder.lines.length, 4);
});

// a crash at each moment of writing the checkpoint of step 30 over that of step 20
for (const [moment, aside, committed, want] of [
  ['while the state is written', [['state', '{']], false, 20],
  [
    'while the model is written',
    [
      ['state', 30],
      ['model', '{'],
    ],
    false,
    20,
  ],
  [
    'before the first rename',
    [
      ['state', 30],
      ['model', 30],
    ],
    false,
    20,
  ],
  [
    'between the renames',
    [
      ['state', 30],
      ['model', 30],
    ],
    true,
    30,
  ],
] as const) {
  runs(`a crash ${moment} leaves a checkpoint of one step`, ({ dir }) => {
    const path = trained(dir);
    const encoded = (name: 'model' | 'state', step: number): Uint8Array => {
      const [tensors, counters] =
        name === 'model' ? [weights(step), {}] : [state(step).tensors, { 'counter.steps': String(step), 'counter.swag': '3' }];
      return encodeSafetensors(tensors, { ...counters, step: String(step) });
    };
    for (const [name, content] of aside) {
      writeFileSync(join(path, `${name}.safetensors.new`), typeof content === 'string' ? content : encoded(name, content));
    }
    if (committed) renameSync(join(path, 'state.safetensors.new'), join(path, 'state.safetensors'));
    const back = resumeRun(path);
    assert.equal(back.weights, weights(want));
    assert.equal(back.state, state(want));
    assert.not(existsSync(join(path, 'model.safetensors.new')));
  });
}

const folders: [why: string, prepare: (dir: string) => string, act: (path: string) => unknown, message: RegExp][] = [
  [
    'a folder that holds a run',
    trained,
    createRun,
    /already holds a run \(config\.json\); choose another folder with out, or continue that run with resume /,
  ],
  [
    'a path through a file',
    dir => join(holding('', 'f')(dir), 'f/run'),
    createRun,
    /f\/run: cannot be written, part of the path is a file, not a folder; choose another folder with out$/,
  ],
  ['a file as folder', dir => join(holding('', 'f')(dir), 'f'), createRun, /f: cannot be written, /],
  [
    'a place where nobody may write',
    () => (process.platform === 'linux' ? '/sys/descent/run' : '/System/descent/run'),
    createRun,
    /^\/[sS]ys.*\/run: cannot be written, .*; choose another folder with out$/,
  ],
  ['a folder that is not there', dir => join(dir, 'nope'), resumeRun, /nope: there is no such folder; give the folder of a run/],
  [
    'a folder without a run',
    dir => dir,
    resumeRun,
    /config\.json: cannot be read, there is no such file or folder; give the folder of a run$/,
  ],
  [
    'a run without a checkpoint',
    dir => {
      createRun(join(dir, 'r')).writeConfig(config, {});
      return join(dir, 'r');
    },
    resumeRun,
    /r: no checkpoint was kept; start the run anew/,
  ],
  ['a run without weights', dir => dir, weightsFile, /holds no best\.safetensors and no model\.safetensors/],
  ['a config.json that is no JSON', holding('{"model":'), readConfig, /config\.json: is not valid JSON/],
  [
    'a config.json of something else',
    holding('{"name":"x"}'),
    readConfig,
    /config\.json: no model is named; it is not the config\.json of a run/,
  ],
  [
    'a config.json with an impossible value',
    holding('{"model":"lenet5","batchSize":0}'),
    readConfig,
    /config\.json: batchSize: 0 is out of range; give a whole number of at least 1/,
  ],
  [
    'model and state of different steps',
    dir => {
      const path = trained(dir);
      writeFileSync(join(path, 'model.safetensors'), encodeSafetensors(weights(5), { step: '5' }));
      return path;
    },
    resumeRun,
    /model\.safetensors is of step 5, state\.safetensors of step 20; put back the files that belong together/,
  ],
  [
    'a state cut short',
    dir => {
      const path = trained(dir);
      const file = join(path, 'state.safetensors');
      writeFileSync(file, readFileSync(file).subarray(0, -3));
      return path;
    },
    resumeRun,
    /state\.safetensors: tensor 'momentum\.fc\.weight' ends at byte 8 of the data, which has 5; the file is cut short/,
  ],
];
for (const [why, prepare, act, message] of folders) {
  runs(`says what is wrong with ${why}`, ({ dir }) => {
    const path = prepare(dir);
    return refuses(() => act(path), message);
  });
}

// /dev/full refuses every write with ENOSPC; it stands in for the file that is being written
for (const [what, name, act] of [
  ['a line of metrics', 'metrics.jsonl', (r: ReturnType<typeof resumeRun>) => r.folder.append(line(30))],
  ['the model', 'model.safetensors.new', (r: ReturnType<typeof resumeRun>) => r.folder.saveCheckpoint(weights(30), state(30), {})],
  ['the state', 'state.safetensors.new', (r: ReturnType<typeof resumeRun>) => r.folder.saveCheckpoint(weights(30), state(30), {})],
  ['the best model', 'best.safetensors.new', (r: ReturnType<typeof resumeRun>) => r.folder.saveBest(weights(30), {})],
  ['the curves', 'curves.svg.new', (r: ReturnType<typeof resumeRun>) => r.folder.write('curves.svg', '<svg/>')],
] as const) {
  runs(`a disk that fills up at ${what} costs nothing that was saved`, async ({ dir }) => {
    if (!existsSync('/dev/full')) return assert.ok(process.platform !== 'linux');
    const path = trained(dir);
    const resumed = resumeRun(path);
    rmSync(join(path, name), { force: true });
    symlinkSync('/dev/full', join(path, name));
    await refuses(
      () => act(resumed),
      /: cannot be written, the disk is full; free some space, then continue from the last checkpoint with resume /,
    );
    if (name === 'metrics.jsonl') rmSync(join(path, name)); // it would read as zeros without end
    assert.not(readdirSync(path).some(file => file.endsWith('.new')));
    const back = resumeRun(path, name === 'metrics.jsonl');
    assert.equal(back.weights, weights(20));
    assert.equal(readSafetensors(join(path, 'best.safetensors')).tensors, weights(1));
  });
}

runs('a run that never trained leaves nothing behind, other files stay', ({ dir }) => {
  const mine = join(dir, 'mine');
  const fresh = join(dir, 'fresh');
  mkdirSync(mine);
  writeFileSync(join(mine, 'notes.txt'), 'x');
  for (const path of [mine, fresh]) {
    const run = createRun(path);
    run.writeConfig(config, {});
    run.close();
  }
  assert.equal([readdirSync(mine), existsSync(fresh)], [['notes.txt'], false]);
  const path = trained(dir);
  resumeRun(path).folder.close();
  assert.ok(existsSync(join(path, 'model.safetensors')));
});

runs('names folders after model, data and time', ({ dir }) => {
  const old = process.cwd();
  process.chdir(dir);
  try {
    const now = new Date(2026, 10, 21, 9, 5, 7);
    assert.is(defaultFolder('lenet5', 'fashion-mnist', now), 'runs/lenet5-fashion-mnist-20261121-090507');
    assert.is(defaultFolder('./nets/my model.ts', '../photos/', now), 'runs/my-model-photos-20261121-090507');
    mkdirSync('runs/lenet5-fashion-mnist-20261121-090507', { recursive: true });
    assert.is(defaultFolder('lenet5', 'fashion-mnist', now), 'runs/lenet5-fashion-mnist-20261121-090507-2');
  } finally {
    process.chdir(old);
  }
});

runs('a device is written to, not replaced by a file', async ({ dir }) => {
  const link = join(dir, 'link');
  symlinkSync('/dev/full', link); // were it replaced, only the link would be
  checkWritable(link);
  assert.match(await refusal(() => writeWhole(link, 'x')), /cannot be written, the disk is full/);
  assert.ok(lstatSync(link).isSymbolicLink());
});

runs.run();
