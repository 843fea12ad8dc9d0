/** What the ranks of a job must have in common, and where each computes. */
import { hostname } from 'node:os';
import { bytesOf, type Dataset, type Split } from '../../datasets/dataset.ts';
import { sha256 } from '../../datasets/node/sha256.ts';
import { check, named, say, type Message } from '../../engine/check.ts';
import { listAdapters } from '../../engine/node/adapters.ts';
import type { RunConfig } from '../../train/config/config.ts';
import { KEYS } from '../../train/config/options.ts';
import { note } from '../output.ts';
import { commit, version } from '../version.ts';
import type { Job } from './job.ts';

/** Version and commit of this build. */
const here = (): string => [version(), commit()].filter(Boolean).join(' ');

/** Throws unless all ranks run one version with one configuration. */
export async function agree({ exchange }: Pick<Job, 'exchange'>, config: RunConfig, release = here()): Promise<void> {
  const own = { version: release, config };
  const all = (await exchange.texts(JSON.stringify(own))).map(text => JSON.parse(text) as typeof own);
  const [first] = all;
  for (const [rank, { version, config }] of all.entries()) {
    check(
      version === first!.version,
      `rank ${rank} runs Descent ${version}, rank 0 ${first!.version}`,
      'install one version on all machines',
    );
    const keys = ['model', ...KEYS] as (keyof RunConfig)[];
    const other = keys.find(key => config[key] !== first!.config[key]);
    const value = (of: RunConfig) => of[other!] ?? 'none';
    const what: Message = other === 'model' ? 'model' : named(other ?? '');
    check(
      other === undefined,
      say`${what}: rank ${rank} has ${String(other && value(config))}, rank 0 ${String(other && value(first!.config))}`,
      'start all ranks with the same options',
    );
  }
}

/** How many images of a split that stays on disk are compared: reading all of them at each start would take minutes. */
const COMPARED = 1000;

/** The values by which ranks tell whether they have the same images: all, or those of images spread evenly where they stay on disk. */
async function comparedOf({ images, stored, n }: Split): Promise<Uint8Array> {
  if (!stored) return bytesOf(images);
  const count = Math.min(n, COMPARED);
  return bytesOf(await stored.read(Uint32Array.from({ length: count }, (_, i) => Math.floor((i * n) / count))));
}

/** Throws unless all ranks have the same images and labels, or numbers to predict. */
export async function agreeOnData({ exchange }: Pick<Job, 'exchange'>, dataset: Dataset): Promise<void> {
  const { shape, classes, outputs, inputs, train, test } = dataset;
  const parts = await Promise.all(
    [train, test].map(async split => {
      const { n, labels, targets = new Float32Array() } = split;
      return [String(n), await comparedOf(split), new Uint8Array(labels.slice().buffer), bytesOf(targets)];
    }),
  );
  const all = await exchange.texts(sha256(JSON.stringify([shape, classes, outputs, inputs]), ...parts.flat()));
  const other = all.findIndex(digest => digest !== all[0]);
  check(
    other < 0,
    say`${named('dataset', dataset.name)}: the images of rank ${other} are not those of rank 0`,
    'fetch them again where they differ (descent data verify)',
    'limit both alike',
  );
}

/** By which a rank is shown one of a machine's GPUs, by itself or by its launcher. */
const SHOWN = ['MESA_VK_DEVICE_SELECT', 'CUDA_VISIBLE_DEVICES', 'NVIDIA_VISIBLE_DEVICES'];

/** The device of this rank: another rank's is the same where this is the same. */
const deviceOf = (adapter: string): string =>
  JSON.stringify([hostname(), adapter, ...SHOWN.map(name => process.env[name] ?? ''), gpusPerTask() ? process.env.SLURM_LOCALID : '']);

/** Whether Slurm gives each rank GPUs of its own. */
const gpusPerTask = (): boolean => process.env.SLURM_GPUS_PER_TASK !== undefined;

/** Where each rank computes, said once; a warning where two share a GPU. */
export async function introduce({ exchange, isFirst, library }: Job, adapter: string, isSoftware: boolean, quiet: boolean): Promise<void> {
  const place = { host: hostname(), adapter, isSoftware, device: deviceOf(adapter) };
  const all = (await exchange.texts(JSON.stringify(place))).map(text => JSON.parse(text) as typeof place);
  if (!isFirst) return;
  if (!quiet && library !== undefined) {
    note(`${exchange.size} ranks over ${library}`);
    for (const [rank, { host, adapter }] of all.entries()) note(`rank ${rank} on ${host}: ${adapter}`);
  }
  const same = (a: typeof place) => all.findIndex(b => b.device === a.device);
  const shared = all.findIndex((p, rank) => !p.isSoftware && same(p) < rank);
  if (shared < 0) return;
  const { host, adapter: gpu } = all[shared]!;
  note(
    `ranks ${same(all[shared]!)} and ${shared} share ${gpu} of ${host}; start one rank a GPU, or show each its own (docs/distributed.md)`,
  );
}

/** The adapter of a rank: where a machine has several GPUs and ranks, each takes the next. Undefined is the usual one. */
export async function adapterIn({ local }: Job): Promise<string | undefined> {
  if (local.size === 1) return undefined;
  const gpus = [...(await listAdapters()).entries()].filter(([, { kind }]) => kind === 'hardware');
  return gpus.length > 1 ? String(gpus[local.rank % gpus.length]![0]) : undefined;
}
