#!/usr/bin/env node
import { modulesState } from '../scripts/setup/modules.mjs';
import { launch } from './launch.mjs';

if (modulesState() !== 'fresh') {
  const { orExplain, setup } = await import('../scripts/setup.mjs');
  orExplain(() => setup());
}
await launch(process.argv.slice(2));
