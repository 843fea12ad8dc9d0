/** What `run` writes to standard output. */
export async function printed(run: () => Promise<unknown>): Promise<string> {
  const { write } = process.stdout;
  let said = '';
  process.stdout.write = (text: string | Uint8Array) => {
    said += String(text);
    return true;
  };
  try {
    await run();
  } finally {
    process.stdout.write = write;
  }
  return said;
}
