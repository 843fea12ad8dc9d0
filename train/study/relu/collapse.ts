/** `collapse`: deep narrow ReLU nets end as constants, whatever they are to learn: the mean under mse, the median under mae (Lu, Su & Karniadakis 2018). */
import { counted } from '../../../engine/counted.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import type { Panel, Series } from '../../../plots/panel.ts';
import { uniforms } from '../../../shaders/kernel/random.ts';
import { range } from '../../../shaders/kernel/wgsl.ts';
import { experiment, inTurn, type Expected, type Lab } from '../experiment.ts';
import { mean, median } from '../statistics.ts';
import { trainNarrow } from './narrow.ts';

/** The ends of a uniform distribution of deviation 1. */
const END = Math.sqrt(3);
const GRID = Float64Array.from(range(201), i => (i / 100 - 1) * END);
/** Nets whose outputs are drawn, and how many have seeds of their own. */
const [SHOWN, SEEDS] = [8, 100_000];
const SCHEMES = { He: 'he-normal', RAI: 'rai' } as const;
const LOSSES = ['mse', 'mae'] as const;
const TASKS: readonly {
  readonly name: string;
  readonly f: (x: number) => number;
  /** Its medians in words, where there are many: half of the values lie below all of these, half above. */
  readonly medians?: string;
}[] = [
  { name: '|x|', f: Math.abs },
  { name: 'x sin 5x', f: x => x * Math.sin(5 * x) },
  { name: 'step + 0.2 sin 5x', f: x => (x > 0 ? 1 : 0) + 0.2 * Math.sin(5 * x), medians: '0.2 to 0.8' },
];

/** Of nets in PyTorch, 100 of each initialisation, that learnt |x| under mse: the share that collapsed. */
const TRAINED = { He: 0.91, RAI: 0.37 } as const;

interface Setting {
  readonly task: (typeof TASKS)[number];
  readonly loss: (typeof LOSSES)[number];
  readonly scheme: keyof typeof SCHEMES;
}

interface Found extends Setting {
  readonly born: number;
  readonly collapsed: number;
  readonly learnt: number;
  /** What those that collapsed give, on average. */
  readonly constant: number | undefined;
  /** What some of the nets give on the grid. */
  readonly some: readonly Float64Array[];
}

const extent = (y: Float64Array): number => Math.max(...y) - Math.min(...y);

export const collapse = experiment({
  about: 'Deep narrow ReLU nets that end as constants, the mean or the median, and asymmetric initialisation against it.',
  source: 'Lu, Su & Karniadakis 2018; Lu, Shin, Su & Karniadakis 2020',
  options: {
    nets: number(40, 'of each initialisation, function and loss', { ...COUNT, max: SEEDS }),
    width: number(2, 'units a layer', { ...COUNT, max: 64 }),
    layers: number(10, 'layers', { integer: true, min: 2, max: 200 }),
    steps: number(3000, 'of Adam, 128 points each', COUNT),
  },
  async run(lab, { nets, width, layers, steps }) {
    const random = uniforms(lab.seed, 0);
    const points = Float64Array.from(range(3000), () => (2 * random() - 1) * END);
    const settings = TASKS.flatMap(task => LOSSES.flatMap(loss => (['He', 'RAI'] as const).map(scheme => ({ task, loss, scheme }))));
    const found = await inTurn(lab, settings, nameOf, setting => trained(lab, setting, { nets, width, layers, steps, points }));
    const aim = ({ task, loss }: Setting) => (loss === 'mse' ? mean : median)(points.map(task.f));
    const isPublished = width === 2 && layers === 10;
    return {
      title: `${counted(layers, 'layer')} of ${counted(width, 'unit')} while they train, ${counted(nets, 'net')} each`,
      rows: found.map(f => ({
        function: f.task.name,
        loss: f.loss,
        initialisation: f.scheme,
        'born dead': f.born,
        collapsed: f.collapsed,
        'in part': 1 - f.collapsed - f.learnt,
        learnt: f.learnt,
        constant: f.constant,
        'mean or median': hasMedians(f) ? f.task.medians : aim(f),
      })),
      shares: ['born dead', 'collapsed', 'in part', 'learnt'],
      expected: found.flatMap(f => [...(isPublished ? trainedExpected(f) : []), ...constantExpected(f, aim(f))]),
      panels: [sharesPanel(found), ...TASKS.map(task => taskPanel(task, found))],
      layout: { width: 460, height: 280 },
      values: found.map(({ task, some: _, ...f }) => ({ function: task.name, ...f })),
    };
  },
});

const nameOf = ({ task, loss, scheme }: Setting): string => `${task.name}, ${loss}, ${scheme}`;

/** Whether what is learnt by a setting has many medians, of which any may be found. */
const hasMedians = ({ task, loss }: Setting): boolean => loss === 'mae' && task.medians !== undefined;

interface Asked {
  readonly nets: number;
  readonly width: number;
  readonly layers: number;
  readonly steps: number;
  readonly points: Float64Array;
}

/** Trains the nets of one setting, and counts what becomes of them. */
async function trained(lab: Lab, setting: Setting, { nets, ...common }: Asked): Promise<Found> {
  const { task, loss, scheme } = setting;
  const truth = GRID.map(task.f);
  const enough = 0.04 * mean(truth.map(y => (y - mean(truth)) ** 2));
  const some: Float64Array[] = [];
  const constants: number[] = [];
  let [born, learnt] = [0, 0];
  for (let k = 0; k < nets; k++) {
    const seed = lab.seed * SEEDS + k;
    const own = { ...common, scheme: SCHEMES[scheme], loss, f: task.f, batchSize: 128, lr: 1e-3, seed, grid: GRID };
    const { before, after } = await trainNarrow(lab, own);
    if (k < SHOWN) some.push(after);
    if (extent(before) < 1e-6) born++;
    if (extent(after) < 1e-3) constants.push(after[0]!);
    else if (mean(after.map((y, i) => (y - truth[i]!) ** 2)) < enough) learnt++;
  }
  const constant = constants.length ? mean(constants) : undefined;
  return { ...setting, born: born / nets, collapsed: constants.length / nets, learnt: learnt / nets, constant, some };
}

/** The share that collapsed where other code has trained such nets. */
const trainedExpected = (f: Found): Expected[] =>
  f.task === TASKS[0] && f.loss === 'mse'
    ? [{ what: `${nameOf(f)}: collapsed`, expected: TRAINED[f.scheme], found: f.collapsed, source: 'PyTorch, 100 nets' }]
    : [];

/** The constant of those that collapsed, beside the one that has the least loss. */
const constantExpected = (f: Found, aim: number): Expected[] =>
  f.constant === undefined || hasMedians(f)
    ? []
    : [{ what: `${nameOf(f)}: constant`, expected: aim, found: f.constant, source: f.loss === 'mse' ? 'mean' : 'median' }];

const sharesPanel = (found: readonly Found[]): Panel => ({
  kind: 'bar',
  title: 'Collapsed to a constant',
  categories: TASKS.flatMap(({ name }) => LOSSES.map(loss => `${name}, ${loss}`)),
  y: { label: 'of the nets', percent: true, min: 0, max: 1 },
  series: (['He', 'RAI'] as const).map(scheme => ({
    name: scheme,
    values: TASKS.flatMap(task =>
      LOSSES.map(loss => found.find(f => f.task === task && f.loss === loss && f.scheme === scheme)?.collapsed ?? NaN),
    ),
  })),
});

/** The function, and what some nets make of it; those of one initialisation are one series. */
function taskPanel(task: Setting['task'], found: readonly Found[]): Panel {
  const shown = Math.max(0, ...found.map(f => f.some.length));
  const curve = (y: Float64Array) => [...Array.from(GRID, (x, i) => [x, y[i]!] as const), [END, NaN] as const];
  return {
    kind: 'line',
    title: `${task.name}: ${counted(shown, 'net')} of each, under mse`,
    x: { label: 'x', min: -2, max: 2 },
    y: { label: 'y' },
    series: [
      ...(['RAI', 'He'] as const).map((scheme): Series => {
        const some = found.find(f => f.task === task && f.loss === 'mse' && f.scheme === scheme)?.some ?? [];
        return { name: scheme, points: some.flatMap(curve), dashed: scheme === 'He' }; // constants of both lie on one another
      }),
      { name: 'function', points: curve(GRID.map(task.f)), dashed: true },
    ],
  };
}
