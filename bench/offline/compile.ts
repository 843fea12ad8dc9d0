/** Compiles cases in this process on the Vulkan driver that the environment names, and marks on stderr where each begins and ends. */
import { writeSync } from 'node:fs';
import { Device } from '../../engine/device.ts';
import { openAdapter } from '../../engine/node/adapters.ts';
import { fitting } from '../../shaders/kernel/kernel.ts';
import { tileOf } from '../../shaders/product/tiled.ts';
import { isMatrix } from '../../shaders/product/matrix.ts';
import { casesFor, halvesOf } from './cases.ts';

const labels = new RegExp(process.argv[2] ?? '');
const device = await Device.open(await openAdapter(), { lanes: 0 });
for (const { label, kernel, params, bound } of casesFor(device.profile)) {
  if (!labels.test(label)) continue;
  for (const half of [false, true]) {
    const halves = half ? halvesOf(bound) : [];
    for (const { name } of fitting(kernel, params, { ...device.profile, half })) {
      if (half ? !isMatrix(name) : !tileOf(name)) continue;
      writeSync(2, `\n@begin ${JSON.stringify({ label, variant: name })}\n`);
      await device.withProfile({ prefer: { '*': name } }).pipeline(kernel, params, bound, halves);
      writeSync(2, '\n@end\n');
    }
  }
}
process.removeAllListeners('exit'); // RADV without a GPU ends in a fault where a device is given back
process.exit(0);
