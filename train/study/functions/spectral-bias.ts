/** `spectral-bias`: a net learns a sum of sines: how much of each there is of it by steps. */
import { counted } from '../../../engine/counted.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import { streamOf, STREAMS, uniforms } from '../../../shaders/kernel/random.ts';
import type { Panel } from '../../../plots/panel.ts';
import { experiment, inTurn, type Lab } from '../experiment.ts';
import { trainTo, withTrainer } from '../with-trainer.ts';
import { pointsOf, type Point } from './ways.ts';

const POINTS = 128;
/** Places at which the net is asked, spaced as the logarithm of the step. */
const ASKED = 40;
/** A sine counts as learnt where this share of its amplitude is first there. */
const LEARNT = 0.5;
/** The looks whose predictions are drawn, as shares of all. */
const MOMENTS = [0.55, 0.8, 1];

/** sin(2 pi k x + phase), times its amplitude. */
interface Sine {
  readonly k: number;
  readonly amplitude: number;
  readonly phase: number;
}

/** The part of values at (i + 1/2) / n that is a sine of the frequency and the phase, 1 where all of it is there. */
export function shareOf(values: ArrayLike<number>, { k, amplitude, phase }: Sine): number {
  const n = values.length;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += values[i]! * Math.sin((2 * Math.PI * k * (i + 0.5)) / n + phase);
  return (2 * sum) / (n * amplitude);
}

const formulaOf = (sines: readonly Sine[]): string =>
  sines.map(({ k, amplitude, phase }) => `${amplitude.toFixed(3)}*sin(${2 * k}*pi*x+${phase.toFixed(3)})`).join('+');

/** The shares of each sine after the steps at which the net was asked, and what it said then. */
async function learnt(lab: Lab, sines: readonly Sine[], hidden: number, steps: number) {
  const dataset = await lab.dataset(`formula:y=${formulaOf(sines)},range=0..1,points=${POINTS},test=${POINTS}`);
  const asked = Array.from({ length: ASKED }, (_, i) => Math.round(steps ** ((i + 1) / ASKED)));
  const given = { optimizer: 'adam', lr: '0.001', batchSize: String(POINTS), steps: String(steps), seed: String(lab.seed) };
  const found: { step: number; shares: number[]; prediction: Point[] }[] = [];
  await withTrainer(lab, `mlp:hidden=${Array(4).fill(hidden).join('-')}`, given, dataset, async trainer => {
    for (const step of new Set(asked)) {
      await trainTo(lab, trainer, step);
      const prediction = pointsOf(dataset.test, await trainer.logits('test'));
      const values = prediction.map(([, y]) => y);
      found.push({ step, prediction, shares: sines.map(sine => shareOf(values, sine)) });
    }
  });
  return { dataset, found };
}

export const spectralBias = experiment({
  about: 'A sum of sines is learnt from the low frequencies up: the amplitude of each by steps.',
  source: 'Rahaman et al. 2019, section 3 and figure 1',
  options: {
    sines: number(6, 'frequencies, 2 apart', { ...COUNT, min: 2, max: 16 }),
    hidden: number(128, 'units of each of four hidden layers', { ...COUNT, max: 4096 }),
    steps: number(2000, 'of Adam on all points', { ...COUNT, min: 10 }),
  },
  async run(lab, { sines: count, hidden, steps }) {
    const runs = await inTurn(
      lab,
      targetsOf(count, lab.seed),
      ({ name }) => name,
      async ({ name, sines }): Promise<Run> => {
        const { dataset, found } = await learnt(lab, sines, hidden, steps);
        const reached = sines.map((_, i) => found.find(({ shares }) => shares[i]! >= LEARNT)?.step);
        return { name, sines, dataset, found, reached };
      },
    );
    return {
      title: `Sums of ${count} sines, learnt by a net of four layers of ${hidden}`,
      rows: runs.flatMap(({ name, sines, reached, found }) =>
        sines.map(({ k, amplitude }, i) => ({
          target: name,
          frequency: k,
          amplitude,
          [`steps to ${100 * LEARNT} %`]: reached[i],
          'share at the end': found.at(-1)!.shares[i]!,
        })),
      ),
      shares: ['share at the end'],
      panels: [...runs.map(run => sharesPanel(run, steps)), stepsPanel(runs), ...runs.slice(0, 1).map(saidPanel)],
      values: runs.map(({ dataset: _, ...rest }) => rest),
    };
  },
});

/** Sums of sines of the same frequencies and phases that differ in the amplitudes. */
function targetsOf(count: number, seed: number): { name: string; sines: Sine[] }[] {
  const random = uniforms(seed, STREAMS.sample, streamOf('phases'));
  const waves = Array.from({ length: count }, (_, i) => ({ k: 2 * i + 1, phase: 2 * Math.PI * random() }));
  return [
    { name: 'equal amplitudes', sines: waves.map(({ k, phase }) => ({ k, amplitude: 1, phase })) },
    {
      name: 'amplitudes that rise with the frequency',
      sines: waves.map(({ k, phase }, i) => ({ k, amplitude: (i + 1) / count, phase })),
    },
  ];
}

/** How a sum was learnt, and the first step at which each of its sines counts as learnt. */
interface Run extends Awaited<ReturnType<typeof learnt>> {
  readonly name: string;
  readonly sines: readonly Sine[];
  readonly reached: readonly (number | undefined)[];
}

const sharesPanel = ({ name, sines, found }: Run, steps: number): Panel => ({
  kind: 'line',
  title: `Of each sine: ${name}`,
  x: { label: 'step', log: true, min: 1, max: steps },
  y: { label: 'share of its amplitude', percent: true },
  series: sines.map(({ k }, i) => ({ name: `frequency ${k}`, points: found.map(f => [f.step, f.shares[i]!] as const) })),
});

const stepsPanel = (runs: readonly Run[]): Panel => ({
  kind: 'line',
  title: `Steps until ${100 * LEARNT} % of a sine are there`,
  x: { label: 'frequency' },
  y: { label: 'steps', log: true },
  series: runs.map(({ name, sines, reached }) => ({
    name,
    dots: true,
    points: sines.flatMap(({ k }, i) => (reached[i] === undefined ? [] : [[k, reached[i]] as const])),
  })),
});

/** What the net said at some moments, over the sum. */
function saidPanel({ dataset, found }: Run): Panel {
  const moments = MOMENTS.map(share => found[Math.ceil(share * found.length) - 1]!);
  return {
    kind: 'line',
    title: 'What the net says',
    x: { label: 'x', min: 0, max: 1 },
    y: { label: 'y' },
    series: [
      { name: 'the sum', points: pointsOf(dataset.test), muted: true },
      ...moments.map(({ step, prediction }) => ({ name: `after ${counted(step, 'step')}`, points: prediction })),
    ],
  };
}
