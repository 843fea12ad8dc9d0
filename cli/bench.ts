/** `descent bench kernels|step|peers|scaling`. */
import { benchKernels } from '../bench/kernels.ts';
import { measureCeiling } from '../bench/ceiling.ts';
import { ours } from '../bench/ours.ts';
import { compare, type Row } from '../bench/peers/compare.ts';
import { NETWORKS } from '../bench/peers/networks.ts';
import { PEER_NAMES, startPeer, unavailable, type Peer, type PeerName } from '../bench/peers/run.ts';
import { processor, processorPeak } from '../bench/processor.ts';
import { AXES, scale, type ScalingRow } from '../bench/scaling.ts';
import { benchStep, chromeTrace, traceStep } from '../bench/step.ts';
import { openDataset } from '../datasets/node/open.ts';
import type { Device } from '../engine/device.ts';
import { megabytes } from '../engine/plan.ts';
import { lookUp } from '../engine/check.ts';
import { parseConfig } from '../train/config.ts';
import { openTrainer } from '../train/open.ts';
import { parseNumber } from '../train/spec.ts';
import { writeWhole } from '../train/node/files.ts';
import { commit, openDevice, version, webgpuVersion, type DeviceOptions } from './device.ts';
import { firstSteps, type FirstStep } from './first-step.ts';
import { loadOwnModel } from './own-model.ts';
import { count, percent, print, table } from './output.ts';
import { openSession } from './session.ts';

export interface BenchOptions extends DeviceOptions {
  dataDir?: string;
  out?: string;
  filter?: string;
  variants?: boolean;
  batchSize?: string;
  optimizer?: string;
  precision?: string;
  checkpointActivations?: boolean;
  dataset?: string;
  trace?: string | boolean;
  start?: boolean;
  first?: boolean;
  picture?: string;
  peers?: string;
  rounds?: string;
}

/** What every result file says of where it was measured. */
function facts(device: Device): Record<string, unknown> {
  return {
    descent: version(),
    webgpu: webgpuVersion(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    adapter: device.report,
    commit: commit(),
  };
}

function result(options: BenchOptions, device: Device, data: Record<string, unknown>): void {
  const text = JSON.stringify({ ...facts(device), ...data }, undefined, options.json ? undefined : 2);
  if (options.json) print(text);
  if (options.out) {
    writeWhole(options.out, `${text}\n`);
    if (!options.json && !options.quiet) print(`written to ${options.out}`);
  }
}

export async function kernels(options: BenchOptions): Promise<void> {
  const device = await openDevice({ ...options, tune: false });
  const ceiling = await measureCeiling(device, { processor, peak: processorPeak });
  const results = await benchKernels(device, ceiling, { filter: options.filter, all: options.variants, processor });
  if (!options.json) {
    print(
      `${device.report.description}: copy ${ceiling.gbPerSecond.toFixed(1)} GB/s, multiply-add ${ceiling.gflopPerSecond.toFixed(1)} GFLOP/s`
        + `${ceiling.avx2 ? `, AVX2 FMA of this processor ${ceiling.avx2.toFixed(1)} GFLOP/s` : ''}, all measured now`,
    );
    print(
      table([
        [
          'kernel',
          'variant',
          'shape',
          'ms',
          'GFLOP/s',
          'of FMA',
          ...(ceiling.avx2 ? ['of AVX2'] : []),
          'GB/s',
          'of copy',
        ],
        ...results.map(r => [
          r.kernel,
          r.variant,
          r.shape,
          r.ms.toFixed(3),
          r.gflops.toFixed(1),
          percent(r.ofFma),
          ...(ceiling.avx2 ? [percent(r.ofAvx2!)] : []),
          r.gbs.toFixed(1),
          percent(r.ofCopy),
        ]),
      ]),
    );
  }
  result(options, device, { ceiling, kernels: results });
  device.close();
}

export async function step(model: string, options: BenchOptions): Promise<void> {
  const start = performance.now();
  await loadOwnModel(model);
  const { dataset: name, batchSize, optimizer, precision, checkpointActivations } = options;
  const config = parseConfig(model, {
    dataset: name,
    batchSize,
    optimizer,
    precision,
    checkpointActivations,
    valSplit: '0',
  });
  const dataset = openDataset(config.dataset, { dataDir: options.dataDir, quiet: true });
  const session = await openSession(config, dataset, options);
  const { trainer } = session;
  await trainer.step();
  await trainer.settle();
  const firstStep = performance.now() - start;
  if (options.first) {
    const { user, system } = process.cpuUsage();
    print(
      JSON.stringify({ total: performance.now(), modules: start, cpu: (user + system) / 1000 } satisfies FirstStep),
    );
    return session.close();
  }
  const r = await benchStep(trainer, config.batchSize, { processor });
  const given = (
    ['adapter', 'dataDir', 'dataset', 'batchSize', 'optimizer', 'precision', 'checkpointActivations'] as const
  ).flatMap(key =>
    options[key] === undefined
      ? []
      : [
          `--${key.replace(/[A-Z]/g, c => `-${c.toLowerCase()}`)}`,
          ...(options[key] === true ? [] : [String(options[key])]),
        ],
  );
  const starts = options.start
    ? await firstSteps([
        'bench',
        'step',
        model,
        ...given,
        ...(options.tune === undefined ? [] : [options.tune ? '--tune' : '--no-tune']),
        '--quiet',
        '--first',
      ])
    : undefined;
  const trace = options.trace === undefined ? undefined : await traceStep(trainer, { processor });
  if (!options.json) {
    print(session.title);
    print(
      table([
        ['images/s', 'ms a step', 'best', 'idle', 'dispatches', 'submits', 'pipelines', 'first step ms'],
        [
          count(Math.round(r.imagesPerSecond)),
          r.ms.toFixed(2),
          r.best.toFixed(2),
          r.idle.toFixed(2),
          String(r.dispatches),
          String(r.submits),
          String(r.pipelines),
          firstStep.toFixed(0),
        ],
      ]),
    );
    print(
      `activations ${megabytes(r.activations)} (alive at once ${megabytes(r.bound)}, without reuse ${megabytes(r.withoutReuse)}${r.unchecked === undefined ? '' : `, without checkpointing ${megabytes(r.unchecked)}`}); peak of all device memory ${megabytes(r.device)}`,
    );
    if (starts) {
      print(
        table([
          ['first step from the start of the process', 'ms', 'Node and modules', 'processor ms'],
          ...Object.entries(starts).map(([name, s]) => [
            name === 'cold' ? 'with an empty shader cache' : 'with the cache that it left',
            s.total.toFixed(0),
            s.modules.toFixed(0),
            s.cpu.toFixed(0),
          ]),
        ]),
      );
    }
    if (trace) {
      print(
        table([
          ['layer', 'kernel', 'variant', 'ms', 'GFLOP/s'],
          ...trace.map(t => [t.node, t.kernel, t.variant, t.ms.toFixed(3), t.gflops ? t.gflops.toFixed(1) : '-']),
        ]),
      );
    }
  }
  if (trace && typeof options.trace === 'string') {
    writeWhole(options.trace, chromeTrace(trace));
    if (!options.json && !options.quiet) print(`trace written to ${options.trace}`);
  }
  result(options, trainer.device, {
    model,
    batch: config.batchSize,
    optimizer: config.optimizer,
    precision: config.precision,
    checkpointActivations: config.checkpointActivations,
    firstStepMs: firstStep,
    ...(starts && { firstStep: starts }),
    step: r,
    ...(trace && { trace }),
  });
  session.close();
}

/** Times steps over growing batches and growing depth; with `out` also a picture. */
export async function scaling(axis: string | undefined, options: BenchOptions): Promise<void> {
  const axes = axis === undefined ? Object.keys(AXES) : [axis];
  const device = await openDevice(options);
  const results: Record<string, ScalingRow[]> = {};
  for (const axis of axes) {
    const points = lookUp('axis', axis, AXES);
    const rows: ScalingRow[] = (results[axis] = []);
    for (const point of points) {
      const config = parseConfig(point.model, {
        dataset: point.model === 'lenet5' ? 'fashion-mnist' : 'cifar10',
        batchSize: String(point.batch),
        optimizer: 'momentum',
        valSplit: '0',
      });
      const { trainer } = await openTrainer(
        config,
        await openDataset(config.dataset, { dataDir: options.dataDir, quiet: true, limitTrain: 1000, limitTest: 100 }),
        device,
      );
      await trainer.step();
      await trainer.settle();
      rows.push(await scale(trainer, point, { processor }));
      trainer.destroy();
    }
    if (!options.json) {
      print(`${axis} on ${device.report.description}`);
      print(
        table([
          [
            'model',
            'batch',
            'parameters',
            'dispatches',
            'ms a step',
            'idle',
            'ms an image',
            'images/s',
            'activations MiB',
            'alive at once',
            'device MiB',
          ],
          ...rows.map(r => [
            r.model,
            String(r.batch),
            count(r.parameters),
            String(r.dispatches),
            r.ms.toFixed(2),
            r.idle.toFixed(2),
            r.perImage.toFixed(3),
            count(Math.round(r.imagesPerSecond)),
            mebi(r.activations),
            mebi(r.bound),
            mebi(r.device),
          ]),
        ]),
      );
    }
  }
  if (options.picture) await drawScaling(options.picture, results, device.report.description);
  result(options, device, { scaling: results });
  device.close();
}

const mebi = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

async function drawScaling(
  path: string,
  results: Readonly<Record<string, readonly ScalingRow[]>>,
  adapter: string,
): Promise<void> {
  const [{ draw }, { writePicture }] = await Promise.all([import('../plots/chart.ts'), import('../plots/node.ts')]);
  const panels = Object.entries(results).flatMap(([axis, rows]) => {
    const x = axis === 'batch' ? { label: 'images a batch', log: 2 } : { label: 'layers' };
    const at = (r: ScalingRow) => (axis === 'batch' ? r.batch : Number(/\d+$/.exec(r.model)![0]));
    const names = axis === 'batch' ? [...new Set(rows.map(r => r.model))] : ['resnet, batch 32'];
    const of = (name: string) => rows.filter(r => axis !== 'batch' || r.model === name);
    return (
      [
        ['Time of an image', 'ms', (r: ScalingRow) => r.perImage],
        ['Activations', 'MiB', (r: ScalingRow) => r.activations / 2 ** 20],
      ] as const
    ).map(([title, label, y]) => ({
      kind: 'line' as const,
      title,
      x,
      y: { label, min: 0 },
      series: names.map(name => ({ name, dots: true, points: of(name).map(r => [at(r), y(r)] as const) })),
    }));
  });
  print(
    `picture in ${await writePicture(path, draw(panels, { title: `A training step on ${adapter}`, width: 360, height: 220 }))}`,
  );
}

/** Times this engine's step beside what a user would take instead, in interleaved rounds on one adapter. */
export async function peers(models: readonly string[], options: BenchOptions): Promise<void> {
  const names = models.length ? models : Object.keys(NETWORKS);
  for (const name of names) lookUp('network of the peers', name, NETWORKS);
  const wanted = (options.peers?.split(',') ?? PEER_NAMES).map(
    name => (lookUp('peer', name, Object.fromEntries(PEER_NAMES.map(p => [p, p]))), name as PeerName),
  );
  const rounds = parseNumber('--rounds', options.rounds ?? '5', { integer: true, min: 1 });
  if (options.adapter) process.env.DESCENT_ADAPTER = options.adapter; // the peers run in processes of their own
  const device = await openDevice(options);
  const results: Record<string, readonly Row[]> = {};
  const missing: Record<string, string> = {};
  const started: Peer[] = [];
  for (const name of names) {
    const own = await ours(device, name, undefined, options.dataDir);
    try {
      for (const peer of wanted) {
        const why =
          (await unavailable(peer))
          ?? (await startPeer(peer, name, {
            say: line => {
              if (!options.json) print(line);
            },
          }).then(
            p => void started.push(p),
            (e: Error) => e.message,
          ));
        if (why) missing[peer] = why;
      }
      const rows = (results[name] = await compare([own, ...started], {
        rounds,
        wait: device.report.software ? 'step' : 'share',
      }));
      if (!options.json) {
        print(`\n${name}, batch ${NETWORKS[name]!.batch}, on ${device.report.description}`);
        print(
          table([
            ['trainer', 'version', 'ms a step', 'best', 'steps', 'against descent', 'first step ms'],
            ...rows.map(r => {
              const peer = started.find(p => p.name === r.name);
              return [
                r.name,
                peer?.version ?? '',
                r.median.toFixed(2),
                r.best.toFixed(2),
                String(r.steps),
                r.ratio.toFixed(2),
                (peer?.first ?? own.first).toFixed(0),
              ];
            }),
          ]),
        );
      }
    } finally {
      own.close();
      for (const p of started.splice(0)) await p.close();
    }
  }
  if (!options.json) for (const [peer, why] of Object.entries(missing)) print(`${peer} was left out: ${why}`);
  result(options, device, { peers: results, missing });
  device.close();
}
