/** Bindings of f16 under kernels that are written for f32. */

const CLOSING: Readonly<Record<string, string>> = { '[': ']', '(': ')' };

/** The place behind the bracket that closes the one at `open`. */
function behind(code: string, open: number): number {
  const stack: string[] = [];
  for (let i = open; i < code.length; i++) {
    const c = code[i]!;
    if (c in CLOSING) stack.push(CLOSING[c]!);
    else if (c === ']' || c === ')') {
      if (stack.pop() !== c) break;
      if (!stack.length) return i + 1;
    }
  }
  throw new Error(`a bracket is not closed in \`${code.slice(open, open + 60)}\``);
}

/** The end of the statement that `from` is in. */
function statementEnd(code: string, from: number): number {
  for (let i = from; i < code.length; i++) {
    if (code[i]! in CLOSING) i = behind(code, i) - 1;
    else if (code[i] === ';') return i;
  }
  throw new Error(`a statement has no end in \`${code.slice(from, from + 60)}\``);
}

/**
 * WGSL `rounded` and `rounded4`: f32 as f16, infinite from where it rounds beyond the largest, 65504. WGSL leaves open what a conversion
 * makes of that, and the loss scale looks for infinities. The bits of infinity are no constant: it would not compile.
 */
export const ROUNDED = (['f32', 'vec4f'] as const)
  .map(type => {
    const [name, half] = type === 'f32' ? ['rounded', 'f16'] : ['rounded4', 'vec4<f16>'];
    return `
fn ${name}(v : ${type}) -> ${half} {
  let near = select(v, sign(v) * 65504.0, abs(v) > ${type}(65504.0));
  return select(${half}(near), ${half}(sign(v)) * bitcast<vec2<f16>>(infinities).x, abs(v) >= ${type}(65520.0));
}`;
  })
  .reduce((all, one) => all + one, 'var<private> infinities : u32 = 0x7c007c00u;');

/**
 * WGSL in which the bindings `types`, of f32 or vec4f as the code sees them, hold f16 or vec4<f16>: what is read becomes f32, what is
 * stored f16 (see ROUNDED, which must stand beside it). All arithmetic stays f32. A pointer to such a binding is an error: it would have
 * its type.
 */
export function throughHalf(code: string, types: Readonly<Record<string, 'f32' | 'vec4f'>>): string {
  const names = Object.keys(types).join('|');
  const access = new RegExp(`(?<![\\w.])(${names})\\s*\\[`, 'g');
  const pointer = new RegExp(`&(${names})\\b`).exec(code);
  if (pointer) throw new Error(`${pointer[0]}: f16 bindings have no pointers; index the binding itself`);

  const rewrite = (text: string): string => {
    let out = '';
    let at = 0;
    for (access.lastIndex = 0; ; ) {
      access.lastIndex = at;
      const match = access.exec(text);
      if (!match) return out + text.slice(at);
      const name = match[1]!;
      const type = types[name]!;
      const open = match.index + match[0].length - 1;
      const end = behind(text, open);
      const place = `${name}[${rewrite(text.slice(open + 1, end - 1))}]`;
      const component = /^\s*(\.[xyzw]\b|\[[^[\]]*\])/.exec(text.slice(end))?.[0] ?? '';
      const wide = type === 'vec4f' && !component;
      const assign = /^\s*([-+*/]?)=(?!=)/.exec(text.slice(end + component.length));
      out += text.slice(at, match.index);
      if (assign) {
        const start = end + component.length + assign[0].length;
        const stop = statementEnd(text, start);
        const value = rewrite(text.slice(start, stop)).trim();
        const old = `${wide ? 'vec4f' : 'f32'}(${place}${component}) ${assign[1]} (${value})`;
        out += `${place}${component} = ${wide ? 'rounded4' : 'rounded'}(${assign[1] ? old : value})`;
        at = stop;
      } else {
        out += `${type}(${place})`;
        at = end;
      }
    }
  };
  return rewrite(code.replace(/\/\/.*/g, ''));
}
