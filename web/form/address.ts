import type { Texts } from './texts.ts';

/** What stands in an address: a configuration, or whom to join. */
export type Address = Texts & { readonly evalEvery?: string; readonly join?: string; readonly stun?: string };
