/** What `descent bench kernels`, `peers`, `inference`, `scaling` and `step --trace` write, as tables for the documentation. */
import { check, lookUp } from '../engine/check.ts';
import type { KernelResult } from './kernels.ts';
import { AXES, verdicts, type ScalingRow } from './scaling.ts';
import type { DispatchResult } from './step.ts';
import type { Ceiling } from './ceiling.ts';
import type { Row } from './peers/compare.ts';
import { NETWORKS } from './peers/networks.ts';

/** What files of results hold; each has one of the first five. */
export interface Results {
  readonly kernels?: readonly KernelResult[];
  readonly peers?: Readonly<Record<string, readonly Row[]>>;
  readonly inference?: Readonly<Record<string, Readonly<Record<string, readonly Row[]>>>>;
  readonly scaling?: Readonly<Record<string, readonly ScalingRow[]>>;
  /** Of `bench step`: each dispatch. */
  readonly trace?: readonly DispatchResult[];
  /** Of `bench kernels` and of a trace: what the adapter can do. */
  readonly ceiling?: Ceiling;
  /** What was left out, and why. */
  readonly missing?: Readonly<Record<string, string>>;
}

const NAMES: Readonly<Record<string, string>> = {
  descent: 'Descent',
  'jax-js': 'jax-js WebGPU',
  'tfjs-webgpu': 'TensorFlow.js WebGPU',
  'tfjs-wasm': 'TensorFlow.js wasm',
  'pytorch-cpu': 'PyTorch, native CPU code',
  'pytorch-cuda': 'PyTorch, CUDA',
  'pytorch-cuda-amp': 'PyTorch, CUDA, autocast',
  'ort-wasm': 'ONNX Runtime wasm',
  'ort-webgpu': 'ONNX Runtime WebGPU, kernels in C++',
  'ort-webgpu-js': 'ONNX Runtime WebGPU, kernels in JavaScript',
  lenet5: 'LeNet-5',
  'vgg-small': 'VGG-style 32-32-P-64-64-P-256-10',
  resnet20: 'ResNet-20',
  resnet: 'ResNet',
};
const nameOf = (name: string): string => NAMES[name] ?? name;

/** Two digits at least: `0.031`, `8.8`, `83`, `1,238`. */
const ms = (n: number): string => (n < 10 ? String(Number(n.toPrecision(2))) : Math.round(n).toLocaleString('en-US'));
const times = (ratio: number): string => `${ratio < 20 ? ratio.toFixed(ratio < 0.95 ? 2 : 1) : ratio.toFixed(0)}x`;
const mebi = (bytes: number): string => ms(bytes / 2 ** 20);

const tableOf = (rows: readonly (readonly string[])[]): string => {
  const lines = rows.map(cells => `| ${cells.join(' | ')} |`);
  return [lines[0], `|${' --- |'.repeat(rows[0]!.length)}`, ...lines.slice(1)].join('\n');
};

const unique = (names: readonly string[]): string[] => [...new Set(names)];

/** A line for each net and batch, a column for each program. */
function beside(first: string, lines: readonly { readonly title: string; readonly rows: readonly Row[] }[]): string {
  const programs = unique(lines.flatMap(({ rows }) => rows.map(row => row.name)));
  const cells = lines.map(({ title, rows }) => [
    title,
    ...programs.map(name => {
      const row = rows.find(r => r.name === name);
      if (!row) return '-';
      return row === rows[0] ? ms(row.median) : `${ms(row.median)} (${times(row.ratio)})`;
    }),
  ]);
  return tableOf([[first, ...programs.map(nameOf)], ...cells]);
}

/** The points of an axis, with the time of an image in each program, and what is said of that. */
function growth(name: string, rows: readonly ScalingRow[]): string {
  const axis = lookUp('axis', name, AXES);
  const peers = unique(rows.flatMap(row => Object.keys(row.peers ?? {})));
  const head = ['net', axis.label, 'ms an image', 'activations MiB', 'device MiB'];
  const lines = rows.map(row => [
    nameOf(row.model),
    row.at.toLocaleString('en-US'),
    ms(row.perImage),
    mebi(row.activations),
    mebi(row.device),
    ...peers.flatMap(peer => {
      const cost = row.peers?.[peer];
      return cost ? [`${ms(cost.ms / row.batch)} (${times(cost.ratio)})`, mebi(cost.peak)] : ['-', '-'];
    }),
  ]);
  const table = tableOf([[...head, ...peers.flatMap(peer => [`${nameOf(peer)}: ms an image`, 'its process MiB'])], ...lines]);
  const said = verdicts(axis, rows, nameOf).map(line => `${line}.`);
  return [table, ...(said.length ? ['', ...said] : [])].join('\n');
}

/** Kernels that take less than this share of a step are told together. */
const SMALL = 0.02;

/** Where the time of a step goes, by kernel and pass: the heavy ones with what they reach of what the adapter can do. */
function byKernel(trace: readonly DispatchResult[], ceiling: Ceiling | undefined): string {
  const all = trace.reduce((sum, t) => sum + t.ms, 0);
  const of = new Map<string, DispatchResult[]>();
  for (const t of trace) {
    const key = `\`${t.kernel}\` ${t.variant}, ${t.pass}`;
    of.set(key, [...(of.get(key) ?? []), t]);
  }
  const groups = Array.from(of, ([kernel, some]) => {
    const time = some.reduce((sum, t) => sum + t.ms, 0);
    return { kernel, n: some.length, time, gflops: some.reduce((sum, t) => sum + t.ms * t.gflops, 0) / time };
  }).sort((a, b) => b.time - a.time);
  const heavy = groups.filter(({ time }) => time >= SMALL * all);
  const small = groups.filter(({ time }) => time < SMALL * all);
  const line = (kernel: string, n: number, time: number, reached: readonly string[]) => {
    return [kernel, String(n), ms(time), `${((100 * time) / all).toFixed(0)} %`, ...reached];
  };
  const peak = ceiling?.gflopPerSecond;
  const lines = heavy.map(({ kernel, n, time, gflops }) =>
    line(kernel, n, time, [gflops ? gflops.toFixed(0) : '-', gflops && peak ? `${((100 * gflops) / peak).toFixed(0)} %` : '-']),
  );
  const rest = line(
    'others',
    small.reduce((sum, { n }) => sum + n, 0),
    small.reduce((sum, { time }) => sum + time, 0),
    ['-', '-'],
  );
  return tableOf([
    ['kernel, pass', 'calls', 'ms', 'of the step', 'GFLOP/s', 'of multiply-adds alone'],
    ...lines,
    ...(small.length ? [rest] : []),
  ]);
}

const share = (of: number): string => `${(100 * of).toFixed(0)} %`;

/** Kernels at the shapes of the zoo, and what they reach of what the adapter can do. */
function ofKernels(results: readonly KernelResult[]): string {
  const hasAvx2 = results.some(r => r.ofAvx2 !== undefined);
  const head = ['kernel', 'shape', 'ms', 'GFLOP/s', 'of multiply-adds alone', ...(hasAvx2 ? ['of AVX2'] : []), 'GB/s', 'of a copy'];
  const lines = results.map(({ kernel, variant, shape, ms: time, gflops, gbs, ofFma, ofCopy, ofAvx2 }) => [
    `\`${kernel}\` ${variant}`,
    shape,
    ms(time),
    gflops.toFixed(1),
    share(ofFma),
    ...(hasAvx2 ? [ofAvx2 === undefined ? '-' : share(ofAvx2)] : []),
    gbs.toFixed(1),
    share(ofCopy),
  ]);
  return tableOf([head, ...lines]);
}

/** The tables of a file of results, in Markdown. Throws where it holds none that is made a table of. */
export function tablesOf(results: Results): string {
  const { kernels, peers = {}, inference = {}, scaling = {}, trace, ceiling, missing = {} } = results;
  check(
    [kernels, results.peers, results.inference, results.scaling, trace].some(Boolean),
    'there are no results of bench kernels, peers, inference, scaling or a traced step in it',
    'give a file that one of them wrote',
  );
  const steps = Object.entries(peers).map(([net, rows]) => ({ title: `${nameOf(net)}, ${NETWORKS[net]?.batch ?? '?'}`, rows }));
  const answers = Object.entries(inference).flatMap(([net, batches]) =>
    Object.entries(batches).map(([batch, rows]) => ({ title: `${nameOf(net)}, ${batch}`, rows })),
  );
  return [
    ...(kernels ? [ofKernels(kernels)] : []),
    ...(steps.length ? [beside('net, batch', steps)] : []),
    ...(answers.length ? [beside('net, images at once', answers)] : []),
    ...Object.entries(scaling).map(([name, rows]) => growth(name, rows)),
    ...(trace ? [byKernel(trace, ceiling)] : []),
    ...Object.entries(missing).map(([what, why]) => `Left out: ${what}: ${why}.`),
  ].join('\n\n');
}
