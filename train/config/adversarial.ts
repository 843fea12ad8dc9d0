/** `--adversarial pgd:epsilon=8/255,steps=10,size=2/255`. */
import { check, lookUp, say, type Message } from '../../engine/check.ts';
import { fraction, number, valuesOf, type Parameters } from '../../engine/parameter.ts';
import { AT_LEAST_0, COUNT, POSITIVE } from '../../engine/range.ts';
import { parseSpec } from '../../engine/spec.ts';
import type { Adversarial } from '../step/trainer-options.ts';

const PGD = {
  epsilon: fraction(8 / 255, '8/255', 'by how much each pixel moves at most', POSITIVE),
  steps: number(10, 'gradients of an attack', COUNT),
  size: fraction(0, '2/255', 'how far each moves every pixel; 2.5 epsilon / steps where it is 0', AT_LEAST_0),
} satisfies Parameters;

export function parseAdversarial(who: Message, text: string): Adversarial {
  const { name, value, options } = parseSpec(who, text);
  lookUp('adversarial training', name, { pgd: PGD });
  check(value === undefined, say`${who}: '${String(value)}' is no option of ${name}`, `write ${name}:key=value`);
  const { size, ...o } = valuesOf(name, PGD, options, { who });
  return { ...o, size: size || (2.5 * o.epsilon) / o.steps };
}
