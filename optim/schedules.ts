/** Learning rates as functions of t, the number of updates already made. */
import { check, lookUp, named, say } from '../engine/check.ts';

export interface Rates {
  readonly lr: number;
  /** In place of the optimizer's momentum or beta1. */
  readonly momentum?: number;
  /** Batches whose mean gradient makes one update; 1 without it. */
  readonly batches?: number;
}

/** A schedule of one run. */
export interface Schedule {
  /** The rates of the update after `t` others. */
  at(t: number): Rates;
  /** Tells one that follows the validation loss of it. */
  observe?(loss: number): void;
  /** Whether it gives `batches`. */
  readonly grows?: boolean;
}

/** What a schedule is made for: the optimizer's rate, and the updates of the whole run. */
export interface Course {
  readonly lr: number;
  readonly total: number;
}

type Options = Readonly<Record<string, number | string>>;

interface Kind<O extends Options = any> {
  /** Accepted options with their defaults; NaN where there is none. */
  readonly options: O;
  readonly make: (o: { readonly [K in keyof O]: O[K] extends number ? number : string }, c: Course) => (t: number) => Rates;
  readonly observes?: (o: any, c: Course) => Schedule;
  readonly grows?: boolean;
}

const kind = <O extends Options>(options: O, make: Kind<O>['make'], more: Pick<Kind<O>, 'grows'> = {}): Kind<O> => ({
  options,
  make,
  ...more,
});
const rate =
  (f: (t: number) => number) =>
  (t: number): Rates => ({ lr: f(t) });

/** `milestones=1000/2000` as numbers. */
const milestones = (name: string, text: string): number[] => {
  const at = text.split('/').map(Number);
  check(
    at.every(m => m > 0),
    say`${named('schedule')} ${name}: milestones is '${text}'`,
    'write updates as milestones=1000/2000',
  );
  return at;
};

/** From 1 at 0 to 0 at 1, along half a cosine. */
const half = (x: number) => (1 + Math.cos(Math.PI * x)) / 2;

/** Straight up from lr to max_lr and down again, `height` times as far. */
const cyclical = (height: (cycle: number, t: number, o: { gamma: number }) => number) =>
  kind({ max_lr: NaN, step_size_up: NaN, gamma: 1 }, (o, c) =>
    rate(t => {
      const cycle = Math.floor(t / (2 * o.step_size_up));
      const within = t - 2 * o.step_size_up * cycle;
      return c.lr + (o.max_lr - c.lr) * (1 - Math.abs(within / o.step_size_up - 1)) * height(cycle, t, o);
    }),
  );

/** The schedules by name. Options carry PyTorch's names where it has the schedule; times are in updates. */
export const schedules: Readonly<Record<string, Kind>> = {
  constant: kind({}, (_, c) => rate(() => c.lr)),
  /** lr gamma^floor(t / step_size). */
  step: kind({ step_size: NaN, gamma: 0.1 }, (o, c) => rate(t => c.lr * o.gamma ** Math.floor(t / o.step_size))),
  /** lr times gamma at each of the milestones, written as 20/50/80. */
  multistep: kind({ milestones: '', gamma: 0.1 }, (o, c) => {
    const at = milestones('multistep', o.milestones);
    return rate(t => c.lr * o.gamma ** at.filter(m => t >= m).length);
  }),
  /**
   * Smith et al. 2018: in place of a smaller rate a batch so many `times` larger at each of the milestones. It is the mean over so many
   * batches, whose gradients add up over as many steps before an update. From `most` batches on (0: no limit) the rate falls as often
   * instead.
   */
  'batch-growth': kind(
    { milestones: '', times: 5, most: 0 },
    (o, c) => {
      const at = milestones('batch-growth', o.milestones);
      const whole = (key: string, v: number, least: number) =>
        check(
          Number.isInteger(v) && v >= least,
          say`${named('schedule')} batch-growth: ${key} is ${v}`,
          `give a whole number of at least ${least}`,
        );
      whole('times', o.times, 2);
      whole('most', o.most, 0);
      return t => {
        const wanted = o.times ** at.filter(m => t >= m).length;
        const batches = o.most ? Math.min(wanted, o.most) : wanted;
        return { lr: (c.lr * batches) / wanted, batches };
      };
    },
    { grows: true },
  ),
  /** lr exp(-k t), which is PyTorch's ExponentialLR with gamma = exp(-k). */
  exponential: kind({ k: NaN }, (o, c) => rate(t => c.lr * Math.exp(-o.k * t))),
  /** lr / (1 + k t). */
  'inverse-time': kind({ k: 1 }, (o, c) => rate(t => c.lr / (1 + o.k * t))),
  /** lr / (1 + k t)^2. */
  quadratic: kind({ k: 1 }, (o, c) => rate(t => c.lr / (1 + o.k * t) ** 2)),
  /** Straight from lr to `end` at update tau (at the end of the run without it), then flat. */
  linear: kind({ end: 0, tau: 0 }, (o, c) => rate(t => c.lr + (o.end - c.lr) * Math.min(t / (o.tau || c.total), 1))),
  /** lr (1 - t / total)^power. */
  polynomial: kind({ power: 1, total_iters: 0 }, (o, c) => rate(t => c.lr * (1 - Math.min(t / (o.total_iters || c.total), 1)) ** o.power)),
  /** lr (1 + b t)^-a. */
  power: kind({ a: 0.75, b: 1e-4 }, (o, c) => rate(t => c.lr * (1 + o.b * t) ** -o.a)),
  /** One descent to eta_min over T_max updates, the whole run without it (Loshchilov & Hutter 2016). */
  cosine: kind({ eta_min: 0, T_max: 0 }, (o, c) => {
    const length = o.T_max || c.total;
    return rate(t => o.eta_min + (c.lr - o.eta_min) * half(Math.min(t, length) / length));
  }),
  /** SGDR (Loshchilov & Hutter 2016): cosine descents of T_0, T_0 T_mult, T_0 T_mult^2 … updates. */
  sgdr: kind({ T_0: NaN, T_mult: 1, eta_min: 0 }, (o, c) =>
    rate(t => {
      let at = t;
      let length = o.T_0;
      while (at >= length) {
        at -= length;
        length *= o.T_mult;
      }
      return o.eta_min + (c.lr - o.eta_min) * half(at / length);
    }),
  ),
  /** Smith 2017: step_size_up updates up from lr to max_lr, as many down. */
  triangular: cyclical(() => 1),
  /** As triangular, half as high after each cycle. */
  triangular2: cyclical(cycle => 0.5 ** cycle),
  /** As triangular, gamma^t as high. */
  'exp-range': cyclical((_, t, o) => o.gamma ** t),
  /** Smith & Topin 2017, as torch.optim.OneCycleLR; the momentum goes the other way. `anneal` is cos or linear. */
  onecycle: kind(
    {
      max_lr: 0,
      pct_start: 0.3,
      div_factor: 25,
      final_div_factor: 1e4,
      base_momentum: 0.85,
      max_momentum: 0.95,
      anneal: 'cos',
    },
    (o, c) => {
      check(o.anneal === 'cos' || o.anneal === 'linear', say`${named('schedule')} onecycle: anneal is '${o.anneal}'`, 'give cos or linear');
      const peak = o.pct_start * c.total - 1;
      const last = c.total - 1;
      const max = o.max_lr || c.lr;
      const initial = max / o.div_factor;
      const final = initial / o.final_div_factor;
      const blend = (start: number, end: number, x: number) => end + (start - end) * (o.anneal === 'cos' ? half(x) : 1 - x);
      return t => {
        if (t <= peak) return { lr: blend(initial, max, t / peak), momentum: blend(o.max_momentum, o.base_momentum, t / peak) };
        const x = Math.min(1, (t - peak) / (last - peak));
        return { lr: blend(max, final, x), momentum: blend(o.base_momentum, o.max_momentum, x) };
      };
    },
  ),
  /** torch.optim.lr_scheduler.ReduceLROnPlateau on the validation loss: times `factor` once `patience` evaluations bring nothing new. */
  plateau: {
    options: { factor: 0.1, patience: 10, threshold: 1e-4, cooldown: 0, min_lr: 0 },
    make: (_, c) => rate(() => c.lr),
    observes(o: Record<'factor' | 'patience' | 'threshold' | 'cooldown' | 'min_lr', number>, c) {
      let lr = c.lr;
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
  },
};

/** Options that must be above 0, and those that must lie between 0 and 1. */
const POSITIVE = ['step_size', 'step_size_up', 'T_0', 'div_factor', 'final_div_factor', 'max_lr'];
const SHARES = ['pct_start', 'factor'];

/** What is shown of options without a default; 500 (updates) of others. */
const EXAMPLES: Readonly<Record<string, string>> = { milestones: '1000/2000', max_lr: '0.1', k: '1e-3' };

/**
 * The schedule `name` with `options` for a run. `warmup` (updates) puts a linear rise from `warmup_from` (a share of the rate, 0 without
 * it) in front; the schedule itself is counted from its end, over the updates that are left.
 */
export function schedule(name: string, options: Readonly<Record<string, unknown>>, course: Course): Schedule {
  const { options: defaults, make, observes, grows } = lookUp('schedule', name, schedules);
  const who = say`${named('schedule')} ${name}`;
  const accepted: Record<string, number | string> = { ...defaults, warmup: 0, warmup_from: 0 };
  for (const [key, value] of Object.entries(options)) {
    const known = lookUp(`option of schedule ${name}`, key, accepted);
    if (typeof known === 'string') {
      accepted[key] = String(value);
      continue;
    }
    check(
      typeof value === 'number' && Number.isFinite(value) && value >= 0,
      say`${who}: ${key} is '${String(value)}'`,
      'give a number of at least 0',
    );
    check(value > 0 || !POSITIVE.includes(key), say`${who}: ${key} is ${value}`, 'give a number above 0');
    check((value > 0 && value < 1) || !SHARES.includes(key), say`${who}: ${key} is ${value}`, 'give a number above 0 and below 1');
    check(key !== 'T_mult' || value >= 1, say`${who}: T_mult is ${value}`, 'give a number of at least 1');
    accepted[key] = value;
  }
  const absent = Object.keys(accepted).find(key => Number.isNaN(accepted[key]) || accepted[key] === '');
  check(absent === undefined, say`${who}: ${absent} is missing`, `write ${name}:${absent}=${EXAMPLES[absent!] ?? '500'}`);

  const warmup = accepted.warmup as number;
  const low = accepted.warmup_from as number;
  check(
    warmup === 0 || warmup < course.total,
    say`${who}: a warm-up of ${warmup} updates leaves nothing of a run of ${course.total}`,
    `give a warmup below ${course.total}`,
    say`more ${named('epochs')} or ${named('steps')}`,
  );
  const rest = { ...course, total: course.total - warmup };
  const watched = observes?.(accepted, rest);
  const follow = watched ? watched.at : make(accepted, rest);
  const at = (t: number): Rates => {
    if (t >= warmup) return follow(t - warmup);
    const { lr, ...others } = follow(0);
    return { lr: lr * (low + ((1 - low) * t) / warmup), ...others };
  };
  return { at, ...(watched && { observe: watched.observe! }), ...(grows && { grows }) };
}
