/** Functions of x and y that are written as text: their value and gradient in float64, and the gradient as WGSL, by symbolic differentiation. */
import { parseFormula, type Token } from '../../../datasets/tables/formula.ts';
import { check, DescentError } from '../../../engine/check.ts';
import { float } from '../../../shaders/kernel/wgsl.ts';

/** A syntax tree. Derivatives share branches with what they are derived from. */
type Node = number | 'x' | 'y' | Call;
interface Call {
  readonly name: string;
  readonly args: readonly Node[];
}

interface Operation {
  readonly f: (a: number, b: number, c: number) => number;
  readonly wgsl: (a: string, b: string, c: string) => string;
  /** The derivative of `self`, which is this of `args`, whose own derivatives are `d`. */
  readonly derivative: (args: readonly Node[], d: readonly Node[], self: Node) => Node;
}

/** A function of one number with the derivative `outer`, by the chain rule. */
const unary = (f: (a: number) => number, wgsl: string | Operation['wgsl'], outer: (a: Node, self: Node) => Node): Operation => ({
  f,
  wgsl: typeof wgsl === 'string' ? a => `${wgsl}(${a})` : wgsl,
  derivative: ([a], [da], self) => times(outer(a!, self), da!),
});
const compared = (f: (a: number, b: number) => boolean, operator: string): Operation => ({
  f: (a, b) => Number(f(a, b)),
  wgsl: (a, b) => `select(0.0, 1.0, ${a} ${operator} ${b})`,
  derivative: () => 0,
});
/** Keeps the slope of a root at 0 from being 0 / 0. */
const TINY = 1e-18;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  '+': { f: (a, b) => a + b, wgsl: (a, b) => `${a} + ${b}`, derivative: (_, [da, db]) => plus(da!, db!) },
  '-': { f: (a, b) => a - b, wgsl: (a, b) => `${a} - ${b}`, derivative: (_, [da, db]) => minus(da!, db!) },
  '*': {
    f: (a, b) => a * b,
    wgsl: (a, b) => `${a} * ${b}`,
    derivative: ([a, b], [da, db]) => plus(times(da!, b!), times(a!, db!)),
  },
  '/': {
    f: (a, b) => a / b,
    wgsl: (a, b) => `${a} / ${b}`,
    derivative: ([, b], [da, db], self) => over(minus(da!, times(self, db!)), b!),
  },
  '%': {
    f: (a, b) => a % b,
    wgsl: (a, b) => `${a} % ${b}`,
    derivative: ([a, b], [da, db]) => minus(da!, times(call('trunc', over(a!, b!)), db!)),
  },
  '^': {
    f: (a, b) => a ** b,
    wgsl: (a, b) => `pow(${a}, ${b})`,
    derivative: ([a, b], [da, db], self) =>
      typeof b === 'number'
        ? times(times(b, power(a!, b - 1)), da!)
        : times(self, plus(times(db!, call('ln', a!)), over(times(b!, da!), a!))),
  },
  '?': {
    f: (a, b, c) => (a ? b : c),
    wgsl: (a, b, c) => `select(${c}, ${b}, ${a} != 0.0)`,
    derivative: ([a], [, db, dc]) => call('?', a!, db!, dc!),
  },
  '<': compared((a, b) => a < b, '<'),
  '<=': compared((a, b) => a <= b, '<='),
  '>': compared((a, b) => a > b, '>'),
  '>=': compared((a, b) => a >= b, '>='),
  '==': compared((a, b) => a === b, '=='),
  '!=': compared((a, b) => a !== b, '!='),
  sin: unary(Math.sin, 'sin', a => call('cos', a)),
  cos: unary(Math.cos, 'cos', a => minus(0, call('sin', a))),
  tan: unary(Math.tan, 'tan', (_, self) => plus(1, times(self, self))),
  asin: unary(Math.asin, 'asin', a => over(1, call('sqrt', minus(1, times(a, a))))),
  acos: unary(Math.acos, 'acos', a => over(-1, call('sqrt', minus(1, times(a, a))))),
  atan: unary(Math.atan, 'atan', a => over(1, plus(1, times(a, a)))),
  sinh: unary(Math.sinh, 'sinh', a => call('cosh', a)),
  cosh: unary(Math.cosh, 'cosh', a => call('sinh', a)),
  tanh: unary(Math.tanh, 'tanh', (_, self) => minus(1, times(self, self))),
  exp: unary(Math.exp, 'exp', (_, self) => self),
  ln: unary(Math.log, 'log', a => over(1, a)),
  log2: unary(Math.log2, 'log2', a => over(1 / Math.LN2, a)),
  log10: unary(
    Math.log10,
    a => `log(${a}) * ${float(1 / Math.LN10)}`,
    a => over(1 / Math.LN10, a),
  ),
  sqrt: unary(Math.sqrt, 'sqrt', (_, self) => over(0.5, call('max', self, TINY))),
  cbrt: unary(
    Math.cbrt,
    a => `sign(${a}) * pow(abs(${a}), ${float(1 / 3)})`,
    (_, self) => over(1 / 3, call('max', times(self, self), TINY)),
  ),
  abs: unary(Math.abs, 'abs', a => call('sign', a)),
  sign: unary(Math.sign, 'sign', () => 0),
  floor: unary(Math.floor, 'floor', () => 0),
  ceil: unary(Math.ceil, 'ceil', () => 0),
  trunc: unary(Math.trunc, 'trunc', () => 0),
  min: {
    f: (a, b) => Math.min(a, b),
    wgsl: (a, b) => `min(${a}, ${b})`,
    derivative: ([a, b], [da, db]) => call('?', call('<=', a!, b!), da!, db!),
  },
  max: {
    f: (a, b) => Math.max(a, b),
    wgsl: (a, b) => `max(${a}, ${b})`,
    derivative: ([a, b], [da, db]) => call('?', call('>=', a!, b!), da!, db!),
  },
  atan2: {
    f: (a, b) => Math.atan2(a, b),
    wgsl: (a, b) => `atan2(${a}, ${b})`,
    derivative: ([a, b], [da, db]) => over(minus(times(b!, da!), times(a!, db!)), plus(times(a!, a!), times(b!, b!))),
  },
};

function call(name: string, ...args: readonly Node[]): Node {
  const [a, b, c] = args;
  if (args.every(arg => typeof arg === 'number')) return OPERATIONS[name]!.f(a as number, b as number, c as number);
  if (name === '?' && (typeof a === 'number' || b === c)) return a === 0 ? c! : b!;
  return { name, args };
}
const plus = (a: Node, b: Node): Node => (a === 0 ? b : b === 0 ? a : call('+', a, b));
const minus = (a: Node, b: Node): Node => (b === 0 ? a : call('-', a, b));
const times = (a: Node, b: Node): Node => (a === 0 || b === 0 ? 0 : a === 1 ? b : b === 1 ? a : call('*', a, b));
const over = (a: Node, b: Node): Node => (a === 0 ? 0 : b === 1 ? a : call('/', a, b));

/** Whole powers are products: WGSL's pow takes nothing negative. */
function power(a: Node, b: Node): Node {
  if (b === 0.5) return call('sqrt', a);
  if (typeof a === 'number' || typeof b !== 'number' || !Number.isInteger(b) || Math.abs(b) > 64) return call('^', a, b);
  if (b < 0) return over(1, power(a, -b));
  if (b === 0) return 1;
  const half = power(a, Math.floor(b / 2));
  return times(times(half, half), b % 2 ? a : 1);
}

const SHORTENED: Readonly<Record<string, (a: Node, b: Node) => Node>> = { '+': plus, '-': minus, '*': times, '/': over, '^': power };

/** What can be called beside the operations of the same name. */
const CALLS: Readonly<Record<string, { readonly least: number; readonly of: (...args: Node[]) => Node }>> = {
  min: { least: 1, of: (...args) => args.reduce((a, b) => call('min', a, b)) },
  max: { least: 1, of: (...args) => args.reduce((a, b) => call('max', a, b)) },
  hypot: { least: 1, of: (...args) => call('sqrt', args.map(a => times(a, a)).reduce(plus)) },
  pow: { least: 2, of: (a, b) => power(a!, b!) },
  atan2: { least: 2, of: (a, b) => call('atan2', a!, b!) },
  if: { least: 3, of: (a, b, c) => call('?', a!, b!, c!) },
};
/** Names of the parser for operations that have another here. */
const SAME: Readonly<Record<string, string>> = { log: 'ln', lg: 'log10' };
const NAMES = [...Object.keys(OPERATIONS).filter(name => /^[a-z]/.test(name)), ...Object.keys(SAME), 'hypot', 'pow', 'if'];
const WHO = 'f(x, y)';
const ADVICE = `use x, y, numbers, pi, e, + - * / % ^ and ${NAMES.join(', ')}`;
const unknown = (what: string): DescentError =>
  NAMES.includes(what)
    ? new DescentError(`${WHO}: '${what}' is a function`, `write it as ${what}(…)`)
    : new DescentError(`${WHO}: '${what}' is not known`, ADVICE);

function treeOf(tokens: readonly Token[]): Node {
  const stack: Node[] = [];
  const called: string[] = [];
  const operator = (value: unknown, count: number): Node => {
    const [a, b] = stack.splice(-count) as [Node, Node?];
    const name = SAME[String(value)] ?? String(value);
    if (count === 1 && name === '-') return minus(0, a);
    if (count === 1 && name === '+') return a;
    if (!Object.hasOwn(OPERATIONS, name)) throw unknown(name);
    return count === 1 ? call(name, a) : (SHORTENED[name]?.(a, b!) ?? call(name, a, b!));
  };
  for (const { type, value } of tokens) {
    if (type === 'INUMBER') stack.push(value as number);
    else if (type === 'IVAR' && (value === 'x' || value === 'y')) stack.push(value);
    else if (type === 'IVAR' && Object.hasOwn(CALLS, String(value))) called.push(String(value));
    else if (type === 'IOP1') stack.push(operator(value, 1));
    else if (type === 'IOP2') stack.push(operator(value, 2));
    else if (type === 'IOP3') stack.push(call('?', ...stack.splice(-3)));
    else if (type === 'IEXPR') stack.push(treeOf(value as readonly Token[]));
    else if (type === 'IFUNCALL' && called.length) {
      const name = called.pop()!;
      const args = stack.splice(stack.length - Number(value));
      const { least, of } = CALLS[name]!;
      check(args.length >= least, `${WHO}: ${name} of ${args.length} values`, `give it ${least}`);
      stack.push(of(...args));
    } else throw unknown(String(value));
  }
  if (called.length) throw unknown(called[0]!);
  check(stack.length === 1, `${WHO}: is not one value`, 'write it as x^2 + sin(3*y)');
  return stack[0]!;
}

/** The derivative of a tree by x or y. */
function derivative(root: Node, by: 'x' | 'y'): Node {
  const known = new Map<Call, Node>();
  const of = (node: Node): Node => {
    if (typeof node !== 'object') return node === by ? 1 : 0;
    const found = known.get(node);
    if (found !== undefined) return found;
    const made = OPERATIONS[node.name]!.derivative(node.args, node.args.map(of), node);
    known.set(node, made);
    return made;
  };
  return of(root);
}

/** Trees as a list of values, each of those before it; x is the first and y the second. */
interface Step {
  readonly name: string;
  readonly args: readonly number[];
}
function inOrder(roots: readonly Node[]): { readonly steps: readonly (Step | number)[]; readonly at: readonly number[] } {
  const steps: (Step | number)[] = [];
  const places = new Map<Node | string, number>([
    ['x', 0],
    ['y', 1],
  ]);
  const add = (node: Node): number => {
    const known = places.get(node);
    if (known !== undefined) return known;
    const step = typeof node === 'object' ? { name: node.name, args: node.args.map(add) } : (node as number);
    const same = JSON.stringify(step);
    const place = places.get(same) ?? steps.push(step) + 1;
    places.set(node, place).set(same, place);
    return place;
  };
  return { at: roots.map(add), steps };
}

type Plane<T> = (x: number, y: number) => T;

function evaluator(roots: readonly Node[]): Plane<readonly number[]> {
  const { steps, at } = inOrder(roots);
  const values = new Float64Array(steps.length + 2);
  const work = steps.map(step =>
    typeof step === 'number'
      ? { f: () => step, a: 0, b: 0, c: 0 }
      : { f: OPERATIONS[step.name]!.f, a: step.args[0]!, b: step.args[1] ?? 0, c: step.args[2] ?? 0 },
  );
  return (x, y) => {
    values[0] = x;
    values[1] = y;
    for (let i = 0; i < work.length; i++) {
      const { f, a, b, c } = work[i]!;
      values[i + 2] = f(values[a]!, values[b]!, values[c]!);
    }
    return at.map(place => values[place]!);
  };
}

function wgslOf(roots: readonly Node[]): { readonly given: string; readonly values: readonly string[] } {
  const { steps, at } = inOrder(roots);
  const name = (i: number): string => (i < 2 ? 'xy'[i]! : typeof steps[i - 2] === 'number' ? float(steps[i - 2] as number) : `v${i}`);
  const lines = steps.flatMap((step, i) => {
    if (typeof step === 'number') return [];
    const [a, b, c] = step.args.map(name);
    return [`let v${i + 2} = ${OPERATIONS[step.name]!.wgsl(a!, b!, c!)};`];
  });
  return { given: lines.join('\n'), values: at.map(name) };
}

export interface PlaneFunction {
  readonly value: Plane<number>;
  readonly slope: Plane<readonly [number, number]>;
  /** WGSL of the gradient over `x` and `y`: vec2f, after the statements `given`. */
  readonly gradient: string;
  readonly given: string;
}

/** A text such as `x^2 + sin(3*y)` as a function. Throws where it is none. */
export function planeFunction(text: string): PlaneFunction {
  const root = treeOf(parseFormula(text, WHO, ADVICE).tokens);
  check(typeof root !== 'number', `${WHO}: '${text}' is the same everywhere`, 'write it as x^2 + sin(3*y)');
  const slopes = [derivative(root, 'x'), derivative(root, 'y')];
  const all = [root, ...slopes].flatMap(node => inOrder([node]).steps).filter(step => typeof step === 'number');
  const beyond = all.find(v => !(Math.abs(v) <= 3e38));
  check(beyond === undefined, `${WHO}: '${text}' holds the number ${beyond}`, 'keep numbers between -3e38 and 3e38');
  const value = evaluator([root]);
  const slope = evaluator(slopes);
  const { given, values } = wgslOf(slopes);
  return {
    value: (x, y) => value(x, y)[0]!,
    slope: (x, y) => slope(x, y) as [number, number],
    gradient: `vec2f(${values.join(', ')})`,
    given,
  };
}
