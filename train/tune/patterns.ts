/** Patterns of parameters' names: `layer*`, `*.bias`, or a layer, which stands for all that is in it. */
import { check, say, some, suggestion, type Message } from '../../engine/check.ts';

/** A name, and those of the layers that it is in: `layer1.0.conv1.weight`, `layer1.0.conv1`, `layer1.0`, `layer1`. */
const withLayers = (name: string): string[] => name.split('.').map((_, i, parts) => parts.slice(0, parts.length - i).join('.'));

/** Whether a pattern is of a name or of a layer that it is in: `*` stands for any letters, `?` for one. */
export function matches(pattern: string, name: string): boolean {
  const literal = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  const whole = new RegExp(`^${literal.replaceAll('*', '.*').replaceAll('?', '.')}$`);
  return withLayers(name).some(layer => whole.test(layer));
}

/** Throws where a pattern is of none of the names; `who` is the option that it is given by. */
export function checkPatterns(who: Message, patterns: readonly string[], names: readonly string[]): void {
  const lost = patterns.find(pattern => !names.some(name => matches(pattern, name)));
  if (lost === undefined) return;
  const known = [...new Set(names.flatMap(withLayers))];
  const outermost = known.filter(name => !name.includes('.'));
  check(
    false,
    say`${who}: '${lost}' is the name of no layer and no parameter`,
    `${suggestion(lost, known)}its layers are ${some(outermost)}`,
  );
}
