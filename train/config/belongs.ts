/** Where a hyper-parameter is to be found that an optimizer does not have. */
import { check, named, say, type Message } from '../../engine/check.ts';
import type { Scalar } from '../../engine/parameter.ts';
import { optimizers } from '../../optim/index.ts';
import { KEYS } from './options.ts';

const spaced = (key: string): string => key.replace(/[A-Z]/g, c => `_${c.toLowerCase()}`);

/** Throws at a hyper-parameter that the optimizer `name` lacks and an option, a rule of that name or other optimizers have. */
export function checkBelongs(name: string, given: Readonly<Record<string, Scalar>>): void {
  const own = optimizers[name]!.hyper;
  for (const [key, value] of Object.entries(given)) {
    if (Object.hasOwn(own, key)) continue;
    const advice: Message[] = [];
    const option = KEYS.find(k => spaced(k) === key);
    if (option) advice.push(say`give ${named(option, value)}`);
    if (Object.hasOwn(optimizers, key)) advice.push(say`take ${named('optimizer', key)}`);
    const others = Object.keys(optimizers).filter(other => Object.hasOwn(optimizers[other]!.hyper, key));
    if (others.length) advice.push(say`take ${named('optimizer', `${others[0]}:${key}=${value}`)} (${others.join(', ')} have it)`);
    check(!advice.length, say`${named('optimizer')}: ${name} has no ${key}, it has ${Object.keys(own).join(', ')}`, ...advice);
  }
}
