/** What `balanced`, `0.2,1,3` and `cat=2,dog=1` mean: weights of classes in the loss. */
import { check, named, say, type Message } from '../../engine/check.ts';
import { AT_LEAST_0 } from '../../engine/range.ts';
import type { ClassWeights } from '../data/class-weights.ts';
import { parseNumber } from '../../engine/spec.ts';

export function parseClassWeights(who: Message, text: string): ClassWeights {
  if (text.trim() === 'balanced') return 'balanced';
  const parts = text.split(',').map(part => part.trim());
  if (!text.includes('=')) return parts.map(part => parseNumber(who, part, AT_LEAST_0));
  const named = parts.map((part): [name: string, weight: number] => {
    const at = part.lastIndexOf('=');
    check(at > 0, say`${who}: '${part}' is not name=weight`, 'write cat=2,dog=1, or a number for each class in their order');
    return [part.slice(0, at), parseNumber(say`${who} ${part.slice(0, at)}`, part.slice(at + 1), AT_LEAST_0)];
  });
  const twice = named.find(([name], i) => named.findIndex(([other]) => other === name) < i);
  check(!twice, say`${who}: ${twice?.[0]} is given twice`, 'give it once');
  return Object.fromEntries(named);
}

/** The class weights of a configuration. */
export const classWeightsFrom = (text: string): ClassWeights => parseClassWeights(named('classWeights'), text);
