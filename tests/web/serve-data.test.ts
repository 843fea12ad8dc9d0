/** Data sets on their way to the page: gzipped by the server, unpacked, counted and checked by the page. */
import { createServer } from 'node:http';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../train/config/config.ts';
import { openDataset } from '../../web/data/data.ts';
import { dataHandler } from '../../web/node/serve-data.ts';
import { refusal } from '../support/refusal.ts';
import { scratchFolders } from '../support/process/scratch.ts';

const test = suite('data for the page');
const scratch = scratchFolders(test);
const NAME = 't10k-labels-idx1-ubyte';
/** Gives `work` the address of a server of data sets. */
async function serving(work: (address: string) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => dataHandler(request, response, () => void response.writeHead(404).end()));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`).finally(() => server.close());
}

test('a file of the cache comes gzipped and whole, and what is no file of a set does not come', async () => {
  const folder = await scratch();
  const { DESCENT_DATA } = process.env;
  process.env.DESCENT_DATA = folder;
  const bytes = Buffer.alloc(100_000, 'labels');
  mkdirSync(join(folder, 'fashion-mnist'));
  writeFileSync(join(folder, 'fashion-mnist', NAME), bytes);
  writeFileSync(join(folder, 'secret'), bytes);
  try {
    await serving(async address => {
      const answer = await fetch(`${address}data/fashion-mnist/${NAME}.gz`);
      assert.equal(gunzipSync(new Uint8Array(await answer.arrayBuffer())), bytes);
      for (const none of [`fashion-mnist/${NAME}`, 'fashion-mnist/train-images-idx3-ubyte.gz', '../secret', 'nope/x.gz'])
        assert.is((await fetch(`${address}data/${none}`)).status, 404, none);
      let done = 0;
      const count = (bytes: number) => void (done = bytes);
      const config = parseConfig('mlp', { dataset: 'fashion-mnist' });
      const said = await refusal(() => openDataset(config, { files: {}, folders: {} }, address, count));
      assert.match(said, /^fashion-mnist: this site does not have train-images-idx3-ubyte/);
      assert.ok(done === 0 || done === bytes.length, 'what is counted is the file, not what went over the wire');
    });
  } finally {
    if (DESCENT_DATA === undefined) delete process.env.DESCENT_DATA;
    else process.env.DESCENT_DATA = DESCENT_DATA;
  }
});
test.run();
