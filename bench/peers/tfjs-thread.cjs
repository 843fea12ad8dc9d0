/** A thread of tfjs-backend-wasm in Node: its own worker code, which is told to read the engine from a file where it would from a blob. */
const { createRequire } = require('node:module');
const { join } = require('node:path');

const peers = createRequire(join(process.env.DESCENT_PEERS, 'peers.cjs'));
const engine = join(peers.resolve('@tensorflow/tfjs-backend-wasm'), '../../wasm-out/tfjs-backend-wasm-threaded-simd');
URL.createObjectURL = () => `${engine}.js`;
URL.revokeObjectURL = () => {};
eval(peers(`${engine}.worker.js`).wasmWorkerContents.replace(/\n/g, '\\n'));
