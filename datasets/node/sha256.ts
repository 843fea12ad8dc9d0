import { createHash } from 'node:crypto';

/** SHA-256 in hex of parts, one after the other. */
export const sha256 = (...parts: readonly (string | Uint8Array)[]): string =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');
