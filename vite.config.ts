import { defineConfig } from 'vite';
import { serveData } from './web/node/serve-data.ts';

/** The page. DESCENT_WEB_DATA=fashion-mnist,cifar10 puts data sets into the build. */
export default defineConfig({
  root: 'web',
  base: './',
  plugins: [serveData(process.env.DESCENT_WEB_DATA)],
  worker: { format: 'es' },
  build: { outDir: '../dist', emptyOutDir: true, target: 'esnext', chunkSizeWarningLimit: 800 },
  optimizeDeps: { include: ['fastest-levenshtein', 'wgsl-preprocessor/wgsl-preprocessor.js', 'echarts/core', 'echarts/charts', 'echarts/components', 'echarts/renderers'] }, // found later, they would reload the page
  server: { host: 'localhost' },
});
