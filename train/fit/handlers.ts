/** What is told while a model trains, and what ends it. */
import { check, kindOf } from '../../engine/check.ts';

/** Throws where a listener among `options` is no function, or their signal is none. */
export function checkHandlers(options: object, listeners: readonly string[]): void {
  const given = options as Readonly<Record<string, unknown>>;
  const { signal } = given;
  check(signal === undefined || signal instanceof AbortSignal, `signal: it is ${kindOf(signal)}`, "give an AbortController's signal");
  for (const name of listeners) {
    check(given[name] === undefined || typeof given[name] === 'function', `${name}: it is ${kindOf(given[name])}`, 'give a function');
  }
}
