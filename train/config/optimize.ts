/** The optimizers, what surrounds them, and the schedule that a configuration names. */
import { check, lookUp, named, say } from '../../engine/check.ts';
import { rules } from '../../optim/index.ts';
import { optimizer, type Optimizer } from '../../optim/optimizer.ts';
import { clipNorm, clipValue, ema, gradNoise, l1, lookahead, maxNorm, swa, weightDecay, type Piece } from '../../optim/pieces.ts';
import { quasiNewton } from '../../optim/quasi-newton.ts';
import type { Rule } from '../../optim/rule.ts';
import { schedule, schedules, type Schedule } from '../../optim/schedules.ts';
import { OPTIONS, type RunConfig } from './config.ts';
import type { Phase } from '../step/phases.ts';
import { formatSpec, parseSpec, parseSpecs, type Scalar } from './spec.ts';

/** A phase as it is written: `adam:epochs=5`. */
interface Written {
  readonly name: string;
  readonly optimizer: Phase['optimizer'];
  readonly epochs?: number;
}

/** How long an epoch and the run are. */
interface Course {
  readonly stepsPerEpoch: number;
  readonly epochs: number;
}

/** Whether the schedule makes batches grow. */
const grows = (c: RunConfig): boolean =>
  c.schedule !== undefined && Boolean(schedules[parseSpec(named('schedule'), c.schedule).name]?.grows);

/** What is done around a first-order rule, in this order. */
function piecesOf(c: RunConfig, { stepsPerEpoch, epochs }: Course): Piece[] {
  const all = [
    c.clipNorm !== undefined && clipNorm(c.clipNorm),
    c.clipValue !== undefined && clipValue(c.clipValue),
    c.gradNoise > 0 && gradNoise(c.gradNoise),
    c.weightDecay > 0 && weightDecay(c.weightDecay),
    c.l1 > 0 && l1(c.l1),
    c.lookahead !== undefined && lookahead(c.lookahead),
    c.maxNorm !== undefined && maxNorm(c.maxNorm),
    c.ema !== undefined && ema(c.ema),
    c.swa !== undefined && swa(stepsPerEpoch * Math.min(epochs, Math.floor(c.swa * epochs) + 1), stepsPerEpoch),
  ];
  return all.filter(piece => piece !== false);
}

/** A first-order optimizer; a rule with a weight decay of its own takes that of the configuration in place of an L2 penalty. */
function firstOrder(rule: Rule, hyper: Readonly<Record<string, Scalar>>, config: RunConfig, course: Course): Optimizer {
  const own = 'weight_decay' in rule.defaults && config.weightDecay > 0;
  const options = own ? { weight_decay: config.weightDecay, ...hyper } : hyper;
  return optimizer(rule, options, piecesOf(own ? { ...config, weightDecay: 0 } : config, course), { decayBias: config.decayBias });
}

/** What only first-order optimizers do; of two phases with one each it is of that one. */
const FIRST_ORDER = ['clipNorm', 'clipValue', 'gradNoise', 'ema', 'swa', 'lookahead'] as const;
/** What a smooth function of free weights cannot have. */
const NOT_SMOOTH = ['l1', 'maxNorm'] as const;

/** The optimizers of a configuration in order, their hyper-parameters checked. `lr` is the first one's. */
function written(config: RunConfig, course: Course = { stepsPerEpoch: 1, epochs: 1 }): Written[] {
  const specs = parseSpecs(named('optimizer'), config.optimizer);
  check(
    config.swa === undefined || !grows(config),
    say`${named('swa')}: counts updates, which a growing batch makes fewer`,
    say`take ${named('ema')}`,
    'another schedule',
  );
  check(config.swa === undefined || specs.length === 1, say`${named('swa')}: is for one optimizer`, 'leave it out, or the others');
  return specs.map(({ name, value, options: { epochs, ...options } }, i) => {
    check(value === undefined, say`${named('optimizer')}: '${String(value)}' is no hyper-parameter of ${name}`, `write ${name}:key=value`);
    lookUp('optimizer', name, { ...rules, ...quasiNewton });
    checkEpochs(name, epochs, i === specs.length - 1);
    check(
      i > 0 || !grows(config) || (Object.hasOwn(rules, name) && !rules[name]!.probes),
      say`${named('schedule')} batch-growth: ${name} keeps to one batch`,
      'take another optimizer, or another schedule',
    );
    const hyper = { ...options, ...(i === 0 && config.lr !== undefined && { lr: config.lr }) };
    const made = Object.hasOwn(quasiNewton, name)
      ? smooth(name, hyper, config, specs.length === 1)
      : firstOrder(rules[name]!, hyper, config, course);
    return { name, optimizer: made, ...(epochs !== undefined && { epochs: epochs as number }) };
  });
}

/** Every optimizer but the last says for how many epochs it trains. */
function checkEpochs(name: string, epochs: Scalar | undefined, last: boolean): void {
  if (last) {
    check(
      epochs === undefined,
      say`${named('optimizer')}: ${name}:epochs=${epochs} has no optimizer after it`,
      'leave out its epochs, or name the next optimizer',
    );
  } else {
    check(
      Number.isInteger(epochs) && (epochs as number) > 0,
      say`${named('optimizer')}: ${name} has another optimizer after it`,
      `say for how long, as in ${name}:epochs=5`,
    );
  }
}

/** A quasi-Newton method; `alone` where no first-order optimizer comes before or after it. */
function smooth(name: string, hyper: Readonly<Record<string, Scalar>>, config: RunConfig, alone: boolean): Phase['optimizer'] {
  const unfit = [...NOT_SMOOTH, ...(alone ? FIRST_ORDER : [])].find(key => config[key] !== OPTIONS[key].default);
  check(
    !unfit,
    say`${name}: minimises a smooth function of all weights, ${unfit && named(unfit)} is not for it`,
    say`leave that out (${named('weightDecay')} can stay)`,
    'take a first-order optimizer',
  );
  const l2 = { weight: config.weightDecay, biases: config.decayBias };
  return { ...quasiNewton[name]!(hyper), ...(config.weightDecay > 0 && { l2 }) };
}

/** The phases of a run: each optimizer, and for how many steps it trains (the last one to the end). */
export function phasesOf(config: RunConfig, stepsPerEpoch: number): Phase[] {
  const epochs = config.steps === undefined ? config.epochs : config.steps / stepsPerEpoch;
  const phases = written(config, { stepsPerEpoch, epochs: Math.max(1, Math.floor(epochs)) });
  return phases.map(phase => ({
    optimizer: phase.optimizer,
    ...(phase.epochs !== undefined && { steps: phase.epochs * stepsPerEpoch }),
  }));
}

/**
 * The optimizer, with all hyper-parameters spelt out, and its rate: what a configuration must record. Checks the schedule's name and
 * options too.
 */
export function resolvedOptimizer(config: RunConfig): { optimizer: string; lr: number } {
  const phases = written(config);
  const first = phases[0]!.optimizer.hyper.lr;
  scheduleOf(config, first, Infinity);
  const specs = phases.map(({ name, optimizer, epochs }, i) => {
    const { lr, ...hyper } = optimizer.hyper;
    const options: Record<string, Scalar> = { ...(epochs !== undefined && { epochs }), ...(i > 0 && { lr }), ...hyper };
    return formatSpec({ name, options });
  });
  return { optimizer: specs.join(','), lr: first };
}

/** The schedule of a run of `total` updates; none where the rate is constant. Snapshots (Huang 2017) come from cosine cycles. */
export function scheduleOf(config: RunConfig, lr: number, total: number): Schedule | undefined {
  if (config.snapshots !== undefined) {
    check(config.schedule === undefined, say`${named('snapshots')}: brings a schedule of its own`, say`leave out ${named('schedule')}`);
    const span = config.steps === undefined ? `${config.epochs} epochs` : 'a number of steps';
    check(
      config.steps === undefined && config.epochs % config.snapshots === 0,
      say`${named('snapshots')}: ${config.snapshots} cycles do not fit ${span}`,
      say`give ${named('epochs')} a multiple of ${config.snapshots}`,
    );
    return schedule('sgdr', { T_0: total === Infinity ? 1 : total / config.snapshots }, { lr, total });
  }
  if (config.schedule === undefined) return undefined;
  const { name, options, value } = parseSpec(named('schedule'), config.schedule);
  check(value === undefined, say`${named('schedule')}: '${String(value)}' is no option of ${name}`, `write ${name}:key=value`);
  return schedule(name, options, { lr, total });
}

/** What trains, in words: `adam at learning rate 0.001`. */
export function describeOptimizer(config: RunConfig): string {
  const phases = written(config).map(({ name, optimizer, epochs }) => {
    const span = epochs === undefined ? '' : ` for ${epochs} epochs`;
    return `${name} at learning rate ${optimizer.hyper.lr}${span}`;
  });
  return phases.join(', then ') + (config.schedule === undefined ? '' : ` (${config.schedule})`);
}
