import type { Layer } from '../engine/graph.ts';
import { choice } from '../engine/parameter.ts';
import * as activations from '../layers/activation.ts';
import { sequential } from '../layers/compose.ts';
import { dense } from '../layers/dense.ts';
import { dropout } from '../layers/noise.ts';
import { dropRate, model, sizes } from './model.ts';

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
    dropout: dropRate(0),
  },
  ({ classes }, { hidden, activation, dropout: p }) => {
    const layers: Record<string, Layer> = {};
    for (const [i, size] of hidden.entries()) {
      layers[`fc${i + 1}`] = dense(size);
      layers[`act${i + 1}`] = activations[activation]();
      layers[`drop${i + 1}`] = dropout(p);
    }
    return sequential({ ...layers, [`fc${hidden.length + 1}`]: dense(classes) });
  },
);
