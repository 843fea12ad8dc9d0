/** Fetches the data sets named as arguments: the part of scripts/setup.mjs that uses the project's own modules. */
import { DescentError } from '../../engine/check.ts';
import { fetchDataset } from '../../datasets/node/fetch.ts';
import { reporter } from '../../datasets/node/progress.ts';

try {
  for (const name of process.argv.slice(2)) await fetchDataset(name, reporter());
} catch (e) {
  if (!(e instanceof DescentError)) throw e;
  console.error(e.message);
  process.exit(1);
}
