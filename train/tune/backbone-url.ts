/** Where the file of a backbone lies, for modules each in a file of its own; in the one file of the library backbone-url-one-file.ts takes its place. */
export const backboneUrl = (): URL => new URL('../../models/trained/backbone.safetensors', import.meta.url);
