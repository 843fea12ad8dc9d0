/** npm start: sets the machine up and trains LeNet-5 on Fashion-MNIST. Arguments after -- go to `descent train`. */
import { launch } from '../bin/launch.mjs';
import { orExplain, setup } from './setup.mjs';

const extra = process.argv.slice(2);
orExplain(() => setup({ adapter: true, data: ['fashion-mnist'], verbose: extra.includes('--verbose') }));
launch(['train', 'lenet5', '--dataset', 'fashion-mnist', ...extra]);
