import { suite } from 'uvu';
import { fuzz } from './support/fuzz.ts';

const test = suite('fuzz');
fuzz(test, 2000);
test.run();
