import type { Layer } from '../engine/graph.ts';

/** What a model is built for: classes, and the images' [channels, height, width]. */
export interface ModelInput { readonly classes: number; readonly shape: readonly [c: number, h: number, w: number] }

/** A model: a function of its input and options that composes layers. */
export type Model = (input: ModelInput, options?: Readonly<Record<string, any>>) => Layer;
