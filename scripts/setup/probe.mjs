/** Run as a process of its own, since a bad driver can take its process down: prints the default WebGPU adapter's name, or exits with 3. */
import { create } from 'webgpu';

const gpu = (globalThis.gpu = create([])); // a local would be collected while the device lives
const adapter = await gpu.requestAdapter();
if (!adapter) process.exit(3);
await adapter.requestDevice();
console.log(adapter.info.description || adapter.info.device || adapter.info.vendor);
process.exit(0);
