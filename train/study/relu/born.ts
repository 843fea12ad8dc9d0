/** ReLU nets that are dead from birth: by theory, and counted on drawn nets (Lu, Shin, Su & Karniadakis 2020). */
import type { Axis, Panel, Series } from '../../../plots/panel.ts';
import { normals, STREAMS } from '../../../shaders/kernel/random.ts';
import { range } from '../../../shaders/kernel/wgsl.ts';
import { inTurn, repeated, type Lab } from '../experiment.ts';

/**
 * Between what the probability lies that a net of one input is born dead: `layers` layers, all but the last of `width` ReLU units, symmetric
 * weights and no biases (theorems 3 and 4 of Lu et al. 2020).
 */
export function bornDeadBounds(width: number, layers: number): { lower: number; upper: number } {
  const silent = 2 ** -width;
  const a1 = 1 - silent;
  const a2 = 1 - 2 * silent - (width - 1) * silent ** 2;
  const factor = ((1 - 2 * silent) * (1 - silent)) / (1 + (width - 1) * silent);
  return { lower: 1 - a1 ** (layers - 2) + factor * (a2 ** (layers - 2) - a1 ** (layers - 2)), upper: 1 - a1 ** (layers - 1) };
}

/**
 * The share of `nets` drawn nets of one input that are born dead, by their number of layers, up to `layers`; those of fewer layers are the
 * beginnings of the deep ones. Without biases a layer is a homogeneous function, so that what comes of 1 and of -1 says all: the net is
 * dead where both give 0. Given these two outputs of a layer, the next one's are two correlated normal numbers for each unit, whatever
 * the width, which saves the draw of whole matrices. Throws where the user asks to stop.
 */
export async function bornDead(lab: Lab, width: number, layers: number, nets: number): Promise<Float64Array> {
  const next = normals(lab.seed, STREAMS.init, width);
  const deaths = new Float64Array(layers + 1);
  await repeated(lab, nets, () => {
    const death = diesAt(width, layers, next);
    if (death <= layers) deaths[death]!++;
  });
  let dead = 0;
  return deaths.map(count => (dead += count) / nets);
}

/** As bornDead, for one width. */
export interface Width {
  readonly width: number;
  readonly dead: Float64Array;
}

/** Counts on nets of several widths, one after another. */
export const bornDeadBy = (lab: Lab, widths: readonly number[], layers: number, nets: number): Promise<Width[]> =>
  inTurn(
    lab,
    widths,
    width => `nets of width ${width}`,
    async width => ({ width, dead: await bornDead(lab, width, layers, nets) }),
  );

/** The counts for programs. */
export const countsOf = (found: readonly Width[]) => found.map(({ width, dead }) => ({ width, deadByLayers: Array.from(dead) }));

/** What drawn nets show, lines, and what theory says, bands, by the layers of a net: from two to `most`. */
export const depthPanel = (most: number, y: Axis, series: (depths: readonly number[]) => Series[]): Panel => ({
  kind: 'line',
  title: 'Lines: drawn nets; shades: between the bounds',
  x: { label: 'layers', min: 2, max: most },
  y,
  series: series(range(most - 1).map(i => i + 2)),
});

/** The fewest layers with which a drawn net is dead. */
function diesAt(width: number, layers: number, next: () => number): number {
  // squared lengths of the outputs for 1 and -1, and their product
  let [pp, mm, pm] = [0, 0, 0];
  for (let unit = 0; unit < width; unit++) {
    const w = next();
    if (w > 0) pp += w * w;
    else mm += w * w;
  }
  for (let hidden = 2; hidden < layers; hidden++) {
    const scale = Math.max(pp, mm);
    const length = Math.sqrt(pp / scale);
    const along = length > 0 ? pm / scale / length : 0;
    const across = Math.sqrt(Math.max(0, mm / scale - along * along));
    [pp, mm, pm] = [0, 0, 0];
    for (let unit = 0; unit < width; unit++) {
      const z = next();
      const plus = Math.max(0, length * z);
      const minus = Math.max(0, along * z + across * next());
      pp += plus * plus;
      mm += minus * minus;
      pm += plus * minus;
    }
    if (pp === 0 && mm === 0) return hidden + 1;
  }
  return Infinity;
}
