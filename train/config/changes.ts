/** What of a run changes while it trains, as a text: `400: lr=0.01 weight-decay=1e-4; 600: augment=crop:2,flip`. */
import { check, named, say, type Message } from '../../engine/check.ts';
import { AT_LEAST_0 } from '../../engine/range.ts';
import { parseNumber } from '../../engine/spec.ts';

/** What is otherwise from the step after `after` on: texts by option, or by hyper-parameter of the optimizer. */
export interface WrittenChange {
  readonly after: number;
  readonly values: ChangedValues;
}

/** `lr`, `weightDecay`, `augment` (`none` for no augmentation), and hyper-parameters of the optimizer by PyTorch's names. */
export type ChangedValues = Readonly<Record<string, string>>;

/** The options that may change, and how each is written; all else is a hyper-parameter. */
const WRITTEN: Readonly<Record<string, string>> = { lr: 'lr', weightDecay: 'weight-decay', augment: 'augment' };

const HOW = 'write 400: lr=0.01 weight-decay=1e-4; 600: augment=none';

/** Reads a text; in the order of the steps. Throws where it is not written so; what a key or a spec may be a recipe knows. */
export function parseChanges(who: Message, text: string): readonly WrittenChange[] {
  const changes = text.split(';').map(part => {
    const [, step, list] = /^\s*([^\s:=]+)\s*:\s*(\S.*?)\s*$/s.exec(part) ?? [];
    check(step !== undefined && list !== undefined, say`${who}: '${part.trim()}' is no step with what changes after it`, HOW);
    return { after: parseNumber(say`${who}: the step`, step, { integer: true, min: 0 }), values: parseValues(who, list) };
  });
  const twice = changes.find(({ after }, i) => changes.findIndex(other => other.after === after) < i);
  check(!twice, say`${who}: step ${twice?.after} comes twice`, 'write all that changes there with spaces between');
  return changes.sort((a, b) => a.after - b.after);
}

function parseValues(who: Message, list: string): ChangedValues {
  const values: Record<string, string> = {};
  for (const item of list.split(/\s+/)) {
    const at = item.indexOf('=');
    const [name, value] = [item.slice(0, at), item.slice(at + 1)];
    check(at > 0 && value && /^[A-Za-z][\w-]*$/.test(name), say`${who}: '${item}' is not key=value`, HOW);
    const key = Object.keys(WRITTEN).find(option => option === name || WRITTEN[option] === name) ?? name;
    check(!Object.hasOwn(values, key), say`${who}: ${name} is given twice for one step`, 'give it once');
    if (key === 'lr' || key === 'weightDecay') parseNumber(say`${who}: ${name}`, value, AT_LEAST_0);
    values[key] = value;
  }
  return values;
}

/** The text of changes; undefined where there are none. */
export const formatChanges = (changes: readonly WrittenChange[]): string | undefined =>
  changes.length ? changes.map(({ after, values }) => `${after}: ${valuesText(values)}`).join('; ') : undefined;

/** `lr=0.01 augment=crop:2,flip`. */
const valuesText = (values: ChangedValues): string =>
  Object.entries(values)
    .map(([key, value]) => `${WRITTEN[key] ?? key}=${value.replaceAll(/\s+/g, '')}`)
    .join(' ');

/** The changes that a configuration asks for. */
export const changesIn = ({ changes }: { readonly changes?: string | undefined }): readonly WrittenChange[] =>
  changes === undefined ? [] : parseChanges(named('changes'), changes);

/** The text of the changes before step number `step`: what a run that has come so far cannot undo. */
export const madeBefore = (config: { readonly changes?: string | undefined }, step: number): string | undefined =>
  formatChanges(changesIn(config).filter(({ after }) => after < step));
