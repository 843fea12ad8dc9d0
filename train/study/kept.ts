/** Parts of an experiment's work that outlast the command that was stopped: trained weights, rows of a surface. */
import type { Tensors } from '../run/safetensors.ts';
import { decodeSafetensors } from '../run/read-safetensors.ts';
import { encodeSafetensors } from '../run/safetensors.ts';
import type { Lab } from './experiment.ts';

/** The numbers that `work` gives, or that it gave before the experiment was stopped. `name` is that of the part. */
export async function keptNumbers(lab: Lab, name: string, work: () => Promise<Float64Array>): Promise<Float64Array> {
  const before = await lab.kept?.read(name);
  if (before) return new Float64Array(before.slice().buffer);
  const numbers = await work();
  await lab.kept?.write(name, new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
  return numbers;
}

/** As keptNumbers, for sets of weights, as many as `work` gives. */
export async function keptWeights(lab: Lab, name: string, work: () => Promise<readonly Tensors[]>): Promise<readonly Tensors[]> {
  const before = await lab.kept?.read(name);
  if (before) return separate(decodeSafetensors(before, name).tensors);
  const sets = await work();
  await lab.kept?.write(name, encodeSafetensors(together(sets)));
  return sets;
}

/** Sets of weights as one, each under its number. */
const together = (sets: readonly Tensors[]): Tensors =>
  Object.fromEntries(sets.flatMap((set, k) => Object.entries(set).map(([name, tensor]) => [`${k} ${name}`, tensor] as const)));

function separate(tensors: Tensors): Tensors[] {
  const sets: Tensors[] = [];
  for (const [key, tensor] of Object.entries(tensors)) {
    const at = key.indexOf(' ');
    (sets[Number(key.slice(0, at))] ??= {})[key.slice(at + 1)] = tensor;
  }
  return sets;
}
