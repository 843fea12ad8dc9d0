#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { launch } from './launch.mjs';

if (existsSync(new URL('../scripts/setup.mjs', import.meta.url))) {
  // a checkout, where the node modules are ours to see to
  const { modulesState } = await import('../scripts/setup/modules.mjs');
  if (modulesState() !== 'fresh') {
    const { orExplain, setup } = await import('../scripts/setup.mjs');
    orExplain(() => setup());
  }
}
await launch(process.argv.slice(2));
