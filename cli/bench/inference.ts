/** `descent bench inference`: answers of this engine beside those of ONNX Runtime for the web. */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { answering, difference, exported, SAME } from '../../bench/inference.ts';
import { milliseconds } from '../../bench/milliseconds.ts';
import { compare, type Row } from '../../bench/peers/compare.ts';
import { largestBatch, network, NETWORKS } from '../../bench/peers/networks.ts';
import type { Peer } from '../../bench/peers/process.ts';
import { ANSWERING_NAMES, startAnswering, type AnsweringName } from '../../bench/peers/run.ts';
import type { Device } from '../../engine/device.ts';
import { COUNT } from '../../engine/range.ts';
import { parseNumber } from '../../engine/spec.ts';
import { writeWhole } from '../../train/run/node/files.ts';
import { messageOf } from '../flags.ts';
import { openDevice } from '../run/device.ts';
import { onInterrupt } from '../run/interrupt.ts';
import { print, table } from '../output.ts';
import { checkPeers, namesIn, telling } from './peers.ts';
import type { BenchOptions } from './result.ts';

export interface InferenceOptions extends BenchOptions {
  /** Names of peers with commas; all where it is absent. */
  peers?: string;
  /** Numbers of images that are asked about at once, with commas. */
  batches: string;
  rounds: string;
}

/** `difference` is the largest of the logits, as a share of the largest logit; `first` milliseconds to the first answer. */
interface AnswerRow extends Row {
  readonly version?: string;
  readonly first: number;
  readonly difference: number;
}

/** Times each net in interleaved rounds at each batch on one adapter, after the answers were compared. */
export async function inference(models: readonly string[], options: InferenceOptions): Promise<void> {
  checkPeers('bench inference');
  const names = models.length ? models : Object.keys(NETWORKS);
  const max = Math.min(...names.map(name => largestBatch(network(name))));
  const wanted = namesIn(options.peers, ANSWERING_NAMES);
  const batches = options.batches.split(',').map(text => parseNumber('--batches', text, { ...COUNT, max }));
  const rounds = parseNumber('--rounds', options.rounds, COUNT);
  if (options.adapter) process.env.DESCENT_ADAPTER = options.adapter; // the peers run in processes of their own
  const device = await openDevice(options);
  const folder = mkdtempSync(join(tmpdir(), 'descent-inference-'));
  const say = (line: string) => {
    if (!options.json) print(line);
  };
  const results: Record<string, Record<number, readonly AnswerRow[]>> = {};
  const missing: Record<string, string> = {};
  const tell = telling(options, device, 'inference', { timed: results, missing });
  const end = () => {
    rmSync(folder, { recursive: true, force: true });
    tell();
  };
  onInterrupt(end);
  try {
    for (const name of names) {
      const bytes = await exported(name);
      const file = join(folder, `${name}.onnx`);
      writeWhole(file, bytes);
      for (const batch of batches) {
        const onRound = (rows: readonly AnswerRow[]) => ((results[name] ??= {})[batch] = rows);
        const rows = await beside(device, { name, bytes, file, batch }, { wanted, rounds, missing, onRound });
        say(`\n${name}, ${batch === 1 ? 'one image' : `${batch} images`} at a time, on ${device.report.description}`);
        say(answerTable(rows));
      }
    }
  } finally {
    end(); // where the device died too
  }
  device.close();
}

interface Net {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly file: string;
  readonly batch: number;
}

interface Beside {
  readonly wanted: readonly AnsweringName[];
  readonly rounds: number;
  /** What was left out, and why. */
  readonly missing: Record<string, string>;
  readonly onRound: (rows: readonly AnswerRow[]) => void;
}

interface Started {
  readonly peer: Peer;
  readonly difference: number;
}

/** Starts a peer whose answers are `logits` too and adds it to `started`, or says why it is left out. */
async function begin(name: AnsweringName, net: Net, logits: Float32Array, started: Started[]): Promise<string | undefined> {
  const { file, batch } = net;
  try {
    const peer = await startAnswering(name, net.name, { file, shape: network(net.name).shape, batch, threads: availableParallelism() });
    const apart = difference(logits, peer.ready.logits!);
    if (apart <= SAME) {
      started.push({ peer, difference: apart });
      return undefined;
    }
    await peer.close();
    return `its answers are off by ${apart.toPrecision(2)} of the largest`;
  } catch (error) {
    return messageOf(error);
  }
}

async function beside(device: Device, net: Net, { wanted, rounds, missing, onRound }: Beside): Promise<AnswerRow[]> {
  const own = await answering(device, net.bytes, network(net.name), net.batch);
  const started: Started[] = [];
  try {
    for (const name of wanted) {
      const why = await begin(name, net, own.logits, started);
      if (why) missing[`${name} on ${net.name}, batch ${net.batch}`] = why;
    }
    const answered = (rows: readonly Row[]) =>
      rows.map((row, i) => {
        const other = started[i - 1];
        return { ...row, version: other?.peer.version, first: (other?.peer ?? own).first, difference: other?.difference ?? 0 };
      });
    const runners = [own, ...started.map(({ peer }) => peer)];
    return answered(await compare(runners, { rounds, onRound: rows => onRound(answered(rows)) }));
  } finally {
    own.close();
    for (const { peer } of started) await peer.close();
  }
}

function answerTable(rows: readonly AnswerRow[]): string {
  const cells = rows.map(r => [
    r.name,
    r.version ?? '',
    milliseconds(r.median, 2),
    milliseconds(r.best, 2),
    String(r.steps),
    r.ratio.toFixed(2),
    r.difference ? r.difference.toExponential(1) : '-',
    r.first.toFixed(0),
  ]);
  return table([['runtime', 'version', 'ms an answer', 'best', 'answers', 'against descent', 'difference', 'first answer ms'], ...cells]);
}
