/** Kinds of noise by name, for models that take one as an option. */
import type { Layer } from '../engine/graph.ts';
import { choice, number } from '../engine/parameter.ts';
import { residual, sequential, stochasticDepth } from '../layers/compose.ts';
import { dense } from '../layers/dense.ts';
import * as noise from '../layers/noise.ts';
import { fractionalMaxPool } from '../layers/pool.ts';

/** What a kind of noise puts behind, or in place of, the layers of a net. */
export interface Noise {
  /** Behind channels. */
  readonly channels?: () => Layer;
  /** Behind the units of a hidden dense layer. */
  readonly units?: () => Layer;
  /** In place of a hidden dense layer. */
  readonly dense?: (out: number) => Layer;
  /** In place of pooling by two. */
  readonly pool?: () => Layer;
  /** In place of a residual block. */
  readonly block?: (body: Layer) => Layer;
}

interface Kind {
  /** Its probability, deviation or ratio where none is given. */
  readonly usual: number;
  readonly of: (amount: number) => Noise;
}

const KINDS = {
  dropout: { usual: 0.5, of: p => ({ units: () => noise.dropout(p) }) },
  'vanilla-dropout': { usual: 0.5, of: p => ({ units: () => noise.vanillaDropout(p) }) },
  'spatial-dropout': { usual: 0.2, of: p => ({ channels: () => noise.spatialDropout(p) }) },
  dropconnect: { usual: 0.5, of: p => ({ dense: out => dense(out, { through: noise.dropConnect(p) }) }) },
  'activation-noise': { usual: 0.3, of: std => ({ units: () => noise.gaussianNoise(std) }) },
  'weight-noise': { usual: 0.05, of: std => ({ dense: out => dense(out, { through: noise.weightNoise(std) }) }) },
  shakeout: { usual: 0.3, of: tau => ({ dense: out => noise.shakeout(out, { tau }) }) },
  whiteout: { usual: 0.1, of: sigma => ({ dense: out => noise.whiteout(out, { sigma }) }) },
  'fractional-pooling': { usual: 2, of: ratio => ({ pool: () => fractionalMaxPool(ratio, { random: true }) }) },
  zoneout: { usual: 0.2, of: p => ({ block: body => noise.zonedOut(body, p) }) },
  'stochastic-depth': { usual: 0.5, of: p => ({ block: body => residual(stochasticDepth(body, p)) }) },
} as const satisfies Readonly<Record<string, Kind>>;

export type NoiseName = keyof typeof KINDS;
export const NOISES = Object.keys(KINDS) as readonly NoiseName[];

/** The kinds that act somewhere in a net which has these places. */
export const noisesOf = (...places: readonly (keyof Noise)[]): readonly NoiseName[] =>
  NOISES.filter(name => places.some(place => place in KINDS[name].of(KINDS[name].usual)));

/** The options of a model that takes some of the kinds; noiseOf reads them. */
export const noiseOptions = (kinds: readonly NoiseName[]) => ({
  noise: choice<'none' | NoiseName>('none', ['none', ...kinds], 'what is random in hidden layers while it trains'),
  amount: number(0, 'probability or deviation of the noise, ratio of the pooling; 0 is the usual one'),
});

export const noiseOf = ({ noise: name, amount }: { readonly noise: 'none' | NoiseName; readonly amount: number }): Noise =>
  name === 'none' ? {} : KINDS[name].of(amount || KINDS[name].usual);

/** A layer, and the noise behind it where there is one; the layer keeps its parameters' names. */
export const followed = (layer: Layer, behind: (() => Layer) | undefined): Layer =>
  behind ? (g, x) => sequential({ noise: behind() })(g, layer(g, x)) : layer;
