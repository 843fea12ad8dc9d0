/** A formula as text becomes a function of numbers. */
import { Parser, type Expression } from 'expr-eval-fork';
import { check, DescentError } from '../../engine/check.ts';

/** Numbers alone: no texts, lists, assignments or functions of the user's own. */
const parser = new Parser({ operators: { assignment: false, fndef: false, in: false, concatenate: false, random: false } });
Object.assign(parser.consts, { pi: Math.PI, e: Math.E });

export interface Formula {
  /** In alphabetical order. */
  readonly variables: readonly string[];
  /** Its value where the variables have those given, in that order. */
  readonly f: (x: readonly number[]) => number;
}

const ADVICE = 'write it as sin(3*x) + 0.2*x, with functions as sin, exp, sqrt, abs, min, max and constants pi and e';

const misread = (text: string, error: unknown): DescentError =>
  new DescentError(`formula: '${text}' is not understood (${(error as Error).message.split('\n')[0]})`, ADVICE);

/** Throws where the text is no formula. */
export function parseFormula(text: string): Expression {
  try {
    return parser.parse(text);
  } catch (error) {
    throw misread(text, error);
  }
}

/** Throws where the text is no formula, or names no variable. */
export function functionOf(text: string): Formula {
  const parsed = parseFormula(text);
  const variables = parsed.variables().sort();
  check(variables.length, `formula: '${text}' names no variable`, ADVICE);
  const f = (x: readonly number[]): number => {
    try {
      return Number(parsed.evaluate(Object.fromEntries(variables.map((name, i) => [name, x[i]!]))));
    } catch (error) {
      throw misread(text, error);
    }
  };
  f(variables.map(() => 0.5)); // a function that does not exist is known now
  return { variables, f };
}
