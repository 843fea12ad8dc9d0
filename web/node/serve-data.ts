/**
 * Gives the page the data sets of this machine's cache, gzipped: under /data/ while Vite serves, in web/dist/data/ where a build asks for
 * them.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Connect, Plugin } from 'vite';
import { datasetFolder, isComplete } from '../../datasets/node/cache.ts';
import { datasets } from '../../datasets/index.ts';
import { lookUp } from '../../engine/check.ts';

/** Bytes that are read, compressed and sent at a time: with those that streams have of themselves a set takes thousands of turns. */
const CHUNK = 1 << 20;

const withFiles = Object.entries(datasets).filter(([, { files }]) => files.length);
async function complete(): Promise<string[]> {
  const whole = await Promise.all(withFiles.map(([name, { files }]) => isComplete(datasetFolder(name), files)));
  return withFiles.filter((_, i) => whole[i]).map(([name]) => name);
}

/** Answers what is asked below /data/: the names of the sets that are there, and their files. */
export const dataHandler: Connect.NextHandleFunction = (request, response, next) => {
  const [, name, file] = /^\/data\/([\w-]+)(?:\.json|\/([\w.-]+))(?:\?.*)?$/.exec(request.url ?? '') ?? [];
  if (!name) return next();
  if (!file && name === 'index') {
    void complete().then(names => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(names)));
    return;
  }
  const known = Object.hasOwn(datasets, name) ? datasets[name]!.files.find(f => `${f.name}.gz` === file) : undefined;
  const absent = () => void response.writeHead(404).end();
  if (!known) return absent();
  const stream = createReadStream(join(datasetFolder(name), known.name), { highWaterMark: CHUNK });
  stream.once('error', absent);
  stream.once('open', () => {
    stream.off('error', absent);
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    // within a machine to compress takes longer than to send
    const isHere = /^(::1|(::ffff:)?127\.)/.test(request.socket.remoteAddress ?? '');
    // who leaves in the middle ends it, and nobody is there to be told
    void pipeline(stream, createGzip({ level: isHere ? 0 : 6, chunkSize: CHUNK }), response).catch(() => undefined);
  });
};

/** `data`: names of the sets to copy into a build, with commas between. */
export function serveData(data = ''): Plugin {
  let out = 'dist';
  return {
    name: 'descent-data',
    configureServer: server => {
      server.middlewares.use(dataHandler);
    },
    configurePreviewServer: server => {
      server.middlewares.use(dataHandler);
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
        for (const file of files)
          await pipeline(
            createReadStream(join(datasetFolder(name), file.name)),
            createGzip(),
            createWriteStream(join(folder, name, `${file.name}.gz`)),
          );
      }
      await writeFile(join(folder, 'index.json'), JSON.stringify(wanted));
    },
  };
}
