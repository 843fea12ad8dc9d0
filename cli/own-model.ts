/** A model in a file of the user's own: `descent train ./my-model.ts`. */
import { existsSync, statSync } from 'node:fs';
import { register } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { check, DescentError } from '../engine/check.ts';
import { addModel } from '../models/index.ts';
import type { Model } from '../models/model.ts';
import { isFileName, parseSpec } from '../train/config/spec.ts';

/** Whether a spec names a file of code, which runs when it is loaded. */
export const isOwnModel = (spec: string): boolean => isFileName(parseSpec('model', spec).name);

/** Whether a folder is this user's: what stands in another's may have been put there to be run. */
export const isOwn = (path: string): boolean => process.getuid === undefined || statSync(path).uid === process.getuid();

/** Makes the model known if `spec` names a file: its default export, or its only one, takes { classes, shape } and gives a layer. */
export async function loadOwnModel(spec: string): Promise<void> {
  const { name } = parseSpec('model', spec);
  if (!isFileName(name)) return;
  check(existsSync(name), `model: there is no file ${name}`, 'give a path to a .ts, .js or .mjs file, or a name that descent models lists');
  letImportDescent();
  const loading = import(pathToFileURL(resolve(name)).href).catch((cause: Error) => {
    const [why] = cause.message.split('\n');
    throw Object.assign(new DescentError(`${name}: it cannot be loaded: ${why}`, '--verbose shows where'), { cause });
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
  addModel(name, chosen as Model);
}

let registered = false;

/**
 * Lets a file anywhere write `import … from 'descent'`, whether or not the package is installed beside it, and takes it for an ES module
 * whatever the nearest package.json says: loaded as CommonJS it would get a second copy of the library, whose kernels are not the engine's.
 */
function letImportDescent(): void {
  if (registered) return;
  registered = true;
  const places = ['../index.ts', './index.js'].map(name => new URL(name, import.meta.url)); // the second is a bundle's
  const library = places.find(url => existsSync(url))!.href;
  const resolve = `async (name, context, next) => {
    if (name === 'descent') return next(${JSON.stringify(library)}, context);
    const found = await next(name, context);
    return found.format === 'commonjs' && !found.url.includes('/node_modules/') ? { ...found, format: 'module' } : found;
  }`;
  register(`data:text/javascript,${encodeURIComponent(`export const resolve = ${resolve};`)}`);
}
