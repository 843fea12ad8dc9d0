/** The optimizers of a configuration: what its text, its regularisers and its rate stand for. */
import { check, lookUp, named, say, type Named } from '../../engine/check.ts';
import type { Scalar } from '../../engine/parameter.ts';
import { formatSpec, parseSpecs } from '../../engine/spec.ts';
import { netRules, optimizers } from '../../optim/index.ts';
import type { Piece } from '../../optim/pieces.ts';
import { quasiNewton, quasiNewtonMethods, type QuasiNewton } from '../../optim/quasi-newton.ts';
import { hyperParameters, type Hyper, type Rule } from '../../optim/rule.ts';
import { checkBelongs } from './belongs.ts';
import type { RunConfig } from './config.ts';
import type { Lengths } from './option.ts';
import { KEYS, optionOf, type Key } from './options.ts';
import { parseLookahead } from './regularisers.ts';

/** A rule with its hyper-parameters, and what is done around it once it is known how long an epoch is. */
export interface FirstOrder {
  readonly name: string;
  readonly rule: Rule;
  readonly hyper: Hyper;
  readonly around: readonly ((lengths: Lengths) => Piece)[];
}

/** One of the optimizers that train one after another; each but the last says for how many epochs. */
export type Method = (FirstOrder | QuasiNewton) & { readonly epochs?: number };

/** Regularisers under which the loss is no smooth function of free weights. */
const NOT_SMOOTH: readonly Key[] = ['l1', 'l1Proximal', 'maxNorm'];

/** The regularisers that a configuration asks for, in the order in which they act. */
export const regularisersOf = (config: RunConfig): Key[] =>
  KEYS.filter(key => {
    const { piece, default: usual, off = usual } = optionOf(key);
    return piece && config[key] !== undefined && config[key] !== off;
  });

/** Whether lookahead goes by where the run ends. */
function lookaheadEnds({ lookahead }: RunConfig): boolean {
  if (lookahead === undefined) return false;
  const { end, slow } = parseLookahead(named('lookahead'), String(lookahead));
  return end > 0 || slow;
}

/** The optimizers of a configuration in order; `grows` is whether its schedule makes batches grow. */
export function optimizersFrom(config: RunConfig, grows: boolean): Method[] {
  const specs = parseSpecs(named('optimizer'), config.optimizer);
  check(
    config.swa === undefined || !grows,
    say`${named('swa')}: counts updates, which a growing batch makes fewer`,
    say`take ${named('ema')}`,
    'another schedule',
  );
  const ends = lookaheadEnds(config) ? 'lookahead' : (['lrOf', 'weightDecayOf'] as const).find(key => config[key]?.includes('@'));
  check(
    ends === undefined || !grows,
    say`${named('schedule')} batch-growth: makes fewer updates, and ${ends && named(ends)} counts them to an end`,
    'leave the end out',
    'another schedule',
  );
  check(config.swa === undefined || specs.length === 1, say`${named('swa')}: is for one optimizer`, 'leave it out, or the others');
  check(
    config.swa === undefined || config.ema === undefined,
    say`${named('swa')}: averages the weights, as ${named('ema')} does`,
    'leave one of them out',
  );
  return specs.map(({ name, value, options: { epochs, ...options } }, i) => {
    check(value === undefined, say`${named('optimizer')}: '${String(value)}' is no hyper-parameter of ${name}`, `write ${name}:key=value`);
    lookUp('optimizer', name, optimizers);
    checkBelongs(name, options);
    checkEpochs(name, epochs, i === specs.length - 1);
    if (i === 0) checkOnce(named('lr', config.lr), name, 'lr', options.lr);
    // config.json of earlier runs has a 0 that nobody asked for
    checkOnce(named('weightDecay', config.weightDecay || undefined), name, 'weight_decay', options.weight_decay);
    check(
      i > 0 || !grows || (Object.hasOwn(netRules, name) && !netRules[name]!.probes),
      say`${named('schedule')} batch-growth: ${name} keeps to one batch`,
      'take another optimizer, or another schedule',
    );
    const hyper = { ...options, ...(i === 0 && config.lr !== undefined && { lr: config.lr }) };
    const made = Object.hasOwn(quasiNewtonMethods, name)
      ? smooth(name, hyper, config, specs.length === 1)
      : firstOrder(name, hyper, config);
    return { ...made, ...(epochs !== undefined && { epochs: epochs as number }) };
  });
}

/** Throws where an option and the optimizer's own hyper-parameter differ: neither would be known to count. A run that is kept has both alike. */
function checkOnce(given: Named, optimizer: string, key: string, own: Scalar | undefined): void {
  const is = given.to === undefined || own === undefined || given.to === own;
  check(is, say`${given}: there is ${named('optimizer', `${optimizer}:${key}=${own}`)} too`, 'leave one of the two out');
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

/** A rule and what is around it; one with a weight decay of its own takes that of the configuration in place of an L2 penalty. */
function firstOrder(name: string, given: Readonly<Record<string, Scalar>>, config: RunConfig): FirstOrder {
  const rule = netRules[name]!;
  const own = 'weight_decay' in rule.hyper;
  const decay = own && config.weightDecay !== undefined ? { weight_decay: config.weightDecay } : {};
  const around = regularisersOf(config)
    .filter(key => !own || key !== 'weightDecay')
    .map(key => (lengths: Lengths) => optionOf(key).piece!(config[key], lengths));
  return { name, rule, hyper: hyperParameters(name, rule.hyper, { ...decay, ...given }), around };
}

/** A quasi-Newton method; `alone` where no first-order optimizer comes before or after it, which would have the other regularisers. */
function smooth(name: string, hyper: Readonly<Record<string, Scalar>>, config: RunConfig, alone: boolean): QuasiNewton {
  const grouped = (['lrOf', 'weightDecayOf'] as const).find(key => config[key] !== undefined);
  const unfit = grouped ?? regularisersOf(config).find(key => key !== 'weightDecay' && (alone || NOT_SMOOTH.includes(key)));
  check(
    !unfit,
    say`${name}: minimises a smooth function of all weights, ${unfit && named(unfit)} is not for it`,
    say`leave that out (${named('weightDecay')} can stay)`,
    'take a first-order optimizer',
  );
  const { weightDecay = 0, decayBias } = config;
  return { ...quasiNewton(quasiNewtonMethods[name]!, hyper), ...(weightDecay > 0 && { l2: { weight: weightDecay, biases: decayBias } }) };
}

/** The text of an optimizer that is number `i`; the rate of the first one is an option of its own. */
export function written({ name, epochs, hyper: { lr, ...hyper } }: Method, i: number): string {
  return formatSpec({ name, options: { ...(epochs !== undefined && { epochs }), ...(i > 0 && { lr }), ...hyper } });
}

/** What of an optimizer must stay while it trains, as what it keeps of the past is of it. */
export const lastingOf = (method: Method): string =>
  'rule' in method ? (method.rule.form?.(method.hyper) ?? method.rule).state.join() : JSON.stringify({ ...method.hyper, lr: 0 });
