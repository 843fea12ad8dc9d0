import type { Texts } from './form.ts';

/** What stands in an address: a configuration, or whom to join. */
export type Address = Texts & { readonly evalEvery?: string; readonly join?: string; readonly stun?: string };
