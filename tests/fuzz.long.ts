import { suite } from 'uvu';
import { fuzz } from './support/fuzz.ts';

const test = suite('fuzz, long');
fuzz(test, 100_000);
test.run();
