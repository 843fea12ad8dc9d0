/** Takes the indentation out of kernels: in their WGSL, which stands in templates, no minifier does. */
import type { Plugin } from 'vite';

export const unindentWgsl = (): Plugin => ({
  name: 'descent-unindent-wgsl',
  apply: 'build',
  enforce: 'pre',
  transform: {
    filter: { id: /\/shaders\/.*\.ts$/ },
    handler: code => ({ code: code.replace(/\n +/g, '\n'), map: null }),
  },
});
