import * as adaptive from './adaptive.ts';
import * as firstOrder from './first-order.ts';
import { kfac } from './kfac.ts';
import { lsgd } from './lsgd.ts';
import { muon } from './muon.ts';
import { quasiNewtonMethods, type Method } from './quasi-newton.ts';
import type { Rule } from './rule.ts';

/** The first-order optimizers that the command line and the page know, by name. */
export const rules: Readonly<Record<string, Rule>> = Object.fromEntries(
  [...Object.values(firstOrder), ...Object.values(adaptive)].map(rule => [rule.name, rule]),
);

/** Those and the rules that are of nets alone. */
export const netRules: Readonly<Record<string, Rule>> = { ...rules, lsgd, kfac, muon };

/** All optimizers by name. */
export const optimizers: Readonly<Record<string, Rule | Method>> = { ...netRules, ...quasiNewtonMethods };
