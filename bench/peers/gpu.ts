/** Gives a browser's library what it looks for in Node: `navigator.gpu`, with the adapter that Descent itself would take. */
import { openAdapter } from '../../engine/node/adapters.ts';

export async function provideGpu(): Promise<string> {
  const { info } = await openAdapter();
  const gpu = {
    requestAdapter: () => openAdapter(),
    getPreferredCanvasFormat: () => 'bgra8unorm',
    wgslLanguageFeatures: new Set(),
  };
  // before Node 21 there is none
  if (!globalThis.navigator) Object.defineProperty(globalThis, 'navigator', { value: { userAgent: 'Node.js' } });
  Object.defineProperty(globalThis.navigator, 'gpu', { value: gpu });
  return info.description;
}
