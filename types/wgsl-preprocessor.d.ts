declare module 'wgsl-preprocessor/wgsl-preprocessor.js' {
  /** Template tag: joins the text and resolves `#if` / `#elif` / `#else` / `#endif` lines. */
  export function wgsl(strings: TemplateStringsArray, ...values: unknown[]): string;
}
