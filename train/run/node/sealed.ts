/** Files of a run that say themselves whether they are as they were written. */
import { sha256 } from '../../../datasets/node/sha256.ts';
import { check, named, say } from '../../../engine/check.ts';
import { decodeSafetensors, type Safetensors } from '../read-safetensors.ts';
import { encodeSafetensors, type Tensors } from '../safetensors.ts';
import { readWhole } from './files.ts';

/** The name under which a seal stands in the metadata of a safetensors file, and in config.json. */
export const SEAL = 'sha256';

/** What a seal is of: all but itself, in an order that does not depend on how it was written. */
function sealOf({ tensors, metadata }: Safetensors): string {
  const { [SEAL]: _, ...rest } = metadata;
  const names = Object.keys(tensors).sort();
  const facts = JSON.stringify([Object.entries(rest).sort(), names.map(name => [name, tensors[name]!.shape])]);
  const bytesOf = ({ data }: Tensors[string]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return sha256(facts, ...names.map(name => bytesOf(tensors[name]!)));
}

/** A safetensors file with its seal in the metadata. */
export function encodeSealed(
  tensors: Tensors,
  metadata: Readonly<Record<string, string>>,
): { bytes: Uint8Array<ArrayBuffer>; seal: string } {
  const seal = sealOf({ tensors, metadata });
  return { bytes: encodeSafetensors(tensors, { ...metadata, [SEAL]: seal }), seal };
}

/** Throws unless a file is as its run wrote it; `trusted` is whether the user takes it all the same. */
export function checkSealed(file: string, same: boolean, trusted: boolean): void {
  check(
    same || trusted,
    `${file}: was changed or damaged since the run wrote it`,
    'put back the file that the run wrote',
    say`take it as it is with ${named('trust')}`,
  );
}

/** A safetensors file from disk. One with a seal must be as it was written, unless `trusted`; one from elsewhere has none. */
export function readSafetensors(path: string, trusted = false): Safetensors {
  const file = decodeSafetensors(readWhole(path, 'give a .safetensors file'), path);
  const seal = file.metadata[SEAL];
  checkSealed(path, seal === undefined || seal === sealOf(file), trusted);
  return file;
}
