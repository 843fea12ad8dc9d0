/** `descent bench scaling`: steps over growing batches, depth, width and images, by themselves or beside the peers. */
import { milliseconds } from '../../bench/milliseconds.ts';
import { runnerOf } from '../../bench/ours.ts';
import { compare } from '../../bench/peers/compare.ts';
import type { Peer } from '../../bench/peers/process.ts';
import { PEER_NAMES, type PeerName } from '../../bench/peers/run.ts';
import { processor } from '../../bench/processor.ts';
import {
  AXES,
  foreseen,
  LONG_STEP,
  LONGEST_STEP,
  openPoint,
  scale,
  verdicts,
  type Axis,
  type PeerCost,
  type Point,
  type ScalingRow,
} from '../../bench/scaling.ts';
import { check, lookUp } from '../../engine/check.ts';
import type { Device } from '../../engine/device.ts';
import { COUNT } from '../../engine/range.ts';
import { parseNumber } from '../../engine/spec.ts';
import type { Panel } from '../../plots/panel.ts';
import type { Trainer } from '../../train/step/trainer.ts';
import { messageOf } from '../flags.ts';
import { openDevice } from '../run/device.ts';
import { onInterrupt } from '../run/interrupt.ts';
import { count, print, table } from '../output.ts';
import { checkPeers, namesIn, start, telling } from './peers.ts';
import type { BenchOptions } from './result.ts';

export interface ScalingOptions extends BenchOptions {
  /** File of a picture of the results. */
  picture?: string;
  /** Points of the axis, with commas; all where it is absent. */
  points?: string;
  /** Names of peers with commas, or true for all. */
  peers?: string | true;
  rounds?: string;
}

type Axes = Readonly<Record<string, Axis>>;

/** Without `axis` all of them are measured. Where the device is lost or a signal ends it, what was measured before is told and kept. */
export async function scaling(axis: string | undefined, options: ScalingOptions): Promise<void> {
  const axes = chosen(axis === undefined ? AXES : { [axis]: lookUp('axis', axis, AXES) }, options.points);
  const rounds = parseNumber('--rounds', options.rounds ?? '3', COUNT);
  const wanted = options.peers === undefined ? [] : namesIn(options.peers === true ? undefined : options.peers, PEER_NAMES);
  if (wanted.length) checkPeers('bench scaling --peers');
  if (options.picture) (await import('../pictures.ts')).checkPicture('--picture', options.picture);
  if (options.adapter) process.env.DESCENT_ADAPTER = options.adapter; // the peers run in processes of their own
  const device = await openDevice(options);
  const say = (line: string) => {
    if (!options.json) print(line);
  };
  const results: Record<string, ScalingRow[]> = {};
  const missing: Record<string, string> = {};
  const tell = telling(options, device, 'scaling', { timed: results, missing });
  let showUnfinished: (() => void) | undefined;
  onInterrupt(() => {
    showUnfinished?.();
    tell();
  });
  for (const [name, axis] of Object.entries(axes)) {
    const rows: ScalingRow[] = (results[name] = []);
    const show = () => {
      if (!rows.length) return;
      say(`${name} on ${device.report.description}`);
      say(scalingTable(axis, rows));
      for (const line of verdicts(axis, rows)) say(line);
    };
    showUnfinished = show;
    for (const point of axis.points) {
      try {
        rows.push(await measured(point, device, { wanted, rounds, say, missing, before: rows }));
      } catch (error) {
        missing[`${point.model} at ${point.at} ${axis.label}`] = messageOf(error);
        if (device.lost) break;
      }
    }
    showUnfinished = undefined;
    show();
    if (device.lost) break;
  }
  const pictures = options.picture && (await drawScaling(options.picture, results, device.report.description));
  if (pictures && !options.json && !options.quiet) print(`picture in ${pictures.join(' and ')}`);
  tell(pictures ? { pictures } : {});
  if (device.lost) throw device.lost;
  device.close();
}

/** The axes with the points that `list` names alone. */
function chosen(axes: Axes, list: string | undefined): Axes {
  if (list === undefined) return axes;
  const wanted = list.split(',').map(text => parseNumber('--points', text, COUNT));
  const known = Object.values(axes).flatMap(({ points }) => points.map(point => point.at));
  const unknown = wanted.find(at => !known.includes(at));
  check(unknown === undefined, `--points: ${unknown} is no point there`, `give some of ${[...new Set(known)].join(', ')}`);
  const entries = Object.entries(axes).map(([name, axis]) => {
    const points = axis.points.filter(point => wanted.includes(point.at));
    return [name, { ...axis, points }] as const;
  });
  return Object.fromEntries(entries.filter(([, { points }]) => points.length));
}

interface Beside {
  readonly wanted: readonly PeerName[];
  readonly rounds: number;
  readonly say: (line: string) => void;
  /** What was left out, and why. */
  readonly missing: Record<string, string>;
  /** The points that were measured before. */
  readonly before: readonly ScalingRow[];
}

async function measured(point: Point, device: Device, beside: Beside): Promise<ScalingRow> {
  const { trainer } = await openPoint(point, device);
  try {
    const row = await scale(trainer, point, { processor });
    return beside.wanted.length ? { ...row, peers: await costs(point, row.ms, trainer, beside) } : row;
  } finally {
    trainer.destroy();
  }
}

/** What each peer takes for a step, in interleaved rounds; `ms` is what one takes here. */
async function costs(point: Point, ms: number, trainer: Trainer, beside: Beside): Promise<Record<string, PeerCost>> {
  const { wanted, rounds, say, missing, before } = beside;
  const started: Peer[] = [];
  try {
    for (const peer of wanted) {
      const expected = foreseen(peer, point.model, ms, before);
      const why =
        expected !== undefined && expected > LONGEST_STEP
          ? `a step of it would take about ${count(Math.round(expected / 1000))} s`
          : await start(peer, point.model, started, { net: point.network, batch: point.batch, say });
      if (why) missing[`${peer} at ${point.model}, ${point.at}`] = why;
    }
    const wait = trainer.device.report.software ? 'step' : 'share';
    const [, ...rows] = await compare([runnerOf(trainer), ...started], { rounds, wait, longest: LONG_STEP });
    return Object.fromEntries(rows.map(({ name, ratio, median }, i) => [name, { ratio, ms: median, peak: started[i]!.peak() }]));
  } finally {
    for (const peer of started) await peer.close();
  }
}

const mebi = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

function scalingTable({ label }: Axis, rows: readonly ScalingRow[]): string {
  const peers = [...new Set(rows.flatMap(row => Object.keys(row.peers ?? {})))];
  const head = ['model', label, 'batch', 'parameters', 'dispatches', 'ms a step', 'idle', 'ms an image', 'images/s'];
  const memory = ['activations MiB', 'alive at once', 'device MiB'];
  const cells = rows.map(r => [
    r.model,
    String(r.at),
    String(r.batch),
    count(r.parameters),
    String(r.dispatches),
    milliseconds(r.ms, 2),
    milliseconds(r.idle, 2),
    milliseconds(r.perImage, 3),
    count(Math.round(r.imagesPerSecond)),
    mebi(r.activations),
    mebi(r.bound),
    mebi(r.device),
    ...peers.flatMap(peer => {
      const cost = r.peers?.[peer];
      return cost ? [cost.ratio.toFixed(2), mebi(cost.peak)] : ['-', '-'];
    }),
  ]);
  return table([[...head, ...memory, ...peers.flatMap(peer => [`${peer} ×`, 'its process MiB'])], ...cells]);
}

async function drawScaling(path: string, results: Readonly<Record<string, readonly ScalingRow[]>>, adapter: string): Promise<string[]> {
  const [{ draw }, { writePicture }] = await Promise.all([import('../../plots/chart.ts'), import('../pictures.ts')]);
  const panels = Object.entries(results).flatMap(([name, rows]) => {
    const axis = lookUp('axis', name, AXES);
    return [
      scalingPanel(axis, rows, { title: 'Time of an image', label: 'ms', value: r => r.perImage }),
      scalingPanel(axis, rows, { title: 'Activations', label: 'MiB', value: r => r.activations / 2 ** 20 }),
    ];
  });
  const picture = draw(panels, { title: `A training step on ${adapter}`, width: 360, height: 220 });
  return writePicture(path, picture);
}

/** A line for each model. */
function scalingPanel(
  axis: Axis,
  rows: readonly ScalingRow[],
  { title, label, value }: { title: string; label: string; value: (row: ScalingRow) => number },
): Panel {
  const names = [...new Set(rows.map(r => r.model))];
  const of = (name: string) => rows.filter(r => r.model === name);
  return {
    kind: 'line',
    title,
    x: { label: axis.label, ...(axis.label !== 'layers' && { log: 2 as const }) },
    y: { label, min: 0 },
    series: names.map(name => ({ name, dots: true, points: of(name).map(r => [r.at, value(r)] as const) })),
  };
}
