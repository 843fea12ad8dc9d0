/** The options that put a piece around an update rule (optim/pieces.ts), in the order in which the pieces act. */
import { check, named, say, type Message } from '../../engine/check.ts';
import { valuesOf, type Values } from '../../engine/parameter.ts';
import { ANY_SHARE, AT_LEAST_0, COUNT, POSITIVE, SHARE } from '../../engine/range.ts';
import { parseNumber, parseSpec } from '../../engine/spec.ts';
import type { Privacy } from '../../optim/accountant.ts';
import {
  clipNorm,
  clipValue,
  dpSgd,
  ema,
  gradNoise,
  l1,
  l1Proximal,
  LOOKAHEAD,
  lookahead,
  maxNorm,
  PRIVACY,
  swa,
  weightDecay,
} from '../../optim/pieces.ts';
import { number, option, spec, type Option, type Type } from './option.ts';

/** What is asked for in a text, `clip=1,noise=1.1,delta=1e-5`. */
function parsePrivacy(who: Message, text: string): Privacy {
  const checkPairs = (is: boolean, given: string) =>
    check(is, say`${who}: '${given}' is not key=value`, 'write clip=1,noise=1.1,delta=1e-5');
  checkPairs(text !== '', text);
  const { value, options } = parseSpec(who, `dp:${text}`);
  checkPairs(value === undefined, String(value));
  return valuesOf('dp', PRIVACY, options, { who });
}

/** What is asked for in a text, `5` or `5:alpha=1,end=0.2`. */
export function parseLookahead(who: Message, text: string): Values<typeof LOOKAHEAD> & { readonly k: number } {
  const { name, value, options } = parseSpec(who, text);
  const k = parseNumber(who, value === undefined ? name : text, COUNT);
  return { k, ...valuesOf('lookahead', LOOKAHEAD, options, { who }) };
}

/** A number of updates, or a text where more is said. */
const EVERY: Type<number | string> = {
  parse(who, text) {
    const { k } = parseLookahead(who, text);
    return text.includes(':') ? text : k;
  },
};

export const REGULARISERS = {
  dp: option({
    flags: '--dp <k=v,...>',
    help:
      'private training (DP-SGD): the gradient of each image clipped to the length clip=1, noise of deviation noise=1.1 such lengths on their sum; ' +
      'epsilon is told for delta=1e-5',
    type: spec([], parsePrivacy),
    piece: text => dpSgd(parsePrivacy(named('dp'), text)),
  }),
  clipNorm: option({
    flags: '--clip-norm <length>',
    help: 'greatest length of the gradient of all parameters together',
    type: number(POSITIVE),
    group: 'Gradients and averages',
    label: 'Clip the gradient\u2019s length',
    formula: 'g ← g · min(1, c / ‖g‖)',
    piece: clipNorm,
  }),
  clipValue: option({
    flags: '--clip-value <size>',
    help: 'greatest size of each value of the gradient',
    type: number(POSITIVE),
    group: 'Gradients and averages',
    label: 'Clip its values',
    formula: 'g ← clamp(g, −c, c)',
    piece: clipValue,
  }),
  gradNoise: option({
    flags: '--grad-noise <eta>',
    help: 'Gaussian noise of variance eta / (1 + t)^0.55 on the gradient',
    default: 0,
    type: number(AT_LEAST_0),
    group: 'Gradients and averages',
    label: 'Gradient noise',
    formula: 'g ← g + N(0, η / (1+t)^0.55)',
    piece: gradNoise,
  }),
  weightDecay: option({
    flags: '--weight-decay <rate>',
    help: 'L2 penalty; of adamw decoupled, 0.01 where none is given',
    type: number(AT_LEAST_0),
    off: 0,
    group: 'Regularisation',
    label: 'L2 penalty (weight decay)',
    formula: 'g ← g + λ w',
    piece: weightDecay,
  }),
  l1: option({
    flags: '--l1 <rate>',
    help: 'L1 penalty on the gradient, under which weights come near 0; with an L2 penalty too, the elastic net',
    default: 0,
    type: number(AT_LEAST_0),
    group: 'Regularisation',
    label: 'L1 penalty',
    hint: 'Pulls weights to 0, about which they then swing; none becomes 0 itself.',
    formula: 'g ← g + λ sign(w)',
    piece: l1,
  }),
  l1Proximal: option({
    flags: '--l1-proximal <rate>',
    help: 'L1 penalty as a soft threshold after each update, of rate times the learning rate: weights become 0 and stay so',
    default: 0,
    type: number(AT_LEAST_0),
    group: 'Regularisation',
    label: 'L1 by soft threshold',
    formula: 'w ← sign(w) max(|w| − ηλ, 0)',
    piece: l1Proximal,
  }),
  lookahead: option({
    flags: '--lookahead <k[:k=v,...]>',
    help:
      'every k updates go back half the way to the weights k updates ago; 5:alpha=1,end=0.2,power=3,slow=true goes the more of it the nearer ' +
      'the end, where it leaves slow weights',
    type: EVERY,
    group: 'Gradients and averages',
    formula: 's ← s + ½ (w − s);  w ← s',
    piece(text, { steps: updates }) {
      const { k, alpha, ...path } = parseLookahead(named('lookahead'), String(text));
      return lookahead(k, alpha, { ...path, updates });
    },
  }),
  maxNorm: option({
    flags: '--max-norm <length>',
    help: 'greatest length of the incoming weights of a unit',
    type: number(POSITIVE),
    group: 'Regularisation',
    label: 'Greatest length of weights',
    formula: '‖w of a unit‖ ≤ c',
    piece: maxNorm,
  }),
  ema: option({
    flags: '--ema <decay>',
    help: 'evaluate a moving average of the weights; 1 averages all alike',
    type: number(ANY_SHARE),
    group: 'Gradients and averages',
    label: 'Moving average (EMA)',
    formula: 'a ← d a + (1−d) w',
    piece: ema,
  }),
  swa: option({
    flags: '--swa <share>',
    help: 'evaluate the mean of the weights after each epoch from this share of the run on, as 0.75',
    type: number(SHARE),
    group: 'Gradients and averages',
    label: 'Average of epochs (SWA)',
    formula: 'a ← mean of w after each epoch',
    piece: (share, { stepsPerEpoch, epochs }) => swa(stepsPerEpoch * Math.min(epochs, Math.floor(share * epochs) + 1), stepsPerEpoch),
  }),
} as const satisfies Readonly<Record<string, Option>>;
