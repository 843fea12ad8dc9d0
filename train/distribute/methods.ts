/** The methods of training on several processes, by name: what can be chosen of each, and what it goes with. */
import { check, lookUp, named, say } from '../../engine/check.ts';
import { choice, flag, number, valuesOf, type Described, type Parameters, type Values } from '../../engine/parameter.ts';
import { AT_LEAST_0, COUNT, POSITIVE, SHARE } from '../../engine/range.ts';

interface Kind<P extends Parameters = Parameters> extends Described {
  readonly options: P;
  /** Whether all ranks do each step together, a share of its batch each; else each step is one rank's. */
  readonly together: boolean;
  /** Whether ranks speak every so many steps, as they can over any network; else at every step. */
  readonly seldom?: boolean;
}

const kind = <P extends Parameters>(k: Kind<P>): Kind<P> => k;

export const methods = {
  sync: kind({
    about: 'Each rank computes a share of each batch, and all take the mean of their gradients.',
    formula: 'g = 1/p Σ gᵣ',
    together: true,
    options: {
      reference: number(0, 'batch that the learning rate is for: it is multiplied by batch / reference; 0 leaves it', {
        ...AT_LEAST_0,
        integer: true,
      }),
      warmup: number(5, 'epochs over which it rises to that'),
      'sync-bn': flag(false, 'batch norm by the statistics of all ranks'),
    },
  }),
  local: kind({
    about: 'Ranks that share each batch train by themselves and take the mean of their weights now and then.',
    formula: 'w ← 1/p Σ wᵣ every k steps',
    together: true,
    seldom: true,
    options: {
      every: number(10, 'steps between means', COUNT),
      outer: choice('mean', ['mean', 'nesterov'], 'what is made of the mean'),
      outer_lr: number(0.7, 'rate of nesterov', POSITIVE),
      outer_momentum: number(0.9, 'its momentum', SHARE),
    },
  }),
  downpour: kind({
    about: 'Each rank tells a centre by how much it moved the weights, and takes the centre’s.',
    formula: 'c ← c + Σ Δw;  w ← c',
    together: false,
    options: { push: number(1, 'steps between tellings', COUNT), fetch: number(1, 'steps between takings', COUNT) },
  }),
  'delay-tolerant': kind({
    about: 'AdaGrad at a centre that corrects each gradient for what came since its weights were read.',
    formula: 'w ← w − η g + (η₀ − η) Σ g since',
    together: false,
    options: {},
  }),
  easgd: kind({
    about: 'Weights of each rank and a centre that springs hold together.',
    formula: 'e = α (w − c);  w ← w − e;  c ← c + e',
    together: false,
    seldom: true,
    options: {
      every: number(10, 'steps between pulls', COUNT),
      alpha: number(0.9, 'strength of all springs together', { above: 0, max: 1 }),
    },
  }),
  hogwild: kind({
    about: 'The ranks of one machine change one array of weights without any lock.',
    formula: 'w[i] ← w[i] + Δw[i]',
    together: false,
    options: {},
  }),
};

export type MethodName = keyof typeof methods;

/** Those that browsers can do. */
export const SELDOM = (Object.keys(methods) as MethodName[]).filter(name => (methods[name] as Kind).seldom);

/** A method by its name, with the values of its options. */
export interface Distribution {
  readonly name: MethodName;
  readonly options: Readonly<Record<string, any>>;
}

/** Throws where the name or an option is unknown, or a value is not accepted. */
export function distribution(name: string, given: Readonly<Record<string, unknown>>): Distribution {
  const who = named('distribute');
  lookUp('method of distribution', name, methods);
  const known = name as MethodName;
  const options = valuesOf(name, methods[known].options as Parameters, given, { who: say`${who} ${name}`, kind: `option of ${name}` });
  return { name: known, options };
}

export type OptionsOf<N extends MethodName> = Values<(typeof methods)[N]['options']>;

/** What a run asks for beside its method. */
export interface Asked {
  readonly optimizers: readonly { readonly name: string; readonly isFirstOrder: boolean }[];
  /** Options that put something around the update rule. */
  readonly around: readonly string[];
  /** Whether batches grow. */
  readonly grows: boolean;
  /** Options that keep an average of weights over the steps, or weights of several times. */
  readonly averages: readonly string[];
}

/** Throws where a method does not go with what else a run asks for. */
export function checkDistribution({ name }: Distribution, { optimizers, around, grows, averages }: Asked): void {
  if (name === 'sync') return;
  const who = say`${named('distribute')} ${name}`;
  const sync = say`take ${named('distribute', 'sync')}, which goes with all`;
  check(
    optimizers.length === 1,
    say`${who}: ranks know one optimizer, not ${optimizers.map(o => o.name).join(', then ')}`,
    'name one',
    sync,
  );
  const [only] = optimizers;
  check(
    only!.isFirstOrder,
    say`${who}: ${only!.name} needs the gradients of one batch on all ranks`,
    'take an optimizer of the first order',
    sync,
  );
  check(!grows, say`${who}: a batch that grows gathers gradients over steps, which ranks do by themselves`, 'take another schedule', sync);
  const [average] = averages;
  check(average === undefined, say`${who}: ${named(average ?? '')} is of the weights of one process over time`, 'leave it out', sync);
  if (name !== 'delay-tolerant') return;
  check(
    only!.name === 'adagrad',
    say`${who}: it is Adagrad with a correction, not ${only!.name}`,
    say`give ${named('optimizer', 'adagrad')}`,
    say`take ${named('distribute', 'downpour')}, which goes with all of the first order`,
  );
  const [piece] = around;
  check(
    piece === undefined,
    say`${who}: ${named(piece ?? '')} acts in an update of the device, which this method has none of`,
    'leave it out',
  );
}
