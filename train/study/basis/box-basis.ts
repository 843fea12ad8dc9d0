/** `box-basis`: how near a function the basis is that first weights give a net, by its depth. */
import { counted } from '../../../engine/counted.ts';
import { number } from '../../../engine/parameter.ts';
import { COUNT } from '../../../engine/range.ts';
import { initializer } from '../../../layers/init.ts';
import { boxLayer } from '../../init/box.ts';
import { experiment, inTurn, repeated, type Lab } from '../experiment.ts';
import { bySvd, rmse } from '../linear/problems.ts';
import { median } from '../statistics.ts';

const WIDTH = 32;
const POINTS = 512;
const DEPTHS = [1, 2, 4, 8, 16, 32];
const SCHEMES = ['box', 'he', 'glorot'] as const;
const KINDS = ['plain', 'residual'] as const;

/** Errors in other code. */
const REFERENCE = [
  ['plain', 'box', 1, 7.3e-3],
  ['plain', 'box', 4, 2.2e-2],
  ['plain', 'box', 32, 0.706],
  ['residual', 'box', 8, 6.8e-3],
  ['residual', 'box', 32, 6.2e-3],
  ['residual', 'he', 8, 0.444],
] as const;

interface Layer {
  readonly weight: ArrayLike<number>;
  readonly bias: ArrayLike<number>;
}

/** The layers of a net of one input; biases are 0 but in a box. */
function layers(scheme: (typeof SCHEMES)[number], depth: number, isResidual: boolean, seed: number): Layer[] {
  return Array.from({ length: depth }, (_, l) => {
    const fanIn = l ? WIDTH : 1;
    const name = `fc${l + 1}`;
    if (scheme === 'box') {
      if (!isResidual || !l) return boxLayer(WIDTH, fanIn, name, seed);
      return boxLayer(WIDTH, fanIn, name, seed, (1 + 1 / (depth - 1)) ** (l - 1), depth - 1);
    }
    return { weight: initializer(`${scheme}-normal`)([WIDTH, fanIn], name, seed), bias: new Float32Array(WIDTH) };
  });
}

/** What the last hidden layer computes of x, and the constant 1. */
function basisOf(net: readonly Layer[], x: number, isResidual: boolean): Float64Array {
  let h: ArrayLike<number> = [x];
  for (const [l, { weight, bias }] of net.entries()) {
    const n = h.length;
    h = Float64Array.from({ length: WIDTH }, (_, unit) => {
      let sum = bias[unit]!;
      for (let i = 0; i < n; i++) sum += weight[unit * n + i]! * h[i]!;
      return Math.max(0, sum) + (isResidual && l ? h[unit]! : 0);
    });
  }
  return Float64Array.of(...(h as Float64Array), 1);
}

export const boxBasis = experiment({
  about: 'The least error that a sum of a net’s last hidden units can have before any training, by depth and first weights.',
  source: 'Cyr et al. 2020',
  options: { nets: number(5, 'of each depth', COUNT) },
  async run(lab, { nets }) {
    const cases = KINDS.flatMap(kind => SCHEMES.flatMap(scheme => DEPTHS.map(depth => ({ kind, scheme, depth }))));
    const found = await inTurn(
      lab,
      cases,
      ({ kind, scheme, depth }) => `${kind} ${scheme}, ${counted(depth, 'layer')}`,
      async one => ({ ...one, ...(await fitOf(lab, one, nets)) }),
    );
    const of = (kind: string, scheme: string) => found.filter(f => f.kind === kind && f.scheme === scheme);
    const at = (kind: string, scheme: string, depth: number) => of(kind, scheme).find(f => f.depth === depth);
    return {
      title: `Least squares over the ${WIDTH} last units of untrained nets, sin 2\u03c0x, median of ${nets}`,
      rows: KINDS.flatMap(kind =>
        SCHEMES.map(scheme => ({
          net: kind,
          'first weights': scheme,
          ...Object.fromEntries(of(kind, scheme).map(f => [counted(f.depth, 'layer'), f.error])),
          'rank at 1, 8, 32': [1, 8, 32].map(depth => at(kind, scheme, depth)?.rank ?? '-').join(', '),
        })),
      ),
      expected: REFERENCE.map(([kind, scheme, depth, expected]) => ({
        what: `${kind} ${scheme}, ${counted(depth, 'layer')}`,
        expected,
        found: at(kind, scheme, depth)?.error ?? NaN,
        source: 'NumPy, float64, median of 20',
      })),
      panels: KINDS.map(kind => ({
        kind: 'line' as const,
        title: kind,
        x: { label: 'hidden layers', log: 2, min: 1, max: 32 },
        y: { label: 'RMSE', log: true },
        series: SCHEMES.map(scheme => ({ name: scheme, dots: true, points: of(kind, scheme).map(f => [f.depth, f.error] as const) })),
      })),
      values: found,
    };
  },
});

interface Case {
  readonly kind: (typeof KINDS)[number];
  readonly scheme: (typeof SCHEMES)[number];
  readonly depth: number;
}

/** The least error of a sum of a net's last units, and the rank of their basis: medians over nets. */
async function fitOf(lab: Lab, { kind, scheme, depth }: Case, nets: number): Promise<{ error: number; rank: number }> {
  const xs = Array.from({ length: POINTS }, (_, i) => i / (POINTS - 1));
  const y = Float64Array.from(xs, x => Math.sin(2 * Math.PI * x));
  const isResidual = kind === 'residual';
  const fits = await repeated(lab, nets, k => {
    const net = layers(scheme, depth, isResidual, lab.seed + k);
    const problem = { rows: xs.map(x => basisOf(net, x, isResidual)), y };
    const { w, rank } = bySvd(problem);
    return { error: rmse(problem, w), rank };
  });
  return { error: median(fits.map(f => f.error)), rank: median(fits.map(f => f.rank)) };
}
