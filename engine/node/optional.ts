/** Packages that only some who use Descent need: who installs the library alone is not made to install them. */
import { DescentError } from '../check.ts';

/**
 * What `load` imports, the package `name` that `purpose` takes. Throws in one line where it is not installed; `otherwise` is what one may do
 * in place of installing it.
 */
export async function optional<T>(name: string, purpose: string, load: () => Promise<T>, ...otherwise: readonly string[]): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === 'ERR_MODULE_NOT_FOUND' ? 'is not installed' : `does not load: ${message.split('\n')[0]}`;
    throw Object.assign(new DescentError(`${purpose} takes the package ${name}, which ${why}`, `npm install ${name}`, ...otherwise), {
      cause,
    });
  }
}
