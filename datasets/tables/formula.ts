/** A formula as text becomes a function of numbers. */
import { Parser } from 'expr-eval-fork';
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

/** Throws where the text is no formula, or names no variable. */
export function functionOf(text: string): Formula {
  const advice = 'write it as sin(3*x) + 0.2*x, with functions as sin, exp, sqrt, abs, min, max and constants pi and e';
  const fail = (error: unknown): never => {
    throw new DescentError(`formula: '${text}' is not understood (${(error as Error).message.split('\n')[0]})`, advice);
  };
  let parsed: ReturnType<Parser['parse']>;
  try {
    parsed = parser.parse(text);
  } catch (error) {
    return fail(error);
  }
  const variables = parsed.variables().sort();
  check(variables.length, `formula: '${text}' names no variable`, advice);
  const f = (x: readonly number[]): number => {
    try {
      return Number(parsed.evaluate(Object.fromEntries(variables.map((name, i) => [name, x[i]!]))));
    } catch (error) {
      return fail(error);
    }
  };
  f(variables.map(() => 0.5)); // a function that does not exist is known now
  return { variables, f };
}
