/**
 * Names of first weights that go by the data: box initialisation (box.ts), in whose nets each hidden layer takes the place of what it is
 * given, or is added to it.
 */
export const BOXES = ['box', 'box-residual'] as const;
export type Box = (typeof BOXES)[number];
