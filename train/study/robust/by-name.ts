/** Attacks by name, as `descent eval --attack` and the experiments have them. */
import { check, lookUp, say } from '../../../engine/check.ts';
import { fraction, number, valuesOf, type Parameters, type Values } from '../../../engine/parameter.ts';
import { AT_LEAST_0, COUNT, POSITIVE } from '../../../engine/range.ts';
import { formatSpec, parseSpecs } from '../../../engine/spec.ts';
import { STREAMS, uniforms } from '../../../shaders/kernel/random.ts';
import { expected, fgsm, iterated, pgd } from './attacks.ts';
import { carliniWagner, distance } from './carlini-wagner.ts';
import type { Images, Victim } from './victim.ts';

/** What an attack finds where it is made: the range of inputs, and what decides its random starts. */
export interface Surroundings {
  readonly low?: number;
  readonly high?: number;
  readonly seed: number;
}

interface AttackKind {
  readonly about: string;
  readonly options: Parameters;
  run(victim: Victim, images: Images, options: Readonly<Record<string, any>>, around: Surroundings): Promise<Float32Array>;
}

/** An attack whose options are read. */
export interface Attack {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** The name with its options as they were given. */
  readonly text: string;
  /** The attacked images of one batch. */
  run(victim: Victim, images: Images, around: Surroundings): Promise<Float32Array>;
}

const attack = <P extends Parameters>(
  kind: Omit<AttackKind, 'options' | 'run'> & {
    options: P;
    run(victim: Victim, images: Images, options: Values<P>, around: Surroundings): Promise<Float32Array>;
  },
): AttackKind => kind as AttackKind;

const epsilon = fraction(8 / 255, '8/255', 'by how much each value moves at most', POSITIVE);
const size = fraction(0, '2/255', 'how far each step moves every value; 2.5 epsilon / steps where it is 0', AT_LEAST_0);
const eot = number(1, 'draws over which a gradient is the mean, for nets that draw noise', COUNT);
const steps = (n: number) => number(n, 'gradients', COUNT);
const restarts = number(1, 'random starts', COUNT);

const sized = <T extends { readonly size: number }>({ size, ...o }: T) => ({ ...o, ...(size > 0 && { size }) });

export const ATTACKS = {
  fgsm: attack({
    about: 'fast gradient sign method (Goodfellow et al. 2015)',
    options: { epsilon, eot },
    run: async (victim, { x, labels }, { eot, ...o }, around) =>
      fgsm(expected(await victim.oracle('cross-entropy'), eot), x, labels, { ...o, ...around }),
  }),
  ifgsm: attack({
    about: 'many small steps of it (Kurakin et al. 2017)',
    options: { epsilon, steps: steps(20), size, eot },
    run: async (victim, { x, labels }, { eot, ...o }, around) =>
      iterated(expected(await victim.oracle('cross-entropy'), eot), x, labels, { ...sized(o), ...around }),
  }),
  pgd: attack({
    about: 'such steps from random starts (Madry et al. 2018)',
    options: { epsilon, steps: steps(20), size, restarts, eot },
    run: async (victim, { x, labels }, { eot, ...o }, { seed, ...range }) =>
      pgd(expected(await victim.oracle('cross-entropy'), eot), x, labels, {
        ...sized(o),
        ...range,
        draw: uniforms(seed, STREAMS.sample, 1),
      }),
  }),
  margin: attack({
    about: 'PGD on the margin of Carlini & Wagner 2017',
    options: { epsilon, steps: steps(20), size, restarts, eot },
    run: async (victim, { x, labels }, { eot, ...o }, { seed, ...range }) =>
      pgd(expected(await victim.oracle('margin'), eot), x, labels, { ...sized(o), ...range, draw: uniforms(seed, STREAMS.sample, 1) }),
  }),
  cw: attack({
    about: 'the nearest mistake under L2 (Carlini & Wagner 2017)',
    options: {
      epsilon: fraction(0, '0.5', 'greatest L2 distance that counts; any where it is 0', AT_LEAST_0),
      steps: number(100, 'updates by Adam for each weighing of the loss', COUNT),
      search: number(6, 'weighings that are tried', COUNT),
      lr: number(0.01, 'rate of Adam', POSITIVE),
      c: number(0.1, 'first weighing', POSITIVE),
      confidence: number(0, 'by how much the wrong logit is to be larger', { min: 0, below: 50 }),
      eot,
    },
    async run(victim, { x, labels }, { eot, epsilon, ...o }, around) {
      const moved = await carliniWagner(expected(await victim.oracle('margin'), eot), x, labels, { ...o, ...around });
      const width = x.length / labels.length;
      for (let i = 0; i < labels.length && epsilon > 0; i++) {
        if (distance(moved, x, i, width) > epsilon) moved.set(x.subarray(i * width, (i + 1) * width), i * width);
      }
      return moved;
    },
  }),
} as const satisfies Readonly<Record<string, AttackKind>>;

/** The attack called `name` with `given` in place of its defaults. */
export function attackOf(name: string, given: Readonly<Record<string, unknown>> = {}, text = name): Attack {
  const kind: AttackKind = lookUp('attack', name, ATTACKS);
  const options = valuesOf(name, kind.options, given);
  return { name, options, text, run: (victim, images, around) => kind.run(victim, images, options, around) };
}

/** The attacks that a text names, as `fgsm:epsilon=8/255,pgd:steps=20,restarts=3`. */
export const attacksFrom = (who: string, text: string): Attack[] =>
  parseSpecs(who, text).map(spec => {
    check(spec.value === undefined, say`${who}: '${String(spec.value)}' is no option of ${spec.name}`, `write ${spec.name}:key=value`);
    return attackOf(spec.name, spec.options, formatSpec(spec));
  });
