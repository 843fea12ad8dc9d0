import { number } from '../engine/parameter.ts';
import { COUNT, SHARE } from '../engine/range.ts';
import { sequential } from '../layers/compose.ts';
import { dense } from '../layers/dense.ts';
import { rnn } from '../layers/recurrent.ts';
import { model } from './model.ts';

/** A recurrent net that reads an image row by row, from top to bottom, and says at the end what it has seen (Le, Jaitly & Hinton 2015). */
export const rnnRows = model(
  'rnn-rows',
  'a recurrent net of tanh units over the rows of an image',
  {
    hidden: number(64, 'units of the state', COUNT),
    dropout: number(0, 'share of units whose state is dropped at each row', SHARE),
    zoneout: number(0, 'share of units that keep their state from the row before', SHARE),
  },
  ({ classes }, { hidden, ...noise }) => sequential({ rnn: rnn(hidden, noise), fc: dense(classes) }),
);
