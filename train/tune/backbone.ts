/** A trained net that comes along, so that others begin with no download: models/trained/README.md says how it was made. */
import { platform } from '../../engine/platform.ts';
import { backboneUrl } from './backbone-url.ts';

/** Its name, in place of a file of weights. */
export const BACKBONE = 'backbone';

/** The bytes of its safetensors file. */
export const backbone = (): Promise<Uint8Array<ArrayBuffer>> => platform().read(backboneUrl());
