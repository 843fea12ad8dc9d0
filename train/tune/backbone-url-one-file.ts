/** Where the file of a backbone lies beside the one file of the library (see min.ts). */
export function backboneUrl(): URL {
  const file = './models/trained/backbone.safetensors'; // a literal would have the build put the bytes into the one file
  return new URL(file, import.meta.url);
}
