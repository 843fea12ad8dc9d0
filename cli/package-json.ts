/** The package that this command line is of: a checkout's, or the one that was built, in which it lies deeper. */
import { existsSync, readFileSync } from 'node:fs';

export const root = ['../', '../../'].map(up => new URL(up, import.meta.url)).find(url => existsSync(new URL('package.json', url)))!;
export const packageJson = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string; description: string };
