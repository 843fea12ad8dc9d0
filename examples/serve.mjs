/**
 * An inference server: one model, any number of requests at a time, no framework.
 *
 *     npm install descent-gpu webgpu sharp
 *     node serve.mjs model.safetensors                     a file of `save`, of `descent train` or of PyTorch (see docs/checkpoints.md); .onnx too
 *     curl --data-binary @photo.jpg localhost:8080         [{"label":"cat","index":3,"probability":0.93}, …]
 *     node serve.mjs model.safetensors --measure           latency of its own requests, by 1 and by 64 clients
 */
import * as http from 'node:http';
import { openDevice, Predictor } from 'descent-gpu';

const [file = 'model.safetensors', ...flags] = process.argv.slice(2);
const model = await Predictor.open(await openDevice(), file);
const [c, h, w] = model.shape;
const Values = model.dtype === 'float32' ? Float32Array : Uint8Array;

/** A picture in any format, or as application/octet-stream the bare values [c, h, w]: bytes, or float32 for a model of such. */
async function answer(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = new Uint8Array(Buffer.concat(parts));
  const isBare = request.headers['content-type'] === 'application/octet-stream';
  return model.predict(isBare ? new Values(body.buffer) : new Blob([body]), { top: 3 });
}

const server = http.createServer((request, response) => {
  const send = (status, value) => response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(value)}\n`);
  answer(request).then(
    answers => send(200, answers),
    error => send(400, { error: error.message }),
  );
});
await new Promise(ready => server.listen(Number(process.env.PORT ?? 8080), ready));
const url = `http://localhost:${server.address().port}`;
console.log(`${file}: ${model.classes.length} classes, images of ${c}x${h}x${w}, on ${url}`);

if (flags.includes('--measure')) {
  const largest = model.dtype === 'float32' ? 1 : 255;
  const body = new Uint8Array(Values.from({ length: c * h * w }, () => largest * Math.random()).buffer);
  const agent = new http.Agent({ keepAlive: true });
  const headers = { 'content-type': 'application/octet-stream' };
  // fetch takes several times as much of the processor as server and model together, and would be what is measured
  const ask = () =>
    new Promise((resolve, reject) => {
      const request = http.request(url, { method: 'POST', agent, headers }, async response => {
        let text = '';
        for await (const part of response) text += part;
        if (response.statusCode === 200) resolve();
        else reject(new Error(JSON.parse(text).error));
      });
      request.on('error', reject).end(body);
    });
  for (const clients of [1, 64]) {
    await Promise.all(Array.from({ length: clients }, ask)); // the first requests compile
    const times = [];
    const start = performance.now();
    const client = async () => {
      while (performance.now() - start < 3000) {
        const asked = performance.now();
        await ask();
        times.push(performance.now() - asked);
      }
    };
    await Promise.all(Array.from({ length: clients }, client));
    const perSecond = (1000 * times.length) / (performance.now() - start);
    const [median, p95] = [0.5, 0.95].map(share => times.sort((a, b) => a - b)[Math.floor(share * times.length)].toFixed(1));
    console.log(
      `${clients} ${clients === 1 ? 'client' : 'clients'}: ${perSecond.toFixed(0)} answers/s, median ${median} ms, 95% within ${p95} ms`,
    );
  }
  agent.destroy();
  server.close();
  model.destroy();
}
