import type { Model } from './model.ts';
import { lenet5 } from './lenet.ts';

/** The models that the command line and the page know, by name. */
export const models: Readonly<Record<string, Model>> = { lenet5 };
