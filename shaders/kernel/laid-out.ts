/** WGSL that was put together from parts, each line indented by the braces around it, without empty lines but before functions. */
export function laidOut(wgsl: string): string {
  let depth = 0;
  const lines = wgsl.split('\n').flatMap(line => {
    const text = line.trim();
    if (!text) return [];
    const code = text.replace(/\/\/.*/, '');
    const closing = /^[})]*/.exec(code)![0].length;
    const indent = '  '.repeat(Math.max(0, depth - closing));
    depth += code.split(/[{(]/).length - code.split(/[})]/).length;
    const begins = indent === '' && /^(@compute|fn |\/\/)/.test(text);
    return begins ? ['', indent + text] : [indent + text];
  });
  return `${lines.join('\n').replace(/^(@compute.*|\/\/.*)\n\n/gm, '$1\n')}\n`;
}
