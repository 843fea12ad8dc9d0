/** Put in by a build: the package's version and the commit. */
declare const __DESCENT__: { readonly version: string; readonly commit: string | undefined };

/** What this build of Descent is; undefined in a checkout, which is run as it stands. */
export const built = typeof __DESCENT__ === 'undefined' ? undefined : __DESCENT__;
