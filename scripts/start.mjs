/** npm start: sets the machine up and trains LeNet-5 on Fashion-MNIST. Arguments after -- go to `descent train`; --yes has
 * the set-up install a driver without asking. */
import { launch } from '../bin/launch.mjs';
import { orExplain, setup } from './setup.mjs';

const extra = process.argv.slice(2).filter(word => word !== '--yes'); // the set-up reads that
const own = extra.some(word => /^--(dataset|data-dir|resume)\b/.test(word)); // other data is fetched by the command itself
orExplain(() => setup({ adapter: true, data: own ? [] : ['fashion-mnist'], verbose: extra.includes('--verbose') }));
await launch(['train', 'lenet5', '--dataset', 'fashion-mnist', ...extra]);
