/** A formula as text becomes a function of numbers. */
import { Parser, type Expression } from 'expr-eval-fork';
import { check, DescentError } from '../../engine/check.ts';

/** Numbers alone: no texts, lists, assignments or functions of the user's own. */
const parser = new Parser({
  allowMemberAccess: false,
  operators: { assignment: false, fndef: false, in: false, concatenate: false, random: false, length: false },
});
parser.consts = { pi: Math.PI, PI: Math.PI, e: Math.E, E: Math.E };
Reflect.deleteProperty(parser.functions, 'random'); // data are the same each time

export interface Formula {
  /** In alphabetical order. */
  readonly variables: readonly string[];
  /** Its value where the variables have those given, in that order. */
  readonly f: (x: readonly number[]) => number;
}

const ADVICE = 'write it as sin(3*x) + 0.2*x, with functions as sin, exp, sqrt, abs, min, max and constants pi and e';
const APPLIED = [...Object.keys(parser.functions), ...Object.keys(parser.unaryOps), 'pi'].filter(name => /^[a-z]{2}/i.test(name));
/** What is misspelt more often than meant as the name of a variable: a function without brackets, a product without its sign, no number. */
const SLIP = new RegExp(`^((${APPLIED.join('|')})?[u-z\\d]+|${APPLIED.join('|')}|Infinity|NaN|true|false)$`);

/** The parser's instructions, of which an expression is made in postfix order. */
export interface Token {
  readonly type: string;
  readonly value: unknown;
}
/** Its types leave out the field in which the parser keeps these. */
type Parsed = Expression & { readonly tokens: readonly Token[] };

/** Whether texts, lists or several values stand among what is computed. */
const isOfNumbers = (tokens: readonly Token[]): boolean =>
  tokens.every(({ type, value }) =>
    type === 'IEXPR'
      ? isOfNumbers(value as readonly Token[])
      : type !== 'IARRAY' && type !== 'IENDSTATEMENT' && (type !== 'INUMBER' || typeof value === 'number'),
  );

/** What people write otherwise than it is read. */
const MISREAD: readonly (readonly [isIn: (text: string) => boolean, problem: string, advice?: string])[] = [
  [text => !text.trim(), 'is empty'],
  [text => opened(text) > 0, 'has a bracket that is not closed', 'write as many ) as ('],
  [text => opened(text) < 0, 'closes a bracket that is not open', 'write as many ( as )'],
  [text => text.includes('**'), 'has **', 'write x^2 for x**2'],
  [text => /(?<![a-z_0-9.])[\d.]+\s*(?!e[+-]?\d)[a-z(]|\)\s*[a-z\d(]/i.test(text), 'lacks an operator', 'write 2*x for 2x'],
  [text => /(?<![<>=!])=(?!=)/.test(text), 'has an =', 'write what stands on its right alone'],
];
const opened = (text: string): number => text.split('(').length - text.split(')').length;

/** What is wrong with a text that the parser, whose own words are of its tokens, has refused. */
function misread(who: string, text: string, advice: string): DescentError {
  const [, problem, remedy] = MISREAD.find(([isIn]) => isIn(text)) ?? [undefined, 'is not understood'];
  return new DescentError(`${who}: '${text}' ${problem}`, remedy ?? advice);
}

/** Throws where the text is no formula of one value; `who` is what it is called in messages, and `advice` what may be written. */
export function parseFormula(text: string, who = 'formula', advice = ADVICE): Parsed {
  let parsed: Parsed;
  try {
    parsed = parser.parse(text) as Parsed;
  } catch {
    throw misread(who, text, advice);
  }
  check(isOfNumbers(parsed.tokens), `${who}: '${text}' is not one value`, advice);
  return parsed;
}

/** Throws where the text is no formula, or names no variable. */
export function functionOf(text: string): Formula {
  const parsed = parseFormula(text);
  const variables = parsed.variables().sort();
  check(variables.length, `formula: '${text}' names no variable`, ADVICE);
  const isSlip = (name: string) => SLIP.test(name) && !/^[u-z]\d*$/.test(name);
  const isCalled = (name: string) =>
    name.length > 1 && new RegExp(`(?<![\\p{L}\\d_])${name.replaceAll('$', '\\$')}\\s*\\(`, 'u').test(text);
  const unknown = variables.find(name => isSlip(name) || isCalled(name));
  check(unknown === undefined, `formula: '${unknown}' is not known`, ADVICE, 'variables as x, x1 or width');
  const f = (x: readonly number[]): number => {
    try {
      return Number(parsed.evaluate(Object.fromEntries(variables.map((name, i) => [name, x[i]!]))));
    } catch {
      throw misread('formula', text, ADVICE);
    }
  };
  f(variables.map(() => 0.5)); // a function that does not exist is known now
  return { variables, f };
}
