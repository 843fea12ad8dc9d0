import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDevice } from '../../cli/run/device.ts';
import { Device } from '../../engine/device.ts';
import { Graph } from '../../engine/graph.ts';
import { openAdapter } from '../../engine/node/adapters.ts';
import { Memory } from '../../engine/memory.ts';
import { Program, type Command } from '../../engine/program.ts';
import { Tuner, type TunerOptions } from '../../engine/tune.ts';
import { sequential } from '../../layers/compose.ts';
import { conv2d } from '../../layers/conv.ts';
import { dense } from '../../layers/dense.ts';
import { batchNorm } from '../../layers/norm.ts';
import { storeAt } from '../../train/run/node/platform.ts';
import { callKey, fitting } from '../../shaders/kernel/kernel.ts';
import { close, random } from '../support/check.ts';

const test = suite('tune');
const folder = mkdtempSync(join(tmpdir(), 'descent-tune-'));
const file = join(folder, 'tuned.json');
test.after(() => rmSync(folder, { recursive: true }));

/** Compiles a small net with kernels of k x k on a device of its own, with a tuner where `version` is given, and runs it. */
async function run(version?: string, { clock, k = 5 }: { clock?: TunerOptions['time']; k?: number } = {}) {
  const device = await Device.open(await openAdapter());
  const notes: string[] = [];
  const progress: string[] = [];
  const tell = { note: (line: string) => notes.push(line), progress: (done: number, total: number) => progress.push(`${done}/${total}`) };
  const tuner = version === undefined ? undefined : new Tuner({ version, store: storeAt(file), ...tell, ...(clock && { time: clock }) });
  device.tuner = tuner;
  const g = new Graph({ training: true, profile: device.profile });
  const memory = new Memory(device);
  const x = g.persistent('input', 'x', [2, 3, 8, 8]);
  const dy = g.persistent('input', 'dy', [2, 5]);
  const y = dense(5)(
    g,
    g.scope('conv', () => conv2d(4, k, { pad: k >> 1 })(g, x)),
  );
  g.kept.add(y);
  g.backward(y, dy);
  memory.reserve(g);
  const program = await Program.compile(memory, g);
  memory.write(x, Float32Array.from(random(x.size)));
  memory.write(dy, Float32Array.from(random(dy.size, 2)));
  program.run({ accumulate: 0 });
  const results = {
    y: await program.read(y),
    ...Object.fromEntries(await Promise.all([...g.params].map(async ([name, { grad }]) => [name, await program.read(grad)] as const))),
  };
  const variants = new Map(program.commands.map(c => [callKey(c.op.kernel, c.op.params, {}), c.pipeline.variant.name]));
  const choices = program.commands.filter(c => fitting(c.op.kernel, c.op.params, device.profile).length > 1).length;
  device.close();
  const kernels = program.commands.map(c => c.op.kernel.name);
  return { timed: tuner?.timed ?? 0, notes, progress, results, variants, choices, kernels };
}

const stored = () => JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, string[]>>;
let plain: Awaited<ReturnType<typeof run>>;

test('times each call that has a choice, takes the fastest and keeps it', async () => {
  plain = await run();
  const tuned = await run('1');
  assert.ok(tuned.choices >= 4, 'both layers, both directions');
  assert.is(tuned.timed, tuned.choices);
  assert.equal(
    tuned.progress,
    Array.from({ length: tuned.timed + 1 }, (_, i) => `${i}/${tuned.timed}`),
  );
  assert.equal(tuned.notes, []);
  const [[place, calls], ...others] = Object.entries(stored()) as [[string, Record<string, string[]>]];
  assert.equal(others, []);
  assert.match(place, / \| 1$/);
  assert.is(Object.keys(calls).length, tuned.timed);
  for (const [key, order] of Object.entries(calls)) assert.is(tuned.variants.get(key), order[0], key);
  for (const [name, values] of Object.entries(plain.results)) close(name, tuned.results[name as 'y'], values, 1e-5);
});

test('a second run reads what was found; what it takes is what the file says', async () => {
  const all = stored();
  const place = Object.keys(all)[0]!;
  for (const order of Object.values(all[place]!)) order.reverse(); // no timing would end like this
  writeFileSync(file, JSON.stringify(all));
  const again = await run('1');
  assert.is(again.timed, 0);
  assert.equal(again.progress, []);
  for (const [key, order] of Object.entries(all[place]!)) assert.is(again.variants.get(key), order[0]);
  for (const [name, values] of Object.entries(plain.results)) close(name, again.results[name as 'y'], values, 1e-5);
});

test('another version times anew and leaves the findings of the first', async () => {
  assert.ok((await run('2')).timed > 0);
  assert.equal(
    Object.keys(stored()).map(place => place.slice(-3)),
    ['| 1', '| 2'],
  );
});

for (const [what, damage] of [
  ['cut short', (text: string) => text.slice(0, 60)],
  ['another JSON', () => '{"x": {"y": [1]}}'],
] as const) {
  test(`a damaged file (${what}) is told in one line and written anew`, async () => {
    writeFileSync(file, damage(readFileSync(file, 'utf8')));
    const { timed, notes, choices } = await run('1');
    assert.is(timed, choices);
    assert.equal(notes, [`${file}: is damaged, variants are timed again and it is written anew`]);
    assert.is(Object.keys(Object.values(stored())[0]!).length, choices);
  });
}

test('a call is done in stages where these were found to be the fastest', async () => {
  const direct = await run(undefined, { k: 3 });
  await run('3', { k: 3 });
  const all = stored();
  const found = Object.entries(all).find(([place]) => place.endsWith('| 3'))![1];
  for (const [key, order] of Object.entries(found)) {
    if (order.includes('winograd 2x2')) found[key] = ['winograd 2x2', ...order.filter(name => name !== 'winograd 2x2')];
  }
  writeFileSync(file, JSON.stringify(all));
  const { kernels, results } = await run('3', { k: 3 });
  for (const kernel of ['winograd_output', 'winograd_weight_gradient']) {
    assert.ok(kernels.includes(kernel) && !direct.kernels.includes(kernel), kernel);
  }
  for (const [name, values] of Object.entries(direct.results)) close(name, results[name as 'y'], values, 1e-5);
});

test('a variant that this version has not is told in one line, and its call timed again', async () => {
  const all = stored();
  const calls = Object.values(all)[0]!;
  const key = Object.keys(calls).find(k => k.startsWith('matmul'))!;
  calls[key] = ['wizardry', ...calls[key]!];
  writeFileSync(file, JSON.stringify(all));
  const { timed, notes } = await run('1');
  assert.is(timed, 1);
  assert.equal(notes, [`${file}: knows variants that this version has not, matmul (wizardry); their calls are timed again`]);
  assert.not(stored()[Object.keys(all)[0]!]![key]!.includes('wizardry'));
});

test('it takes what is faster by more than noise, and among equals the first of the kernel', async () => {
  rmSync(file);
  const looks: number[] = [];
  const { variants } = await run('scripted', {
    clock: async (_, jobs, { rounds } = {}) => {
      looks.push(rounds!);
      return jobs.map(({ commands: [first] }) => {
        const { variant } = first!.pipeline;
        const plain = variant.name === 'plain';
        const noise = rounds === 1 ? 1.3 : 1.01; // one look may be far out, a median of five not
        const median = (plain ? 1 : 1.02) * noise * ((first as Command).op.kernel.name === 'matmul' && plain ? 0.8 : 1);
        return { median, best: median, idle: median, first: median };
      });
    },
  });
  assert.ok(looks.includes(1) && looks.includes(5), 'a look at all, then a race');
  for (const [key, name] of variants) {
    if (key.startsWith('matmul')) assert.is(name, 'plain', key);
    if (key.startsWith('conv ')) assert.is.not(name, 'plain', `${key}: 2 % are less than what counts`);
  }
});

test('where the device is lost it says what was timed', async () => {
  const clock: TunerOptions['time'] = async bench => {
    bench.gpu.destroy();
    await bench.gpu.lost;
    bench.check();
    return [];
  };
  const error = await run('lost', { clock }).catch((e: Error) => e);
  assert.match((error as Error).message, /^device lost on .+\) while \w+ was timed by its variants .*plain.*$/);
});

test('what was found is kept as it goes, and a run that was stopped midway goes on from there', async () => {
  rmSync(file);
  const kept = () => (existsSync(file) ? Object.keys(stored()[Object.keys(stored())[0]!]!).length : 0);
  const seen: number[] = [];
  let looks = 0;
  const clock: TunerOptions['time'] = async (bench, jobs, { rounds } = {}) => {
    if (rounds === 1 && ++looks < 4) {
      seen.push(kept());
      if (looks === 1) await sleep(1100); // as a call that takes long
    }
    if (looks === 4) {
      bench.gpu.destroy();
      await bench.gpu.lost;
      bench.check();
    }
    return jobs.map(() => ({ median: 1, best: 1, idle: 1, first: 1 }));
  };
  const error = await run('midway', { clock }).catch((e: Error) => e);
  assert.match((error as Error).message, /^device lost/);
  assert.equal(seen.slice(0, 2), [0, 1]);
  assert.is(kept(), 3);
  const { timed, choices } = await run('midway');
  assert.is(timed, choices - 3);
});

/** The kernels of a convolution and the batch norm behind it on a GPU, tuned by a clock that knows what each kernel takes. */
async function tunedConv(costs: Readonly<Record<string, number>>) {
  const device = await Device.open(await openAdapter(), { lanes: 0, subgroups: false });
  const costOf = ({ op, pipeline }: Command) => costs[op.kernel.name] ?? (pipeline.variant.name === 'plain' ? 9 : 1);
  device.tuner = new Tuner({
    version: 'apart',
    time: async (_, jobs) =>
      jobs.map(({ commands }) => {
        const median = (commands as Command[]).reduce((ms, command) => ms + costOf(command), 0);
        return { median, best: median, idle: median, first: median };
      }),
  });
  const memory = new Memory(device);
  const compiled = async () => {
    const g = new Graph({ training: true, profile: device.profile });
    const x = g.persistent('input', 'x', [1, 16, 16, 16]);
    const y = sequential([conv2d(16, 3, { pad: 1 }), batchNorm()])(g, x);
    g.kept.add(y);
    memory.reserve(g);
    return (await Program.compile(memory, g)).commands.map(c => c.op.kernel.name);
  };
  const kernels = await compiled();
  const again = await compiled();
  device.close();
  assert.equal(again, kernels, 'what was found does not change what is fused');
  return kernels;
}

test('what a convolution cannot record itself counts with the way that is taken for it', async () => {
  const winograd = { winograd_weight: 0.1, winograd_input: 0.1, matmul: 0.1, winograd_output: 0.1 };
  const [stages, rest] = [['winograd_weight', 'winograd_input', 'matmul', 'winograd_output', 'moments'], ['batch_norm']];
  assert.equal(await tunedConv({ ...winograd, moments: 0.1 }), [...stages, ...rest]);
  assert.equal(await tunedConv({ ...winograd, moments: 0.7 }), ['conv', ...rest], 'the pass takes what the stages save');
  assert.equal(await tunedConv({ ...winograd, matmul: 0.8, moments: 0.1 }), ['conv', ...rest], 'so does a stage');
});

test('a software adapter is tuned only when that is asked for, none against --no-tune', async () => {
  for (const [tune, tunes] of [
    [undefined, undefined],
    [true, true],
    [false, false],
  ] as const) {
    const device = await openDevice({ tune });
    assert.is(device.tuner !== undefined, tunes ?? !device.report.software);
    device.close();
  }
});

test.run();
