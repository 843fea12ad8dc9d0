/** Optimizers and rates on functions of one variable. */
import { counted } from '../../../engine/counted.ts';
import { choice, number } from '../../../engine/parameter.ts';
import { COUNT, POSITIVE } from '../../../engine/range.ts';
import { FUNCTIONS } from '../../../datasets/tables/functions.ts';
import { experiment } from '../experiment.ts';
import { compared, fitWays } from './ways.ts';

const MODEL = 'mlp:hidden=32-32,activation=tanh';
export const functionOption = (name: string) => choice(name, Object.keys(FUNCTIONS), 'the function');
export const stepsOption = (steps: number) => number(steps, 'updates of each run', COUNT);

export const adamNadam = experiment({
  about: 'Adam and Nadam from the same start at one rate: how the error falls step by step.',
  source: 'Dozat 2016',
  options: { function: functionOption('x-sin-5x'), steps: stepsOption(400), lr: number(0.003, 'learning rate of both', POSITIVE) },
  async run(lab, { function: dataset, steps, lr }) {
    const ways = ['adam', 'nadam'].map(name => ({ name, model: MODEL, options: { optimizer: name, lr: String(lr) } }));
    const fits = await fitWays(lab, ways, { dataset, steps });
    return compared(
      lab,
      { title: `Adam and Nadam on ${dataset}, ${counted(steps, 'step')} on all points`, head: 'optimizer', dataset },
      fits,
    );
  },
});

export const adamLbfgs = experiment({
  about: 'Adam, then L-BFGS, beside either alone: a quasi-Newton method goes on where Adam has slowed down.',
  source: 'lecture on second order',
  options: {
    function: functionOption('x-sin-5x'),
    adam: number(30, 'updates of Adam before L-BFGS', COUNT),
    lbfgs: number(50, 'steps of L-BFGS after it', COUNT),
    lr: number(0.01, 'learning rate of Adam', POSITIVE),
  },
  async run(lab, { function: dataset, adam, lbfgs, lr }) {
    const ways = [
      { model: MODEL, name: 'Adam', options: { optimizer: 'adam', lr: String(lr) } },
      { model: MODEL, name: 'L-BFGS', options: { optimizer: 'lbfgs' } },
      { model: MODEL, name: 'Adam, then L-BFGS', options: { optimizer: `adam:epochs=${adam},lbfgs`, lr: String(lr) } },
    ];
    const fits = await fitWays(lab, ways, { dataset, steps: adam + lbfgs });
    return compared(
      lab,
      {
        title: `${counted(adam, 'step')} of Adam and ${lbfgs} of L-BFGS on ${dataset}`,
        head: 'optimizer',
        dataset,
        marks: [{ x: adam, label: 'L-BFGS' }],
      },
      fits,
    );
  },
});

export const rateSizes = experiment({
  about: 'A learning rate that is too small, one that is right, and one that is too large.',
  source: 'lecture on gradient descent',
  options: {
    function: functionOption('sine'),
    steps: stepsOption(400),
    small: number(0.002, 'rate that is too small', POSITIVE),
    right: number(0.2, 'rate that is right', POSITIVE),
    large: number(4, 'rate that is too large', POSITIVE),
  },
  async run(lab, { function: dataset, steps, ...rates }) {
    const ways = Object.entries({ 'too small': rates.small, right: rates.right, 'too large': rates.large }).map(([name, lr]) => ({
      name: `${name}: ${lr}`,
      model: MODEL,
      options: { optimizer: 'sgd', lr: String(lr) },
    }));
    const fits = await fitWays(lab, ways, { dataset, steps });
    return compared(
      lab,
      { title: `Gradient descent on ${dataset} at three rates, ${counted(steps, 'step')}`, head: 'rate', dataset },
      fits,
    );
  },
});

export const oneCycle = experiment({
  about: 'One cycle of the learning rate, up and down, against a constant one, in as many steps.',
  source: 'Smith 2018',
  options: {
    function: functionOption('x-sin-5x'),
    steps: stepsOption(600),
    lr: number(0.005, 'constant rate of Adam', POSITIVE),
    max: number(0.05, 'top of the cycle', POSITIVE),
  },
  async run(lab, { function: dataset, steps, lr, max }) {
    const ways = [
      { name: `constant ${lr}`, model: MODEL, options: { optimizer: 'adam', lr: String(lr) } },
      { name: `constant ${max}`, model: MODEL, options: { optimizer: 'adam', lr: String(max) } },
      { name: 'one cycle', model: MODEL, options: { optimizer: 'adam', lr: String(lr), schedule: `onecycle:max_lr=${max}` } },
    ];
    const fits = await fitWays(lab, ways, { dataset, steps });
    return compared(
      lab,
      { title: `One cycle against constant rates on ${dataset}, ${counted(steps, 'step')}`, head: 'schedule', dataset },
      fits,
    );
  },
});
