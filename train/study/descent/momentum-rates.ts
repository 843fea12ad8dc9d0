/** `momentum-rates`: with momentum at its best the root of the condition number counts, in place of the number itself. */
import { number } from '../../../engine/parameter.ts';
import { experiment, inTurn, type Expected } from '../experiment.ts';
import { trajectory } from './trajectory.ts';

const STEPS = 200;

/** A method with the settings that are best for curvatures from 1 to k, and by how much it then shrinks the distance with each step in the end. */
interface Method {
  readonly name: string;
  readonly rule: string;
  readonly lr: number;
  readonly momentum?: number;
  readonly factor: number;
  readonly source: string;
}

function methods(k: number): Method[] {
  const root = Math.sqrt(k);
  const triple = Math.sqrt(3 * k + 1);
  const heavy = (root - 1) / (root + 1);
  return [
    { name: 'descent', rule: 'sgd', lr: 2 / (1 + k), factor: (k - 1) / (k + 1), source: '(k \u2212 1) / (k + 1)' },
    {
      name: 'momentum',
      rule: 'momentum',
      lr: 4 / (root + 1) ** 2,
      momentum: heavy ** 2,
      factor: heavy,
      source: '(\u221ak \u2212 1) / (\u221ak + 1), Polyak 1964',
    },
    {
      name: 'Nesterov, rate 1/k',
      rule: 'nesterov',
      lr: 1 / k,
      momentum: heavy,
      factor: 1 - 1 / root,
      source: '1 \u2212 1/\u221ak, Nesterov 2004',
    },
    {
      name: 'Nesterov at its best',
      rule: 'nesterov',
      lr: 4 / (3 * k + 1),
      momentum: (triple - 2) / (triple + 2),
      factor: 1 - 2 / triple,
      source: '1 \u2212 2/\u221a(3k + 1), Lessard 2016',
    },
  ];
}

export const momentumRates = experiment({
  about: 'Descent, momentum and Nesterov at their best settings on a quadratic, against what theory promises.',
  source: 'Polyak 1964; Nesterov 2004; Lessard, Recht & Packard 2016',
  options: { k: number(100, 'condition number', { min: 2, max: 1000 }) },
  async run(lab, { k }) {
    const device = await lab.device();
    const land = { gradient: `vec2f(x, ${k.toFixed(6)} * y)`, start: [1, 1] as const };
    const ways = await inTurn(
      lab,
      methods(k),
      ({ name }) => name,
      async method => {
        const { rule, lr, momentum } = method;
        const points = await trajectory(device, land, rule, { steps: STEPS, lr, hyper: momentum === undefined ? {} : { momentum } });
        const distances = points.map(([x, y]) => Math.hypot(x, y) / Math.SQRT2);
        return { ...method, distances, found: lateFactor(distances, method), needed: distances.findIndex(d => d < 1e-3) };
      },
    );
    return {
      title: `At their best settings on (x\u00b2 + ${k} y\u00b2) / 2`,
      rows: ways.map(({ name, lr, momentum, found, needed }) => ({
        method: name,
        rate: lr,
        momentum,
        'factor a step': found,
        'steps to 1/1000': needed < 0 ? undefined : needed,
      })),
      expected: ways.map(({ name, factor, found, source }): Expected => ({ what: `factor of ${name}`, expected: factor, found, source })),
      panels: [
        {
          kind: 'line',
          title: 'Lines: the engine\u2019s updates; dashed: what theory promises in the end',
          x: { label: 'step', min: 0, max: STEPS },
          y: { label: 'distance, of the first', log: true, min: 1e-12, max: 10 },
          series: ways.flatMap(({ name, factor, distances }) => [
            { name, points: distances.map((d, t) => [t, d < 1e-12 ? NaN : d] as const) },
            {
              name: `${name}: theory`,
              points: distances.map((_, t) => [t, factor ** t < 1e-12 ? NaN : factor ** t] as const),
              muted: true,
              dashed: true,
            },
          ]),
        },
      ],
      layout: { width: 640, height: 360 },
      values: ways,
    };
  },
});

/** Nearer to the minimum than this coordinates are lost to float32, whose least normal number is 1.2e-38. */
const LEAST = 1e-30;

/**
 * By how much each of the later steps shrinks the distance, while float32 resolves it. With momentum at its best two roots fall together, and
 * the distance goes as t r^t: the factor t is divided out.
 */
function lateFactor(distances: readonly number[], { momentum }: Method): number {
  const beyond = distances.findIndex(d => d < LEAST);
  const until = beyond < 0 ? STEPS : beyond - 1;
  const from = Math.floor(until / 2);
  const growth = momentum === undefined ? 1 : until / from;
  return (distances[until]! / distances[from]! / growth) ** (1 / (until - from));
}
