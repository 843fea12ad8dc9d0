/** Which first weights go by the data: they are drawn once a trainer is made (by-data.ts). */
import { schemes } from '../../layers/init.ts';
import type { Model } from '../../models/model.ts';

/**
 * Names of first weights that go by the data: box initialisation (box.ts), in whose nets each hidden layer takes the place of what it is
 * given, or is added to it.
 */
export const BOXES = ['box', 'box-residual'] as const;
export type Box = (typeof BOXES)[number];

/** Whether first weights are made of the images, with all layers in place. */
export const goesByData = ({ initScheme, model }: { initScheme?: string | undefined; model: Pick<Model, 'whitened'> }): boolean =>
  model.whitened !== undefined || (initScheme !== undefined && !Object.hasOwn(schemes, initScheme));
