/** `descent bench peers`: this engine's step beside what a user would take instead. */
import { milliseconds } from '../../bench/milliseconds.ts';
import { ours } from '../../bench/ours.ts';
import { compare, type Row } from '../../bench/peers/compare.ts';
import { NETWORKS } from '../../bench/peers/networks.ts';
import type { Peer } from '../../bench/peers/process.ts';
import { PEER_NAMES, startPeer, unavailable, type PeerName, type PeerOptions } from '../../bench/peers/run.ts';
import { check, lookUp } from '../../engine/check.ts';
import type { Device } from '../../engine/device.ts';
import { parseNumber } from '../../engine/spec.ts';
import { messageOf } from '../flags.ts';
import { openDevice } from '../run/device.ts';
import { onInterrupt } from '../run/interrupt.ts';
import { print, table } from '../output.ts';
import { result, type BenchOptions } from './result.ts';

export interface PeersOptions extends BenchOptions {
  /** Names of peers with commas; all where it is absent. */
  peers?: string;
  rounds?: string;
}

/** Times each network in interleaved rounds on one adapter. */
export async function peers(models: readonly string[], options: PeersOptions): Promise<void> {
  checkPeers('bench peers');
  const names = models.length ? models : Object.keys(NETWORKS);
  for (const name of names) lookUp('network of the peers', name, NETWORKS);
  const wanted = namesIn(options.peers, PEER_NAMES);
  const rounds = parseNumber('--rounds', options.rounds ?? '5', { integer: true, min: 1 });
  if (options.adapter) process.env.DESCENT_ADAPTER = options.adapter; // the peers run in processes of their own
  const device = await openDevice(options);
  const results: Record<string, readonly Row[]> = {};
  const missing: Record<string, string> = {};
  const tell = telling(options, device, 'peers', { timed: results, missing });
  onInterrupt(tell);
  const say = (line: string) => {
    if (!options.json) print(line);
  };
  try {
    for (const name of names) {
      const own = await ours(device, name, undefined, options.dataDir);
      const started: Peer[] = [];
      try {
        for (const peer of wanted) {
          const why = await start(peer, name, started, { say });
          if (why) missing[peer] = why;
        }
        const wait = device.report.software ? 'step' : 'share';
        const onRound = (rows: readonly Row[]) => (results[name] = rows);
        const rows = await compare([own, ...started], { rounds, wait, onRound });
        say(`\n${name}, batch ${NETWORKS[name]!.batch}, on ${device.report.description}`);
        say(peerTable(rows, started, own.first));
      } finally {
        own.close();
        for (const peer of started) await peer.close();
      }
    }
  } finally {
    tell(); // where a peer or the device died too
  }
  device.close();
}

/** Those of `all` that a list with commas names, all of them without it. */
export function namesIn<T extends string>(list: string | undefined, all: readonly T[]): readonly T[] {
  const known: Readonly<Record<string, T>> = Object.fromEntries(all.map(name => [name, name]));
  return list?.split(',').map(name => lookUp('peer', name, known)) ?? all;
}

/** Throws where the peers' programs are not. Whoever starts them calls `onInterrupt`, with which signals end this process by an exit, and them too. */
export function checkPeers(command: string): void {
  check(import.meta.url.endsWith('.ts'), `${command}: their programs are in a checkout of Descent alone`, 'run it there');
}

interface SoFar {
  /** Of each net, what complete rounds have filled in. */
  readonly timed: Readonly<Record<string, unknown>>;
  /** What was left out, and why. */
  readonly missing: Readonly<Record<string, string>>;
}

/**
 * Says what was left out, and gives what was timed as results called `name`, with what else is given at the call: once, at the end or where a
 * signal comes before it.
 */
export function telling(options: BenchOptions, device: Device, name: string, { timed, missing }: SoFar): (more?: object) => void {
  let isTold = false;
  return more => {
    if (isTold) return;
    isTold = true;
    if (!options.json) for (const [what, why] of Object.entries(missing)) print(`${what} was left out: ${why}`);
    if (Object.keys(timed).length) result(options, device, { [name]: timed, missing, ...more });
  };
}

/** Starts a peer and adds it to `started`, or says why it cannot. */
export async function start(peer: PeerName, network: string, started: Peer[], options: PeerOptions): Promise<string | undefined> {
  const why = await unavailable(peer);
  if (why) return why;
  try {
    started.push(await startPeer(peer, network, options));
  } catch (error) {
    return messageOf(error);
  }
}

function peerTable(rows: readonly Row[], started: readonly Peer[], ownFirst: number): string {
  const cells = rows.map(r => {
    const peer = started.find(p => p.name === r.name);
    return [
      r.name,
      peer?.version ?? '',
      milliseconds(r.median, 2),
      milliseconds(r.best, 2),
      String(r.steps),
      r.ratio.toFixed(2),
      (peer?.first ?? ownFirst).toFixed(0),
    ];
  });
  return table([['trainer', 'version', 'ms a step', 'best', 'steps', 'against descent', 'first step ms'], ...cells]);
}
