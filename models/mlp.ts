import { counted } from '../engine/counted.ts';
import { check } from '../engine/check.ts';
import type { Layer } from '../engine/graph.ts';
import { choice, flag, number } from '../engine/parameter.ts';
import { SHARE } from '../engine/range.ts';
import * as activations from '../layers/activation.ts';
import { sequential } from '../layers/compose.ts';
import { dense } from '../layers/dense.ts';
import { dropout, zonedOut } from '../layers/noise.ts';
import { dropRate, dropRates, model, sizes } from './model.ts';
import { followed, noiseOf, noiseOptions, noisesOf } from './noise.ts';

type Name = keyof typeof activations;

/**
 * A multilayer perceptron: fc1, act1, drop1, fc2 … on the flattened input. The small nets on points of a plane are
 * `hidden=8-8,activation=tanh`.
 */
export const mlp = model(
  'mlp',
  'fully connected layers of any sizes',
  {
    hidden: sizes([256, 128], 'units of each hidden layer'),
    activation: choice<Name>('relu', Object.keys(activations) as Name[], 'of the hidden layers'),
    dropout: dropRates(0, 'share of units that are dropped in all hidden layers, or in each'),
    input_dropout: dropRate(0, 'inputs'),
    residual: flag(false, 'hidden layers from the second on, all of one size, are added to what they are given'),
    zoneout: number(0, 'share of units of residual layers that keep what they are given', SHARE),
    ...noiseOptions(noisesOf('units', 'dense')),
  },
  ({ classes }, { hidden, activation, dropout: rates, input_dropout, residual: adds, zoneout, ...noise }) => {
    check(
      rates.length === 1 || rates.length === hidden.length,
      `mlp: dropout has ${rates.length} shares for ${counted(hidden.length, 'hidden layer')}`,
      'give one for all, or one for each',
    );
    check(
      !adds || hidden.every(size => size === hidden[0]),
      `mlp: hidden layers of ${hidden.join('-')} units cannot be added to one another`,
      'give all of one size',
    );
    check(adds || zoneout === 0, `mlp: zoneout is ${zoneout}, and no layer is added to what it is given`, 'give residual=true too');
    const { units, dense: noisy = dense } = noiseOf(noise);
    const layers: Record<string, Layer> = { drop0: dropout(input_dropout) };
    for (const [i, size] of hidden.entries()) {
      const own: Record<string, Layer> = {
        [`fc${i + 1}`]: noisy(size),
        [`act${i + 1}`]: followed(activations[activation](), units),
        [`drop${i + 1}`]: dropout(rates[i] ?? rates[0]!),
      };
      if (adds && i > 0) layers[`add${i + 1}`] = zonedOut(sequential(own), zoneout);
      else Object.assign(layers, own);
    }
    return sequential({ ...layers, [`fc${hidden.length + 1}`]: dense(classes) });
  },
);
