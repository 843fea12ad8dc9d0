import * as adaptive from './adaptive.ts';
import * as firstOrder from './first-order.ts';
import { kfac } from './kfac.ts';
import { lsgd } from './lsgd.ts';
import { muon } from './muon.ts';
import { quasiNewtonMethods, type Method } from './quasi-newton.ts';
import type { ByName, Rule } from './rule.ts';

/** The first-order optimizers that the command line and the page know, by name. */
export const rules = Object.fromEntries(
  [...Object.values(firstOrder), ...Object.values(adaptive)].map(rule => [rule.name, rule]),
) as Readonly<Record<string, Rule>> & ByName<typeof firstOrder> & ByName<typeof adaptive>;

/** Those and the rules that are of nets alone. */
export const netRules: typeof rules & Readonly<Record<'lsgd' | 'kfac' | 'muon', Rule>> = { ...rules, lsgd, kfac, muon };

/** All optimizers by name. */
export const optimizers: Readonly<Record<string, Rule | Method>> = { ...netRules, ...quasiNewtonMethods };
