/** Put in by the build: the package's version and the commit. */
declare const __DESCENT__: { readonly version: string; readonly commit: string | undefined };
export const built = __DESCENT__;
