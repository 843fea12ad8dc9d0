/** Packages that only some who use Descent need: who installs the library alone is not made to install them. */
import { DescentError } from '../check.ts';

/**
 * For the `catch` of an import of the package `name`, which `purpose` takes: throws in one line that says what to install; `otherwise` is what
 * one may do in place of that. Bundlers of an app's server would not build where a package is missing, unless its import says `webpackIgnore`
 * (webpack, Turbopack) and has a `catch` of its own (esbuild).
 */
export const absent =
  (name: string, purpose: string, ...otherwise: readonly string[]) =>
  (cause: NodeJS.ErrnoException): never => {
    const { code, message } = cause;
    const why = code === 'ERR_MODULE_NOT_FOUND' ? 'is not installed' : `does not load: ${message.split('\n')[0]}`;
    throw Object.assign(new DescentError(`${purpose} takes the package ${name}, which ${why}`, `npm install ${name}`, ...otherwise), {
      cause,
    });
  };
