/** `nesterov-ode`: with small rates Nesterov's methods follow differential equations (Su, Boyd & Candes 2016; Shi, Du, Jordan & Su 2018). */
import type { Device } from '../../../engine/device.ts';
import type { Panel } from '../../../plots/panel.ts';
import { experiment, inTurn, type Expected } from '../experiment.ts';
import { trajectory } from './trajectory.ts';
import type { Point } from './landscapes.ts';

/** The function of the paper's figure, 0.02 x^2 + 0.005 y^2, by its curvatures. */
const CURVATURES = [0.04, 0.01] as const;
const RATES = [1, 0.25, 0.05];
/** The time until which they are compared; a step at rate s is as long as its root. */
const UNTIL = 60;
const M = CURVATURES[1];

const value = ([x, y]: Point): number => (CURVATURES[0] * x * x + CURVATURES[1] * y * y) / 2;

/** The Bessel function of the first kind and order 1, by its integral. */
function bessel1(z: number): number {
  const n = 200;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const t = (Math.PI * (i + 0.5)) / n;
    sum += Math.cos(t - z * Math.sin(t));
  }
  return sum / n;
}

/** X'' + 3/t X' + c X = 0 from rest at 1. */
const convex = (c: number, t: number): number => {
  const z = t * Math.sqrt(c);
  return z === 0 ? 1 : (2 * bessel1(z)) / z;
};

/** X'' + 2 sqrt(m) X' + c X = 0 from rest at 1. */
function stronglyConvex(c: number, t: number): number {
  const damping = Math.sqrt(M);
  const w = Math.sqrt(Math.max(0, c - M));
  return Math.exp(-damping * t) * (w === 0 ? 1 + damping * t : Math.cos(w * t) + (damping / w) * Math.sin(w * t));
}

const METHODS = [
  { name: 'NAG-C', rule: 'nag-c', hyper: {}, solution: convex },
  { name: 'NAG-SC', rule: 'nag-sc', hyper: { m: M }, solution: stronglyConvex },
] as const;

export const nesterovOde = experiment({
  about: 'Nesterov’s methods follow their differential equations the more closely, the smaller the rate.',
  source: 'Su, Boyd & Candes 2016; Shi, Du, Jordan & Su 2018',
  options: {},
  async run(lab) {
    const device = await lab.device();
    const ways = await inTurn(
      lab,
      METHODS.flatMap(method => RATES.map(s => ({ method, s }))),
      ({ method, s }) => `${method.name} at rate ${s}`,
      ({ method, s }) => wayOf(device, method, s),
    );
    return {
      title: 'Nesterov’s methods and their equations on 0.02 x\u00b2 + 0.005 y\u00b2',
      rows: ways.map(({ method, s, values, exact, apart }) => ({
        method,
        rate: s,
        steps: values.length - 1,
        'last value': values.at(-1)!,
        'of the equation': exact.at(-1)!,
        'furthest apart, of the first value': apart,
      })),
      shares: ['furthest apart, of the first value'],
      expected: METHODS.flatMap(({ name }) => expectedOf(name, ways)),
      panels: METHODS.map(({ name }) =>
        methodPanel(
          name,
          ways.filter(({ method }) => method === name),
        ),
      ),
      layout: { width: 440, height: 300 },
      values: ways,
    };
  },
});

/** The values along a method's way and along the equation, by time. */
interface Way {
  readonly method: string;
  readonly s: number;
  readonly times: readonly number[];
  readonly values: readonly number[];
  readonly exact: readonly number[];
  /** The greatest difference of both, of the first value. */
  readonly apart: number;
}

async function wayOf(device: Device, { name, rule, hyper, solution }: (typeof METHODS)[number], s: number): Promise<Way> {
  const land = { gradient: `vec2f(${CURVATURES[0]} * x, ${CURVATURES[1]} * y)`, start: [1, 1] as const };
  const ahead = await trajectory(device, land, rule, { steps: Math.round(UNTIL / Math.sqrt(s)), lr: s, hyper });
  // the rule keeps the point from which the slope is taken; the iterate is one step of descent from there
  const points = [ahead[0]!, ...ahead.slice(0, -1).map(([x, y]): Point => [x * (1 - s * CURVATURES[0]), y * (1 - s * CURVATURES[1])])];
  const times = points.map((_, k) => k * Math.sqrt(s));
  const exact = times.map(t => value([solution(CURVATURES[0], t), solution(CURVATURES[1], t)]));
  const values = points.map(value);
  const apart = Math.max(...values.map((v, k) => Math.abs(v - exact[k]!))) / values[0]!;
  return { method: name, s, times, values, exact, apart };
}

/** How far a method is apart from its equation at the smallest rate, as a share of what it is at the largest. */
function expectedOf(name: string, ways: readonly Way[]): Expected[] {
  const [large, , small] = RATES.map(s => ways.find(w => w.method === name && w.s === s)?.apart);
  if (large === undefined || small === undefined) return [];
  const what = `${name}: apart at 0.05 / at 1`;
  return [{ what, expected: Math.sqrt(0.05), found: small / large, source: 'first order in the root of the rate' }];
}

/** The values of one method at all rates, and those of its equation at the times of the smallest. */
function methodPanel(title: string, ways: readonly Way[]): Panel {
  const finest = ways.at(-1);
  return {
    kind: 'line',
    title,
    x: { label: 'time, steps \u00b7 \u221arate', min: 0, max: UNTIL },
    y: { label: 'value', log: true, min: 1e-7, max: 0.1 },
    series: [
      ...ways.map(({ s, times, values }) => ({ name: `rate ${s}`, points: times.map((t, k) => [t, values[k]!] as const) })),
      ...(finest ? [{ name: 'equation', points: finest.times.map((t, k) => [t, finest.exact[k]!] as const), dashed: true }] : []),
    ],
  };
}
