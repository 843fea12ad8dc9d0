/** Learning rates as functions of t, the number of updates already made: falls in steps, smooth falls, cycles, falls by the loss. */
import { check, lookUp, named, say } from '../engine/check.ts';
import { choice, needed, neededList, number, valuesOf, type Described } from '../engine/parameter.ts';
import { POSITIVE, SHARE } from '../engine/range.ts';
import { kind, optionsOf, rate, type Kind, type Rates, type Run, type Schedule } from './schedule.ts';

/** Above 0 and below 1. */
const WITHIN_0_AND_1 = { above: 0, below: 1 };

const MILESTONES = neededList([1000, 2000], '/', 'updates, as 1000/2000', POSITIVE);

/** From 1 at 0 to 0 at 1, along half a cosine. */
const half = (x: number) => (1 + Math.cos(Math.PI * x)) / 2;

/** Straight up from lr to max_lr and down again, `height` times as far. */
const cyclical = (described: Described, height: (cycle: number, t: number, gamma: number) => number) =>
  kind({
    ...described,
    options: {
      max_lr: needed(0.1, 'largest rate', POSITIVE),
      step_size_up: needed(500, 'updates up', POSITIVE),
      gamma: number(1, 'factor'),
    },
    make: ({ max_lr, step_size_up, gamma }, { lr }) =>
      rate(t => {
        const cycle = Math.floor(t / (2 * step_size_up));
        const within = t - 2 * step_size_up * cycle;
        return lr + (max_lr - lr) * (1 - Math.abs(within / step_size_up - 1)) * height(cycle, t, gamma);
      }),
  });

/** The schedules by name. Options carry PyTorch's names where it has the schedule; times are in updates. */
export const schedules: Readonly<Record<string, Kind>> = {
  constant: kind({
    about: 'The same rate throughout; useful with a warm-up.',
    formula: 'η(t) = η',
    options: {},
    make: (_, { lr }) => rate(() => lr),
  }),
  step: kind({
    about: 'Smaller by a factor every so many updates.',
    formula: 'η(t) = η γ^⌊t / step_size⌋',
    options: { step_size: needed(500, 'updates between falls', POSITIVE), gamma: number(0.1, 'factor') },
    make: ({ step_size, gamma }, { lr }) => rate(t => lr * gamma ** Math.floor(t / step_size)),
  }),
  multistep: kind({
    about: 'Smaller by a factor at each milestone.',
    formula: 'η(t) = η γ^(milestones passed)',
    options: { milestones: MILESTONES, gamma: number(0.1, 'factor') },
    make(o, { lr }) {
      return rate(t => lr * o.gamma ** o.milestones.filter(m => t >= m).length);
    },
  }),
  /**
   * Smith et al. 2018: in place of a smaller rate a batch so many `times` larger at each of the milestones. It is the mean over so many
   * batches, whose gradients add up over as many steps before an update. From `most` batches on the rate falls as often instead.
   */
  'batch-growth': kind({
    about: 'The batch grows in place of a falling rate: gradients of several batches make one update.',
    formula: 'batch(t) = batch · times^(milestones passed)',
    options: {
      milestones: MILESTONES,
      times: number(5, 'factor of the batch', { integer: true, min: 2 }),
      most: number(0, 'batches at most; 0 is no limit', { integer: true, min: 0 }),
    },
    grows: true,
    make(o, { lr }) {
      return {
        at(t) {
          const wanted = o.times ** o.milestones.filter(m => t >= m).length;
          const batches = o.most ? Math.min(wanted, o.most) : wanted;
          return { lr: (lr * batches) / wanted, batches };
        },
      };
    },
  }),
  /** PyTorch's ExponentialLR with gamma = exp(-k). */
  exponential: kind({
    about: 'Smaller by the same share with every update.',
    formula: 'η(t) = η e^(−k t)',
    options: { k: needed(1e-3, 'speed of the fall') },
    make: ({ k }, { lr }) => rate(t => lr * Math.exp(-k * t)),
  }),
  'inverse-time': kind({
    about: 'Falls like one over time.',
    formula: 'η(t) = η / (1 + k t)',
    options: { k: number(1, 'speed of the fall') },
    make: ({ k }, { lr }) => rate(t => lr / (1 + k * t)),
  }),
  quadratic: kind({
    about: 'Falls like one over time squared.',
    formula: 'η(t) = η / (1 + k t)²',
    options: { k: number(1, 'speed of the fall') },
    make: ({ k }, { lr }) => rate(t => lr / (1 + k * t) ** 2),
  }),
  linear: kind({
    about: 'A straight line to the end rate.',
    formula: 'η(t) = η + (end − η) min(t / τ, 1)',
    options: { end: number(0, 'last rate'), tau: number(0, 'updates until then; 0 is the whole run') },
    make: ({ end, tau }, { lr, total }) => rate(t => lr + (end - lr) * Math.min(t / (tau || total), 1)),
  }),
  polynomial: kind({
    about: 'To 0 along a power of the time that is left.',
    formula: 'η(t) = η (1 − t / T)^power',
    options: { power: number(1, 'exponent'), total_iters: number(0, 'updates until 0; 0 is the whole run') },
    make: ({ power, total_iters }, { lr, total }) => rate(t => lr * (1 - Math.min(t / (total_iters || total), 1)) ** power),
  }),
  power: kind({
    about: 'A slow power of time.',
    formula: 'η(t) = η (1 + b t)^−a',
    options: { a: number(0.75, 'exponent'), b: number(1e-4, 'speed of the fall') },
    make: ({ a, b }, { lr }) => rate(t => lr * (1 + b * t) ** -a),
  }),
  /** One descent (Loshchilov & Hutter 2016). */
  cosine: kind({
    about: 'Half a cosine down to the least rate.',
    formula: 'η(t) = η_min + ½ (η − η_min) (1 + cos(π t / T))',
    options: { eta_min: number(0, 'least rate'), T_max: number(0, 'updates; 0 is the whole run') },
    make({ eta_min, T_max }, { lr, total }) {
      const length = T_max || total;
      return rate(t => eta_min + (lr - eta_min) * half(Math.min(t, length) / length));
    },
  }),
  /** Loshchilov & Hutter 2016. */
  sgdr: kind({
    about: 'Cosines with warm restarts, each longer than the last.',
    formula: 'cosine over T₀, T₀·T_mult, T₀·T_mult² … updates',
    options: {
      T_0: needed(500, 'updates of the first descent', { min: 1 }),
      T_mult: number(1, 'each descent is so many times longer', { min: 1 }),
      eta_min: number(0, 'least rate'),
    },
    make: ({ T_0, T_mult, eta_min }, { lr }) =>
      rate(t => {
        let at = T_mult === 1 ? t % T_0 : t; // without growth the loop would go through every descent
        let length = T_0;
        while (at >= length) {
          at -= length;
          length *= T_mult;
        }
        return eta_min + (lr - eta_min) * half(at / length);
      }),
  }),
  /** Smith 2017, this and the next two. */
  triangular: cyclical(
    {
      about: 'Up to the largest rate and down again, over and over.',
      formula: 'η(t) = η + (max_lr − η) · triangle(t / step_size_up)',
    },
    () => 1,
  ),
  triangular2: cyclical({ about: 'Triangles half as high each time.', formula: 'height 2^−cycle' }, cycle => 0.5 ** cycle),
  'exp-range': cyclical({ about: 'Triangles whose height shrinks with time.', formula: 'height γ^t' }, (_, t, gamma) => gamma ** t),
  /** Smith & Topin 2017, as torch.optim.OneCycleLR. */
  onecycle: kind({
    about: 'One rise and one long fall, momentum the other way: quick training at large rates.',
    formula: 'max_lr / div → max_lr → max_lr / (div · final_div)',
    options: {
      max_lr: number(0, 'largest rate; 0 is the optimizer\u2019s'),
      pct_start: number(0.3, 'share of the run that rises', WITHIN_0_AND_1),
      div_factor: number(25, 'first rate = max_lr / this', POSITIVE),
      final_div_factor: number(1e4, 'last rate = first / this', POSITIVE),
      base_momentum: number(0.85, 'momentum at the largest rate', SHARE),
      max_momentum: number(0.95, 'momentum at the ends', SHARE),
      anneal: choice('cos', ['cos', 'linear'], 'shape of rise and fall'),
    },
    make(o, { lr, total }) {
      const peak = o.pct_start * total - 1;
      const last = total - 1;
      const max = o.max_lr || lr;
      const initial = max / o.div_factor;
      const final = initial / o.final_div_factor;
      const blend = (start: number, end: number, x: number) => end + (start - end) * (o.anneal === 'cos' ? half(x) : 1 - x);
      return {
        at(t) {
          if (t < peak) return { lr: blend(initial, max, t / peak), momentum: blend(o.max_momentum, o.base_momentum, t / peak) };
          const x = Math.min(1, (t - peak) / (last - peak));
          return { lr: blend(max, final, x), momentum: blend(o.base_momentum, o.max_momentum, x) };
        },
      };
    },
  }),
  /** torch.optim.lr_scheduler.ReduceLROnPlateau on the validation loss. */
  plateau: kind({
    about: 'Smaller when the validation loss stops falling.',
    formula: 'η ← factor · η after patience evaluations',
    options: {
      factor: number(0.1, 'of the rate', WITHIN_0_AND_1),
      patience: number(10, 'evaluations without a better one'),
      threshold: number(1e-4, 'share that counts as better'),
      cooldown: number(0, 'evaluations to wait after a fall'),
      min_lr: number(0, 'least rate'),
    },
    make(o, { lr: first }) {
      let lr = first;
      let best = Infinity;
      let bad = 0;
      let wait = 0;
      return {
        at: () => ({ lr }),
        observe(loss) {
          if (loss < best * (1 - o.threshold)) {
            best = loss;
            bad = 0;
          } else {
            bad++;
          }
          if (wait > 0) {
            wait--;
            bad = 0;
          }
          if (bad <= o.patience) return;
          const next = Math.max(lr * o.factor, o.min_lr);
          if (lr - next > 1e-8) lr = next;
          wait = o.cooldown;
          bad = 0;
        },
      };
    },
  }),
};

/** The values of all options of the schedule `name`. An unknown name, a value out of range and one that is missing are errors. */
export const scheduleOptions = (name: string, given: Readonly<Record<string, unknown>>) =>
  valuesOf(name, optionsOf(lookUp('schedule', name, schedules)), given, {
    who: say`${named('schedule')} ${name}`,
    kind: `option of schedule ${name}`,
  });

/**
 * The schedule `name` with `options` for a run. `warmup` (updates) puts a linear rise from `warmup_from` (a share of the rate, 0 without
 * it) in front; the schedule itself is counted from its end, over the updates that are left.
 */
export function schedule(name: string, options: Readonly<Record<string, unknown>>, run: Run): Schedule {
  const given = scheduleOptions(name, options);
  const { warmup, warmup_from: low } = given;
  check(
    warmup === 0 || warmup < run.total,
    say`${named('schedule')} ${name}: a warm-up of ${warmup} updates leaves nothing of a run of ${run.total}`,
    `give a warmup below ${run.total}`,
    say`more ${named('epochs')} or ${named('steps')}`,
  );
  const made = schedules[name]!.make(given, { ...run, total: run.total - warmup });
  const at = (t: number): Rates => {
    if (t >= warmup) return made.at(t - warmup);
    const { lr, ...others } = made.at(0);
    return { lr: lr * (low + ((1 - low) * t) / warmup), ...others };
  };
  return { ...made, at, ...(schedules[name]!.grows && { grows: true }) };
}
