/** Gives the page the data sets of this machine's cache: under /data/ while Vite serves, in web/dist/data/ where a build asks for them. */
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Connect, Plugin } from 'vite';
import { datasetFolder, isComplete } from '../../datasets/node/cache.ts';
import { datasets } from '../../datasets/index.ts';
import { lookUp } from '../../engine/check.ts';

const withFiles = Object.entries(datasets).filter(([, { files }]) => files.length);
async function complete(): Promise<string[]> {
  const whole = await Promise.all(withFiles.map(([name, { files }]) => isComplete(datasetFolder(name), files)));
  return withFiles.filter((_, i) => whole[i]).map(([name]) => name);
}

/** `data`: names of the sets to copy into a build, with commas between. */
export function serveData(data = ''): Plugin {
  let out = 'dist';
  const handler: Connect.NextHandleFunction = (request, response, next) => {
    const [, name, file] = /^\/data\/([\w-]+)(?:\.json|\/([\w.-]+))(?:\?.*)?$/.exec(request.url ?? '') ?? [];
    if (!name) return next();
    if (!file && name === 'index') {
      void complete().then(names => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(names)));
      return;
    }
    const known = Object.hasOwn(datasets, name) ? datasets[name]!.files.find(f => f.name === file) : undefined;
    const absent = () => void response.writeHead(404).end();
    if (!known) return absent();
    const stream = createReadStream(join(datasetFolder(name), known.name));
    stream.once('error', absent);
    stream.once('open', () => {
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': known.bytes });
      stream.pipe(response);
    });
  };
  return {
    name: 'descent-data',
    configureServer: server => {
      server.middlewares.use(handler);
    },
    configurePreviewServer: server => {
      server.middlewares.use(handler);
    },
    configResolved: config => {
      out = config.build.outDir;
    },
    async closeBundle() {
      const wanted = data.split(',').filter(Boolean);
      const there = await complete();
      const folder = resolve(import.meta.dirname, '..', out, 'data');
      await mkdir(folder, { recursive: true });
      for (const name of wanted) {
        const { files } = lookUp('dataset', name, Object.fromEntries(withFiles));
        if (!there.includes(name)) throw new Error(`${name}: is not in the cache; run descent data fetch ${name}`);
        await mkdir(join(folder, name), { recursive: true });
        for (const file of files) await copyFile(join(datasetFolder(name), file.name), join(folder, name, file.name));
      }
      await writeFile(join(folder, 'index.json'), JSON.stringify(wanted));
    },
  };
}
