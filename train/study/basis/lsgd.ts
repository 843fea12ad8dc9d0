/** `lsgd`: the last layer solved for against all layers by Adam, from box and from He's first weights. */
import { counted } from '../../../engine/counted.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import { experiment, inTurn, type Expected, type Lab } from '../experiment.ts';
import { median } from '../statistics.ts';
import { trainTo, withTrainer, zeroed } from '../with-trainer.ts';

const WAYS = [
  { name: 'He, Adam', initScheme: 'he-normal', optimizer: 'adam' },
  { name: 'He, LSGD', initScheme: 'he-normal', optimizer: 'lsgd' },
  { name: 'box, Adam', initScheme: 'box-residual', optimizer: 'adam' },
  { name: 'box, LSGD', initScheme: 'box-residual', optimizer: 'lsgd' },
] as const;
type Way = (typeof WAYS)[number];

/** RMSE at 0, 100 and 1,000 steps in float64, by way. */
const REFERENCE: Readonly<Record<string, readonly number[]>> = {
  'box, Adam': [0.91, 0.089, 5.9e-3],
  'box, LSGD': [7.5e-3, 8.3e-4, 4.1e-4],
};
const SEEN = [0, 100, 1000];

/** The RMSE on all points before each step. */
async function errors(lab: Lab, { initScheme, optimizer }: Way, steps: number, seed: number): Promise<number[]> {
  const dataset = await lab.dataset('sine:points=256');
  const all = { batchSize: '256', steps: String(steps + 1), epochs: String(steps + 1), normalize: 'none', seed: String(seed) };
  const given = { ...all, initScheme, optimizer, lr: '0.001' };
  return withTrainer(lab, 'mlp:hidden=32-32-32-32,residual=true', given, dataset, async (trainer, total) => {
    if (initScheme === 'he-normal') await trainer.loadWeights(zeroed(await trainer.weights(), name => name.endsWith('bias')));
    const seen: number[] = [];
    await trainTo(lab, trainer, total, { log: () => true, onMetrics: line => seen.push(line.rmse!) });
    return seen;
  });
}

export const lsgdExperiment = experiment({
  about: 'A last layer solved by least squares after each step, against Adam for all layers, from two first weights.',
  source: 'Cyr et al. 2020',
  options: { nets: number(3, 'of each way', COUNT), steps: number(1000, 'updates', COUNT) },
  async run(lab, { nets, steps }) {
    const done = await inTurn(
      lab,
      WAYS.flatMap(way => Array.from({ length: nets }, (_, k) => ({ way, k }))),
      ({ way, k }) => `${way.name}, net ${k + 1}`,
      async ({ way, k }) => ({ way, errors: await errors(lab, way, steps, lab.seed + k) }),
    );
    const found = WAYS.map(({ name }) => {
      const own = done.filter(run => run.way.name === name).map(run => run.errors);
      return { name, own, curve: own[0] ? own[0].map((_, step) => [step, median(own.map(curve => curve[step]!))] as const) : [] };
    });
    const stops = [...SEEN.filter(step => step < steps), steps];
    const at = (name: string, step: number) => found.find(f => f.name === name)?.curve[step]?.[1];
    return {
      title: `sin 2\u03c0x by a residual net of 32-32-32-32, ${counted(steps, 'step')}, median of ${nets}`,
      rows: found.map(({ name }) => ({ way: name, ...Object.fromEntries(stops.map(step => [`after ${step}`, at(name, step)])) })),
      expected: Object.entries(REFERENCE).flatMap(([name, values]) =>
        SEEN.flatMap((step, i): Expected[] => {
          const seen = at(name, step);
          if (seen === undefined) return [];
          const what = `${name}, after ${counted(step, 'step')}`;
          return [{ what, expected: values[i]!, found: seen, source: 'PyTorch, float64, median of 6' }];
        }),
      ),
      panels: [
        {
          kind: 'line',
          title: 'Error on the points',
          x: { label: 'step' },
          y: { label: 'RMSE', log: true },
          series: found.map(({ name, curve }) => ({ name, points: curve })),
        },
      ],
      layout: { width: 640, height: 340 },
      values: found.map(({ name, own }) => ({ name, curves: own })),
    };
  },
});
