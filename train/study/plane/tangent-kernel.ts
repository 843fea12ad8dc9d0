/** `tangent-kernel`: nets trained by small steps, and regression with the kernel that their gradients make before the first of them. */
import { counted } from '../../../engine/counted.ts';
import type { Device } from '../../../engine/device.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import { tanh } from '../../../layers/activation.ts';
import { scale, sequential } from '../../../layers/compose.ts';
import { dense } from '../../../layers/dense.ts';
import { rules } from '../../../optim/index.ts';
import { optimizer } from '../../../optim/optimizer.ts';
import type { Panel } from '../../../plots/panel.ts';
import { normals, STREAMS } from '../../../shaders/kernel/random.ts';
import { Net } from '../../net/net.ts';
import type { Tensors } from '../../run/safetensors.ts';
import { breaks, distinct, experiment, inTurn, Stopped, type Lab } from '../experiment.ts';
import { dot } from '../linear/problems.ts';
import { mean } from '../statistics.ts';
import { seedsOf } from '../training/over-seeds.ts';

/** Half the interval of x, and places at which predictions are drawn. */
const [REACH, PLACES] = [2, 61];
/** A step moves no direction of the kernel by more than this share of its way, which is close to the flow that has no steps. */
const SHARE = 0.5;

const target = (x: number): number => Math.sin(2 * x) + 0.3 * x;
const even = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => -REACH + (2 * REACH * i) / (n - 1));

export const tangentKernel = experiment({
  about: 'Regression with the tangent kernel of a net beside the net trained by small steps, by width.',
  source: 'Jacot, Gabriel & Hongler 2018; Lee et al. 2019',
  options: {
    widths: distinct([16, 256, 2048], 'hidden units of each net', { max: 16_384 }),
    points: number(10, 'to train on', { ...COUNT, min: 2, max: 200 }),
    nets: number(3, 'of each width', COUNT),
    steps: number(400, 'updates of each net', COUNT),
  },
  async run(lab, { widths, points, nets, steps }) {
    const x = even(points);
    const y = x.map(target);
    const all = widths.flatMap(width => seedsOf(lab, nets).map(seed => ({ width, seed })));
    const found = await inTurn(
      lab,
      all,
      ({ width, seed }) => `width ${width.toLocaleString('en-US')}, seed ${seed}`,
      ({ width, seed }) => bothWays(lab, { width, seed, x, y, steps }),
    );
    const complete = widths.filter(width => found.some(run => run.width === width));
    const of = (width: number) => found.filter(run => run.width === width);
    const rows = complete.map(width => {
      const runs = of(width);
      return {
        width,
        parameters: 3 * width,
        'net from kernel, RMS': mean(runs.map(run => run.distance)),
        'kernel moved by': mean(runs.map(run => run.moved)),
        "net's training RMSE": mean(runs.map(run => run.rmse.net)),
        "kernel's": mean(runs.map(run => run.rmse.kernel)),
        nets: runs.length,
      };
    });
    return {
      title: `Nets of one hidden layer after ${counted(steps, 'step')} on ${counted(points, 'point')}, and their tangent kernels`,
      rows,
      shares: ['kernel moved by'],
      panels: [...complete.map(width => predictionPanel(of(width)[0]!, x, y)), distancePanel(found, rows)],
      values: found.map(({ width, seed, distance, moved, rmse, start, net, kernel }) => ({
        width,
        seed,
        distance,
        moved,
        rmse,
        ...Object.fromEntries(Object.entries({ start, net, kernel }).map(([name, values]) => [name, [...values]])),
      })),
    };
  },
});

interface Run {
  readonly width: number;
  readonly seed: number;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly steps: number;
}

/** a tanh(w x + b) √(2 / width), with all weights drawn from N(0, 1): the kernel of a net without end is finite. */
const netOf = (width: number) =>
  sequential({ hidden: dense(width), act: tanh(), scale: scale(Math.sqrt(2 / width)), out: dense(1, { bias: false }) });

const drawnWeights = (width: number, seed: number): Tensors =>
  Object.fromEntries(
    Object.entries({ 'hidden.weight': [width, 1], 'hidden.bias': [width], 'out.weight': [1, width] }).map(([name, shape], i) => {
      const next = normals(seed, STREAMS.init, i);
      return [name, { shape, data: Float32Array.from({ length: width }, next) }];
    }),
  );

/** The gradients of the output by all weights, at each of `x`: one backward pass a point. */
async function gradientsAt(device: Device, width: number, weights: Tensors, x: Float32Array): Promise<Float64Array[]> {
  const net = await Net.build(device, netOf(width), { shape: [1], batch: 1, loss: 'mse' });
  try {
    await net.load(weights);
    const outputs = await net.forward(x);
    const gradients: Float64Array[] = [];
    for (const [i, at] of x.entries()) {
      await net.backward(Float32Array.of(at), Float32Array.of(outputs[i]! - 0.5)); // where the squared error has a slope of 1
      const all = Object.values(await net.gradients());
      gradients.push(Float64Array.from(all.flatMap(({ data }) => [...data])));
    }
    return gradients;
  } finally {
    net.destroy();
  }
}

const kernelOf = (a: readonly Float64Array[], b: readonly Float64Array[]): Float64Array[] =>
  a.map(row => Float64Array.from(b, column => dot(row, column)));

const rms = (values: ArrayLike<number>): number => Math.sqrt(mean(Array.from(values, v => v * v)));

/** What a net predicts after its steps, and what the kernel of its first gradients does after as many. */
async function bothWays(lab: Lab, run: Run) {
  const { width, seed, x, y, steps } = run;
  const device = await lab.device();
  const n = x.length;
  const weights = drawnWeights(width, seed);
  const gradients = await gradientsAt(device, width, weights, Float32Array.of(...x, ...even(PLACES)));
  const [atPoints, atPlaces] = [gradients.slice(0, n), gradients.slice(n)];
  const gram = kernelOf(atPoints, atPoints);
  const trace = gram.reduce((sum, row, i) => sum + row[i]!, 0);
  const rate = (SHARE * n) / (2 * trace); // the mean squared error moves an output by 2 / n K (y - f) for each unit of the rate

  const { before, after, end } = await trained(lab, device, run, weights, rate);
  const first = Float64Array.from(y, (v, i) => v - before.points[i]!);
  const { moves, errors } = await kernelDescent(lab, gram, first, (2 * rate) / n, steps);
  const kernel = Float64Array.from(kernelOf(atPlaces, atPoints), (row, i) => before.places[i]! + dot(row, moves));
  const now = await gradientsAt(device, width, end, x);
  return {
    width,
    seed,
    start: before.places,
    net: after.places,
    kernel,
    distance: rms(kernel.map((v, i) => v - after.places[i]!)),
    moved: movedBy(gram, kernelOf(now, now)),
    rmse: { net: rms(after.points.map((v, i) => v - y[i]!)), kernel: rms(errors) },
  };
}

/** What a net predicts before its steps and after, at the places that are drawn and at the points, and its last weights. */
async function trained(lab: Lab, device: Device, { width, x, y, steps }: Run, weights: Tensors, rate: number) {
  const net = await Net.build(device, netOf(width), { shape: [1], batch: x.length, loss: 'mse' });
  const look = async () => ({ places: await net.forward(even(PLACES)), points: await net.forward(x) });
  try {
    await net.load(weights);
    const before = await look();
    const sgd = optimizer(rules.sgd!, { lr: rate });
    for (let step = 0; step < steps; step++) {
      if (lab.stopped) throw new Stopped();
      await net.backward(x, y);
      await net.update(sgd);
    }
    return { before, after: await look(), end: await net.weights() };
  } finally {
    net.destroy();
  }
}

/** By how much a kernel has changed, as a share of what it was. */
function movedBy(gram: readonly Float64Array[], later: readonly Float64Array[]): number {
  const all = (rows: readonly Float64Array[]) => rows.flatMap(row => [...row]);
  const before = all(gram);
  return rms(all(later).map((v, i) => v - before[i]!)) / rms(before);
}

/**
 * Gradient descent on the outputs with a kernel that stays: errors e <- e - share K e. Returns the errors left, and the coefficients of the
 * kernel's functions, whose sum is what was learnt. Throws where the user asks to stop.
 */
export async function kernelDescent(lab: Lab, gram: readonly Float64Array[], errors: Float64Array, share: number, steps: number) {
  let left = errors;
  const moves = new Float64Array(errors.length);
  const pause = breaks(lab);
  for (let step = 0; step < steps; step++) {
    await pause();
    for (const [i, e] of left.entries()) moves[i]! += share * e;
    const before = left;
    left = before.map((e, i) => e - share * dot(gram[i]!, before));
  }
  return { moves, errors: left };
}

type Both = Awaited<ReturnType<typeof bothWays>>;

const predictionPanel = ({ width, start, net, kernel }: Both, x: Float32Array, y: Float32Array): Panel => {
  const places = even(PLACES);
  const line = (values: ArrayLike<number>) => Array.from(places, (at, i) => [at, values[i]!] as const);
  return {
    kind: 'line',
    title: counted(width, 'unit'),
    x: { label: 'x', min: -REACH, max: REACH },
    y: { label: 'y' },
    series: [
      { name: 'data', dots: true, points: Array.from(x, (at, i) => [[at, y[i]!] as const, [at, NaN] as const]).flat() },
      { name: 'first weights', muted: true, points: line(start) },
      { name: 'net', points: line(net) },
      { name: 'tangent kernel', dashed: true, points: line(kernel) },
    ],
  };
};

const distancePanel = (found: readonly Both[], rows: readonly { width: number; 'net from kernel, RMS': number }[]): Panel => ({
  kind: 'line',
  title: 'Distance of both, by width',
  x: { label: 'units', log: true },
  y: { label: 'RMS', log: true },
  series: [
    { name: 'mean', points: rows.map(row => [row.width, row['net from kernel, RMS']] as const), dots: true },
    { name: 'each net', dots: true, points: found.flatMap(({ width, distance }) => [[width, distance] as const, [width, NaN] as const]) },
  ],
});
