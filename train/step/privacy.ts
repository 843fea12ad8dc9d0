/** Whether a run is private; private.ts says what it cannot have then. */
import { check, named, say } from '../../engine/check.ts';
import type { Privacy } from '../../optim/accountant.ts';
import { needsGradientAlone } from '../../optim/rule.ts';
import type { Phase } from './phases/phase.ts';

/** The privacy that the optimizer of a run asks for. Throws where it is one of several, or differentiates in other ways too. */
export function privacyOf(phases: readonly Phase[]): Privacy | undefined {
  const all = phases.map(({ optimizer }) => ('rule' in optimizer ? optimizer : undefined));
  const privacy = all.find(optimizer => optimizer?.privacy)?.privacy;
  if (!privacy) return undefined;
  const [only] = all;
  const name = all.length > 1 ? 'there are several' : only!.rule.name;
  check(
    all.length === 1 && needsGradientAlone(only!.rule),
    say`${named('dp')}: is of one optimizer that takes nothing but a gradient, and ${name}${all.length > 1 ? '' : ' looks at images in other ways too'}`,
    say`take ${named('optimizer', 'sgd')}, momentum or adam`,
  );
  return privacy;
}
