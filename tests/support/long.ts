import type { Test } from 'uvu';

/** Whether `npm run test:long` runs: what few would miss and a machine with empty caches compiles for long is left to it. */
export const isLongRun = process.env.DESCENT_TESTS === 'long';

/** Adds tests to a suite in `npm run test:long` alone. */
export const longTests =
  (test: Test) =>
  (name: string, run: () => Promise<void>): void => {
    if (isLongRun) test(name, run);
  };
