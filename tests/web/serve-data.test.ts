/** Data sets on their way to the page: gzipped by the server, unpacked, counted and checked by the page. */
import { createServer } from 'node:http';
import { existsSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
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

/** Gives `work` a server whose cache holds a file of labels with these bytes. */
async function servingLabels(bytes: Buffer, work: (address: string, file: string) => Promise<void>): Promise<void> {
  const folder = await scratch();
  const { DESCENT_DATA } = process.env;
  process.env.DESCENT_DATA = folder;
  mkdirSync(join(folder, 'fashion-mnist'));
  const file = join(folder, 'fashion-mnist', NAME);
  writeFileSync(file, bytes);
  try {
    await serving(address => work(address, file));
  } finally {
    if (DESCENT_DATA === undefined) delete process.env.DESCENT_DATA;
    else process.env.DESCENT_DATA = DESCENT_DATA;
  }
}

test('a file of the cache comes gzipped and whole, and what is no file of a set does not come', async () => {
  const bytes = Buffer.alloc(100_000, 'labels');
  await servingLabels(bytes, async address => {
    const answer = await fetch(`${address}data/fashion-mnist/${NAME}.gz`);
    assert.equal(gunzipSync(new Uint8Array(await answer.arrayBuffer())), bytes);
    writeFileSync(join(process.env.DESCENT_DATA!, 'secret'), bytes);
    for (const none of [`fashion-mnist/${NAME}`, 'fashion-mnist/train-images-idx3-ubyte.gz', '../secret', 'nope/x.gz'])
      assert.is((await fetch(`${address}data/${none}`)).status, 404, none);
    let done = 0;
    const count = (bytes: number) => void (done = bytes);
    const config = parseConfig('mlp', { dataset: 'fashion-mnist' });
    const said = await refusal(() => openDataset(config, { files: {}, folders: {} }, address, count));
    assert.match(said, /^fashion-mnist: this site does not have train-images-idx3-ubyte/);
    assert.ok(done === 0 || done === bytes.length, 'what is counted is the file, not what went over the wire');
  });
});

test('who stops reading holds up nobody else, and who leaves in the middle leaves no file open', async () => {
  const bytes = Buffer.alloc(16 << 20, 'labels'); // more than sockets take unread
  await servingLabels(bytes, async (address, file) => {
    const { hostname, port } = new URL(address);
    const sockets = Array.from({ length: 30 }, () => connect(Number(port), hostname));
    for (const [i, socket] of sockets.entries()) {
      socket.write(`GET /data/fashion-mnist/${NAME}.gz HTTP/1.1\r\nhost: localhost\r\n\r\n`);
      if (i % 3 === 0)
        socket.on('connect', () => void socket.destroy()); // before the answer
      else socket.once('data', () => (i % 3 === 1 ? socket.destroy() : socket.pause()));
    }
    const answer = await fetch(`${address}data/fashion-mnist/${NAME}.gz`);
    assert.is(gunzipSync(new Uint8Array(await answer.arrayBuffer())).length, bytes.length);
    for (const socket of sockets) socket.destroy();
    const until = performance.now() + 10_000;
    while (opened(file) && performance.now() < until) await new Promise(done => setTimeout(done, 20));
    assert.is(opened(file), 0);
  });
});

/** How often this process has a file open, on systems that tell. */
function opened(file: string): number {
  const folder = '/proc/self/fd';
  if (!existsSync(folder)) return 0;
  const linked = (fd: string) => {
    try {
      return readlinkSync(join(folder, fd));
    } catch {
      return undefined; // closed since, as that of the folder itself
    }
  };
  return readdirSync(folder).filter(fd => linked(fd) === file).length;
}
test.run();
