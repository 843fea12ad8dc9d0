/**
 * Preloaded into a command (NODE_OPTIONS): with the first line on standard output that begins with HOLD_AT the device stops answering,
 * until the signal HOLD_UNTIL where one is named. What a test does to the run at that point comes neither too early nor too late, however
 * fast the machine is.
 */
const { HOLD_AT, HOLD_UNTIL, DESCENT_STDERR_FD } = process.env;
const MINUTES = 5; // a test that died leaves nobody waiting

if (HOLD_AT && DESCENT_STDERR_FD) {
  // not in the launcher
  const { write } = process.stdout;
  process.stdout.write = function (text, ...rest) {
    if (String(text).startsWith(HOLD_AT)) {
      process.stdout.write = write;
      hold();
    }
    return write.call(this, text, ...rest);
  };
}

function hold() {
  const released = new Promise(resolve => {
    if (HOLD_UNTIL) process.once(HOLD_UNTIL, resolve);
  });
  const { onSubmittedWorkDone } = GPUQueue.prototype;
  GPUQueue.prototype.onSubmittedWorkDone = function () {
    return released.then(() => onSubmittedWorkDone.call(this));
  };
  setTimeout(() => process.exit(99), MINUTES * 60_000).unref();
}
