/** What nets make of a function between and beyond its points: overfitting, penalties, the scale of inputs. */
import { counted } from '../../../engine/counted.ts';
import { number } from '../../../engine/parameter.ts';
import { AT_LEAST_0, COUNT, POSITIVE, SHARE } from '../../../engine/range.ts';
import { NOISE, experiment } from '../experiment.ts';
import { functionOption, stepsOption } from './optimizers.ts';
import { compared, errorPanel, fitWays, measured, predictionPanel, rowsOf, type Fit, type Way } from './ways.ts';

export const curveFitting = experiment({
  about: 'A net learns a function: what it predicts after some steps, and after more.',
  source: 'lecture on regression',
  options: { function: functionOption('steps'), steps: stepsOption(1000), width: number(64, 'units of both hidden layers', COUNT) },
  async run(lab, { function: dataset, steps, width }) {
    const model = `mlp:hidden=${width}-${width}`;
    const moments = new Set([0.02, 0.1, 1].map(share => Math.max(1, Math.round(share * steps))));
    const ways = Array.from(moments, (after): Way => {
      const name = counted(after, 'step');
      return { name, model, steps: after, options: { optimizer: 'adam', lr: '0.005' } };
    });
    const fits = await fitWays(lab, ways, { dataset, steps });
    return {
      title: `mlp of ${width}-${width} on ${dataset}`,
      rows: rowsOf(fits, 'after'),
      panels: [predictionPanel('Data and prediction', await lab.dataset(dataset), fits), errorPanel(fits.slice(-1))],
      values: measured(fits),
    };
  },
});

/** The root of the mean squared weight, and the share of weights that are 0. */
const weightsOf = ({ weights }: Fit) => {
  const all = Object.entries(weights).flatMap(([name, data]) => (name.endsWith('weight') ? [...data] : []));
  if (!all.length) return {};
  return {
    'weights RMS': Math.sqrt(all.reduce((sum, w) => sum + w * w, 0) / all.length),
    zeros: all.filter(w => w === 0).length / all.length,
  };
};

export const heaviside = experiment({
  about: 'A step with noise under L1, L2 and dropout, by nets of two and of three hidden layers.',
  source: 'lecture on regularisation',
  options: {
    steps: stepsOption(600),
    points: number(30, 'to train on', COUNT),
    noise: number(0.2, 'standard deviation of the noise', NOISE),
    width: number(64, 'units of a hidden layer', COUNT),
    l1: number(0.02, 'L1 penalty, by soft threshold', AT_LEAST_0),
    l2: number(1e-3, 'L2 penalty', AT_LEAST_0),
    dropout: number(0.2, 'share of units that are dropped', SHARE),
  },
  async run(lab, { steps, points, noise, width, l1, l2, dropout }) {
    const dataset = `heaviside:points=${points},noise=${noise},seed=${lab.seed}`;
    const rate = { optimizer: 'adam', lr: '0.005' };
    const nets = [2, 3].flatMap(depth => {
      const model = `mlp:hidden=${Array(depth).fill(width).join('-')}`;
      return [
        { depth, penalty: 'none', model, options: rate },
        { depth, penalty: 'L1', model, options: { ...rate, l1Proximal: String(l1) } },
        { depth, penalty: 'L2', model, options: { ...rate, weightDecay: String(l2) } },
        { depth, penalty: 'dropout', model: `${model},dropout=${dropout}`, options: rate },
      ];
    });
    const ways = nets.map(({ depth, penalty, ...way }): Way => ({ ...way, name: `${penalty}, ${depth} layers` }));
    const fits = await fitWays(lab, ways, { dataset, steps, truth: 'heaviside' });
    const data = await lab.dataset(dataset);
    return {
      title: `A step of ${counted(points, 'point')} with noise ${noise}, ${counted(steps, 'step')} of Adam`,
      rows: rowsOf(fits, 'penalty', weightsOf),
      shares: ['zeros'],
      panels: [2, 3].map(depth =>
        predictionPanel(
          `${depth} hidden layers`,
          data,
          fits.flatMap((fit, i) => (nets[i]!.depth === depth ? { ...fit, name: nets[i]!.penalty } : [])),
          { min: -0.75, max: 1.75 },
        ),
      ),
      values: measured(fits),
    };
  },
});

export const tenPoints = experiment({
  about: 'Ten noisy points: a large net goes through all of them, and is wrong between them.',
  source: 'Bishop 2006, section 1.1',
  options: { steps: stepsOption(1000), noise: number(0.2, 'standard deviation of the noise', NOISE) },
  async run(lab, { steps, noise }) {
    const dataset = `ten-points:noise=${noise},seed=${lab.seed}`;
    const rate = { optimizer: 'adam', lr: '0.01' };
    const ways: Way[] = [
      { name: '2 units', model: 'mlp:hidden=2,activation=tanh', options: rate },
      { name: '64-64 units', model: 'mlp:hidden=64-64', options: rate },
      { name: '64-64 units, L2', model: 'mlp:hidden=64-64', options: { ...rate, weightDecay: '0.02' } },
    ];
    const fits = await fitWays(lab, ways, { dataset, steps, truth: 'ten-points:noise=0' });
    return compared(
      lab,
      {
        title: `Ten points of a sine with noise ${noise}, ${counted(steps, 'step')} of Adam`,
        head: 'net',
        dataset,
        y: { min: -2, max: 2 },
      },
      fits,
    );
  },
});

export const inputScaling = experiment({
  about: 'The same function far from 0, with inputs as they are and normalised.',
  source: 'LeCun et al. 1998, section 4.3',
  options: {
    steps: stepsOption(400),
    from: number(20, 'where the range of x begins, which is 2 wide', { min: -1e4, max: 1e4 }),
    lr: number(0.01, 'learning rate of Adam', POSITIVE),
  },
  async run(lab, { steps, from, lr }) {
    const dataset = `formula:y=sin(3*x),points=200,range=${from}..${from + 2}`;
    const ways = ['none', 'mean', 'meanstd'].map(normalize => ({
      name: { none: 'as they are', mean: 'mean 0', meanstd: 'mean 0, deviation 1' }[normalize]!,
      model: 'mlp:hidden=32-32,activation=tanh',
      options: { optimizer: 'adam', lr: String(lr), normalize },
    }));
    const fits = await fitWays(lab, ways, { dataset, steps });
    return compared(lab, { title: `sin 3x on ${from} to ${from + 2}, ${counted(steps, 'step')}`, head: 'inputs', dataset }, fits);
  },
});
