/** A model in a file of the user's own: `descent train ./my-model.ts`. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import module, { register } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { check, DescentError } from '../engine/check.ts';
import type { Layer } from '../engine/graph.ts';
import { absent } from '../engine/node/optional.ts';
import { addModel } from '../models/index.ts';
import type { Model } from '../models/model.ts';
import { isFileName, isNet, parseSpec } from '../engine/spec.ts';
import { openOnnx } from './onnx-file.ts';

/** Whether a spec names a file of code, which runs when it is loaded. */
export const isOwnModel = (spec: string): boolean => isFileName(parseSpec('model', spec).name);

/** Whether a folder is this user's: what stands in another's may have been put there to be run. */
export const isOwn = (path: string): boolean => process.getuid === undefined || statSync(path).uid === process.getuid();

/** A recorded model whose file lies elsewhere now, as `given` says: with the options that it had, unless others are given. */
export function movedTo(recorded: string, given: string): string {
  const { name, value, options } = parseSpec('model', given);
  const isBare = value === undefined && !Object.keys(options).length;
  return isBare ? name + recorded.trim().slice(parseSpec('model', recorded).name.length) : given;
}

const PATHS = 'give a path to a .ts, .js, .mjs or .onnx file, or a name that descent models lists';

/**
 * Makes the model known if `spec` names a file: the net of an ONNX file, or a file of code whose default export, or only one, takes
 * { classes, shape } and gives a layer. `advice` says what to do where there is no such file.
 */
export async function loadOwnModel(spec: string, advice = PATHS): Promise<void> {
  const { name } = parseSpec('model', spec);
  if (isNet(name)) return addModel(name, (await openOnnx(name)).model);
  if (!isFileName(name)) return;
  check(existsSync(name), `model: there is no file ${name}`, advice);
  check(statSync(name).isFile(), `model: ${name} is a folder`, 'give the file in it that exports the model');
  await letLoadTypeScript(name);
  await letImportDescent();
  const path = resolve(name);
  const loading = import(pathToFileURL(path).href).catch((cause: Error) => {
    throw notLoaded(name, path, cause);
  });
  const module = (await loading) as Record<string, unknown>;
  const functions = Object.entries(module).filter(([, value]) => typeof value === 'function');
  const chosen = module.default ?? (functions.length === 1 ? functions[0]![1] : undefined);
  const exported = functions.length ? functions.map(([key]) => key).join(', ') : 'no function';
  check(
    typeof chosen === 'function',
    `${name}: it exports ${exported}`,
    'export default one function of { classes, shape } that returns a layer',
  );
  addModel(name, checked(name, path, chosen as Model));
}

/** What esbuild says of a file that is no TypeScript, in the second line of its message. */
const FAULT = /^(?<file>.+):(?<line>\d+):\d+: ERROR: (?<what>.*)$/;

/** The error of a file that cannot be loaded, with the line at which it breaks off where that is known. */
function notLoaded(name: string, path: string, cause: Error): DescentError {
  const [first, second = ''] = cause.message.split('\n');
  const { file, line, what } = FAULT.exec(second)?.groups ?? {};
  if (file) return because(cause, `${file === path ? name : file}:${line}: ${what}`, 'correct the file there');
  const fault = /\.m?js$/.test(path) ? syntaxFault(path) : undefined;
  if (fault) return because(cause, `${name}:${fault.line}: ${fault.what}`, 'correct the file there');
  const at = lineOf(path, cause);
  return because(cause, `${name}${at}: it cannot be loaded: ${first}`, '--verbose shows where');
}

/** Node's word on a module that is no JavaScript: an error of an import does not carry the line. */
function syntaxFault(path: string): { line: string; what: string } | undefined {
  const checking = ['--input-type=module', '--check', '-'];
  const { stderr } = spawnSync(process.execPath, checking, { input: readFileSync(path), encoding: 'utf8', timeout: 10_000 });
  const { line, what } = /^\[stdin\]:(?<line>\d+)\n[^]*^SyntaxError: (?<what>.*)$/m.exec(stderr)?.groups ?? {};
  return line && what ? { line, what } : undefined;
}

const because = (cause: unknown, problem: string, advice: string): DescentError =>
  Object.assign(new DescentError(problem, advice), { cause });

/** The innermost line of a file that an error passed through: `:12`, or nothing where it did not. */
function lineOf(path: string, { stack = '' }: Error): string {
  const frame = stack.split('\n').find(call => call.includes(`${path}:`));
  return frame ? `:${frame.split(`${path}:`)[1]!.split(':')[0]}` : '';
}

/** A model that says what is wrong with it: the line where it throws, or what it gives in place of a layer. */
function checked(name: string, path: string, model: Model): Model {
  const tried = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (error instanceof DescentError || !(error instanceof Error)) throw error;
      throw because(
        error,
        `${name}${lineOf(path, error)}: ${error.message.split('\n')[0]}`,
        'correct the file there, --verbose shows the calls',
      );
    }
  };
  const make: Model = (input, options) => {
    const layer: unknown = tried(() => model(input, options));
    check(
      typeof layer === 'function',
      `${name}: its function returns ${kindOf(layer)}, which is no layer`,
      'return one, as sequential({ ... }) or dense(classes) gives',
    );
    return (g, x) => {
      const y: unknown = tried(() => (layer as Layer)(g, x));
      const isTensor = typeof y === 'object' && y !== null && 'shape' in y;
      check(isTensor, `${name}: its layer returns ${kindOf(y)}, which is no tensor`, 'return what the last layer in it gives');
      return y as ReturnType<Layer>;
    };
  };
  return Object.assign(make, model); // its options and what it is about
}

function kindOf(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (value instanceof Promise) return 'a promise';
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `the ${typeof value} ${String(value)}`;
}

let registered = false;

/**
 * Lets a file anywhere write `import … from 'descent-gpu'`, whether or not the package is installed beside it, and takes it for an ES module
 * whatever the nearest package.json says: loaded as CommonJS it would get a second copy of the library, whose kernels are not the engine's.
 */
async function letImportDescent(): Promise<void> {
  if (registered) return;
  registered = true;
  const { registerHooks } = module as typeof module & { registerHooks?: (hooks: { resolve: Resolve }) => void }; // of Node 22.15 and later
  if (registerHooks) {
    registerHooks({
      resolve: (name, context, next) => {
        const entry = ENTRIES[name.replace(NAME, '')];
        return entry && NAME.test(name) ? next(entry, context) : asModule(next(name, context));
      },
    });
    return;
  }
  const resolve = `async (name, context, next) => {
    const entry = ${JSON.stringify(ENTRIES)}[name.replace(${NAME}, '')];
    return entry && ${NAME}.test(name) ? next(entry, context) : (${asModule})(await next(name, context));
  }`;
  register(`data:text/javascript,${encodeURIComponent(`export const resolve = ${resolve};`)}`);
}

/** The package as a file imports it, by the name under which it is published or by that of the command. */
const NAME = /^descent(-gpu)?(?=\/|$)/;
const isSource = import.meta.url.endsWith('.ts');
const entry = (path: string): string => new URL(`../${path}.${isSource ? 'ts' : 'js'}`, import.meta.url).href;
const ENTRIES: Readonly<Record<string, string>> = { '': entry('node'), '/models': entry('models'), '/engine': entry('engine') };

interface Resolved {
  readonly url: string;
  readonly format?: string | null | undefined;
}

type Resolve = (name: string, context: unknown, next: (name: string, context: unknown) => Resolved) => Resolved;

const asModule = (found: Resolved): Resolved =>
  found.format?.startsWith('commonjs') && !found.url.includes('/node_modules/')
    ? { ...found, format: found.format.replace('commonjs', 'module') }
    : found;

let reads = process.execArgv.some(word => word.includes('tsx'));

/** Has tsx read TypeScript, whose types alone Node takes away from 22.18 on; who installed the package may do without tsx there. */
async function letLoadTypeScript(file: string): Promise<void> {
  const isStripped = !isSource && (process.features as { typescript?: unknown }).typescript;
  if (reads || isStripped || (!isSource && !/\.[cm]?tsx?$/.test(file))) return;
  const otherwise = ['write it as JavaScript', 'use Node 22.18 or later'];
  const tsx = await import('tsx/esm/api').catch(absent('tsx', `${file}: TypeScript`, ...otherwise));
  tsx.register();
  reads = true;
}
