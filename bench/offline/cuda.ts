/** WGSL of the tiled products as CUDA C++: the part of the language that they use, line for line, so that NVIDIA's compiler can be asked. */
import { readFileSync } from 'node:fs';

const PRELUDE = readFileSync(new URL('prelude.cu', import.meta.url), 'utf8');

/** Types whose names differ. */
const TYPES: readonly [string, string][] = [
  ['vec4<f16>', 'vec4h'],
  ['vec4<bool>', 'bool4'],
];

/** The text of one kernel, `kernel`, whose bindings are its arguments. */
export function cudaOf(wgsl: string): string {
  let text = wgsl.replace(/\/\/.*/g, '').replace(/enable \w+;/g, '');
  for (const [from, to] of TYPES) text = text.replaceAll(from, to);
  const bindings: string[] = [];
  text = text.replace(/@group\(0\) @binding\(\d+\) var<storage, (read|read_write)> (\w+) : array<(\w+)>;/g, (_, access, name, type) => {
    bindings.push(`${access === 'read' ? 'const ' : ''}${type} *__restrict__ ${name}`);
    return '';
  });
  const shared: string[] = [];
  const sizes: [string, number][] = [];
  text = text.replace(/var<workgroup> (\w+) : array<(\w+), (\d+)>;/g, (_, name, type, size) => {
    sizes.push([name, Number(size)]);
    shared.push(`__shared__ ${type} ${name}[${size}];`);
    return '';
  });
  /** Tint clamps an index that it cannot know to be inside. */
  for (const [name, size] of sizes)
    text = text.replace(new RegExp(`\\b${name}\\[(d \\* [^\\]]*)\\]`, 'g'), `${name}[min($1, ${size - 1}u)]`);
  let threads = '';
  text = text
    .replace(
      /@compute @workgroup_size\((\d+)\)\s*fn main\(@builtin\(workgroup_id\) (\w+) : vec3u, @builtin\(local_invocation_index\) (\w+) : u32\)/,
      (_, size, id, index) => {
        threads = size;
        return `INLINE void run(uint3 ${id}, u32 ${index})`;
      },
    )
    .replace(/var<private> (\w+) : (\w+);/g, '$2 $1;')
    .replace(/(?<![\w.])(\d+\.\d+(?:e[-+]?\d+)?|\d+e[-+]?\d+)(?![\w.])/g, '$1f')
    .replace(/\bstruct (\w+) \{([^}]*)\}/g, (_, name, fields: string) => {
      const list = fields.split(',').map(f => f.split(':').map(part => part.trim()));
      const [values, parameters] = [list.map(([n]) => `${n}(${n})`), list.map(([n, t]) => `${t} ${n}`)];
      return `struct ${name} { ${list.map(([n, t]) => `${t} ${n};`).join(' ')} INLINE ${name}(${parameters.join(', ')}) : ${values.join(', ')} {} };`;
    })
    .replace(/\bfn (\w+)\(([^)]*)\)(?: -> (\w+))? \{/g, (_, name, parameters: string, type = 'void') => {
      const list = parameters.split(',').map(p =>
        p
          .split(':')
          .map(part => part.trim())
          .reverse()
          .join(' '),
      );
      return `INLINE ${type} ${name}(${list.join(', ')}) {`;
    })
    .replace(/\bconst ([A-Z_0-9]+) =/g, 'static constexpr int $1 =')
    .replace(/\blet (\w+) : (\w+) =/g, 'const $2 $1 =')
    .replace(/\bvar (\w+) : (\w+)( =|;)/g, '$2 $1$3')
    .replace(/\b(?:let|const) (\w+) =/g, 'const auto $1 =')
    .replace(/\bvar (\w+) =/g, 'auto $1 =');
  const names = bindings.map(b => b.split(' ').at(-1)!);
  return `${PRELUDE}
${shared.join('\n')}
struct Kernel {
${bindings.map(b => `  ${b};`).join('\n')}
${text}
};
extern "C" __global__ void __launch_bounds__(${threads}) kernel(${bindings.join(', ')}) {
  Kernel k;
  ${names.map(name => `k.${name} = ${name};`).join(' ')}
  k.run(blockIdx, threadIdx.x);
}
`;
}
