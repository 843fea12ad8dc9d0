/** Whether `npm run test:long` runs: what few would miss and a machine with empty caches compiles for long is left to it. */
export const isLongRun = process.env.DESCENT_TESTS === 'long';
