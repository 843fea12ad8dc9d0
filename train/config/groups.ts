/** What is said of some parameters alone, by patterns of their names: which keep their values, which have another rate or decay. */
import { check, say, type Message } from '../../engine/check.ts';
import { AT_LEAST_0 } from '../../engine/range.ts';
import { parseNumber } from '../../engine/spec.ts';

/** A factor for the parameters of a pattern; after so many `epochs` it is 0, where it ends. */
export interface Factor {
  readonly pattern: string;
  readonly factor: number;
  readonly epochs?: number;
}

/** `conv1,bn1,layer*`. */
export function parsePatterns(who: Message, text: string): readonly string[] {
  const patterns = text.split(',').map(part => part.trim());
  for (const pattern of patterns) checkPattern(who, pattern, text);
  return patterns;
}

/** `layer*=0.1,fc=1`: of a parameter of several patterns the last one counts. `stem.bias=1@3` is 0 after 3 epochs. */
export function parseFactors(who: Message, text: string): readonly Factor[] {
  return text.split(',').map(part => {
    const [pattern = '', factor, ...more] = part.split('=').map(s => s.trim());
    check(factor !== undefined && !more.length, say`${who}: '${part}' is no pattern and factor`, 'write layer*=0.1,fc=1');
    checkPattern(who, pattern, text);
    const [share = '', epochs, ...rest] = factor.split('@').map(s => s.trim());
    check(!rest.length, say`${who}: '${part}' has more than one @`, 'write a factor and the epochs after which it is 0, as fc=1@3');
    const of = say`${who}: ${pattern}`;
    return {
      pattern,
      factor: parseNumber(of, share, AT_LEAST_0),
      ...(epochs !== undefined && { epochs: parseNumber(of, epochs, AT_LEAST_0) }),
    };
  });
}

function checkPattern(who: Message, pattern: string, text: string): void {
  check(
    /^[\w.*?-]+$/.test(pattern),
    say`${who}: ${pattern ? `'${pattern}' in '${text}' is no name and no pattern of one` : `'${text}' has an empty item`}`,
    "write names of layers or parameters with commas between, as 'conv1,bn1,layer*'",
  );
}
