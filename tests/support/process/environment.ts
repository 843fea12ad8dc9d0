/** Sets a variable of the environment, or takes it away; the function that comes back restores what it was. */
export function setVariable(name: string, value: string | undefined): () => void {
  const before = process.env[name];
  const set = (to: string | undefined) => {
    if (to === undefined) delete process.env[name];
    else process.env[name] = to;
  };
  set(value);
  return () => set(before);
}
