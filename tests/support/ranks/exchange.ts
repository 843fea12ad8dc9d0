/** One rank of a job that makes each call of the exchange; rank 0 prints what came of them. Arguments: rma or messages. */
import { connect } from '../../../train/distribute/node/connect.ts';
import type { Route } from '../../../train/distribute/node/calls.ts';

const { exchange, library } = await connect(process.argv[2] as Route);
const { rank, size } = exchange;
const N = 1001;
const ramp = (scale: number) => Float32Array.from({ length: N }, (_, i) => scale * (i + 1));
const all = (x: Float32Array, f: (i: number) => number) => x.every((v, i) => Math.abs(v - f(i)) <= 1e-6 * Math.abs(f(i)));

const sum = exchange.vector(N);
sum.set(ramp(rank + 1));
const mean = ramp(rank + 1);
const many = Array.from({ length: 5 }, (_, k) => exchange.mean(sum.subarray(200 * k, 200 * (k + 1)), 1)); // several under way at once
await Promise.all([...many, exchange.mean(mean)]);
const ranks = (size * (size + 1)) / 2;
const sums = all(sum.subarray(0, 1000), i => ranks * (i + 1));
const means = all(mean, i => (ranks / size) * (i + 1));

const told = new Uint8Array([rank, 7]);
await exchange.broadcast(told, size - 1);
const texts = await exchange.texts(`rank ${rank} \u00fc`.repeat(rank + 1));

const centre = await exchange.centre(N, 2);
for (let k = 0; k < 20; k++) await centre.add(ramp(1), 1);
await exchange.texts(''); // all have added
const read = exchange.vector(N);
await centre.read(read, 1);
const untouched = new Float32Array(N).fill(1);
await centre.read(untouched);
await exchange.texts(''); // all have read
const before = exchange.vector(N);
await centre.exchange(ramp(rank), before, 1, 'max'); // smaller than what is there
await centre.exchange(ramp(rank + 1), before, 0);
await exchange.texts('');
await centre.read(before, 0);
const ticks: number[] = [];
for (let k = 0; k < 100; k++) ticks.push(await centre.tick(1));
const allTicks = (await exchange.texts(ticks.join())).flatMap(text => text.split(',').map(Number)).sort((a, b) => a - b);

const shared = await exchange.shared(N);
for (let turn = 0; turn < size; turn++) {
  if (turn === rank) await shared.add(ramp(rank + 1));
  await exchange.texts(''); // the next one's turn
}
const inTurn = new Float32Array(N);
await shared.read(inTurn);
await exchange.texts('');
await shared.add(ramp(rank + 1)); // all at the same time: of two that meet at a value one may be lost
await exchange.texts('');
const atOnce = new Float32Array(N);
await shared.read(atOnce);

if (rank === 0) {
  const added = all(read, i => 20 * size * (i + 1)) && untouched.every(v => v === 0);
  const exchanged = all(before, i => ranks * (i + 1));
  const unique = allTicks.every((t, i) => t === i);
  const shares = all(inTurn, i => ranks * (i + 1));
  const some = Array.from({ length: ranks }, (_, k) => ranks + k + 1); // the sum of any ranks' shares beside those from before
  const races = atOnce.every((v, i) => some.includes(v / (i + 1)));
  console.log(JSON.stringify({ library, sums, means, told: [...told], texts, added, exchanged, unique, shares, races }));
}
await exchange.close();
