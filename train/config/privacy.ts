/** `--dp clip=1,noise=1.1,delta=1e-5`. */
import { check, say, type Message } from '../../engine/check.ts';
import { number, valuesOf } from '../../engine/parameter.ts';
import { POSITIVE } from '../../engine/range.ts';
import { parseSpec } from '../../engine/spec.ts';
import type { Privacy } from '../../optim/accountant.ts';

const PRIVACY = {
  clip: number(1, 'greatest length of the gradient of an image', POSITIVE),
  noise: number(1.1, 'deviation of the noise on the sum of a batch, in such lengths', POSITIVE),
  delta: number(1e-5, 'probability for which the guarantee may fail', { above: 0, below: 1 }),
};

/** The options in a text, `clip=1,noise=1.1`. */
export function parsePrivacy(who: Message, text: string): Privacy {
  const checkPairs = (is: boolean, given: string) =>
    check(is, say`${who}: '${given}' is not key=value`, 'write clip=1,noise=1.1,delta=1e-5');
  checkPairs(text !== '', text);
  const { value, options } = parseSpec(who, `dp:${text}`);
  checkPairs(value === undefined, String(value));
  return valuesOf('dp', PRIVACY, options, { who });
}
