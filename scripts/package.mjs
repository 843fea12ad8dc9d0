/**
 * Builds what npm publishes into dist/, before `npm pack` and `npm publish`: the library module by module with its declarations, the same in one
 * file for pages without a bundler, and the command line on top of the library, with the packages in it that are plain JavaScript.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SourceMapConsumer, SourceMapGenerator } from 'source-map-js';
import { ROOT } from './setup/modules.mjs';
import { run } from './setup/run.mjs';
import { ofOneFile, smallest, standalone } from './standalone.mjs';

const DIST = join(ROOT, 'dist');
/** JavaScript among the sources, since the set-up of a machine reads it before there is tsx. */
const PLAIN = 'datasets/node/cache-dir.mjs';
/** What reads and writes ONNX files: one module without dependencies, loaded when it is first needed. */
const PROTO = 'train/onnx/proto';
const { version, exports, peerDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** Builds dist/ anew. Throws where the sources do not compile. */
export async function buildPackage() {
  for (const name of ls(DIST)) {
    if (!name.endsWith('.tar.gz')) rmSync(join(DIST, name), { recursive: true }); // archives of npm run bundle stay
  }
  const { code, output } = run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.package.json'], { cwd: ROOT });
  if (code !== 0) throw new Error(`tsc: ${output}`);
  cpSync(join(ROOT, PLAIN), join(DIST, PLAIN));
  const backbone = join('models', 'trained', 'backbone.safetensors'); // other trained nets come with the page alone
  cpSync(join(ROOT, backbone), join(DIST, backbone));
  const emitted = files('.');
  const modules = emitted.filter(file => /\.m?js$/.test(file));
  for (const file of modules) patch(file);
  for (const file of emitted.filter(file => file.endsWith('.map'))) leanMap(file);
  for (const entry of Object.values(exports)) if (entry.types) addDeclarations(entry['types@<6'], entry.types);
  const { build } = await import('vite');
  await build(alone(PROTO));
  await build(oneFile());
  await build(standalone());
  await build(commandLine(new Set(modules)));
}

const git = run('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT });
const define = { __DESCENT__: JSON.stringify({ version, commit: git.code === 0 ? git.stdout.trim() : undefined }) };

/**
 * What tsc leaves as it stands in the sources: the version that a build puts in, the URLs of workers. Its helpers ask for others of `this`,
 * which a module does not have, as Rollup tells whoever bundles it.
 */
function patch(file) {
  const path = join(DIST, file);
  const text = readFileSync(path, 'utf8');
  const built = text
    .replace(/typeof __DESCENT__ === 'undefined' \? undefined : __DESCENT__/, define.__DESCENT__)
    .replace(/\(this && this\.\w+\) \|\| /, '')
    .replace(/new URL\('(\.[^']*)\.ts', import\.meta\.url\)/g, "new URL('$1.js', import.meta.url)");
  if (built !== text) writeFileSync(path, built);
}

/** A map of lines alone, as they are what stacks and breakpoints go by: those of columns are a tenth of the package. */
function leanMap(file) {
  const path = join(DIST, file);
  const whole = JSON.parse(readFileSync(path, 'utf8'));
  const lean = new SourceMapGenerator({ file: whole.file });
  let last = 0;
  new SourceMapConsumer(whole).eachMapping(({ source, originalLine: line, generatedLine }) => {
    if (line === null || generatedLine === last) return;
    last = generatedLine;
    lean.addMapping({ source, original: { line, column: 0 }, generated: { line: generatedLine, column: 0 } });
  });
  whole.sources.forEach((source, i) => lean.setSourceContent(source, whole.sourcesContent[i]));
  writeFileSync(path, lean.toString());
}

/** The declarations of an entry for TypeScript 5, whose library knows no WebGPU; from 6 on it does, and would not have it declared again. */
function addDeclarations(early, declarations) {
  const path = join(ROOT, early);
  mkdirSync(dirname(path), { recursive: true });
  const entry = relative(dirname(path), join(ROOT, declarations))
    .replaceAll(sep, '/')
    .replace(/\.d\.ts$/, '.js');
  writeFileSync(path, `/// <reference types="@webgpu/types" />\nexport * from '${entry}';\n`);
}

const COMMON = { configFile: false, root: ROOT, logLevel: 'warn', publicDir: false, define };

/** A module with what it takes of packages, in place of what tsc made of it. Its types are nobody's concern outside. */
function alone(module) {
  for (const ending of ['d.ts', 'js.map']) rmSync(join(DIST, `${module}.${ending}`));
  return {
    ...COMMON,
    build: {
      lib: { entry: join(ROOT, `${module}.ts`), formats: ['es'], fileName: () => `${module}.js` },
      outDir: DIST,
      emptyOutDir: false,
      target: 'es2022',
      rollupOptions: { output: { minify: smallest } },
    },
  };
}

/** Leaves that module where it is: pages that have nothing to do with ONNX do not load it. */
const besideOneFile = {
  name: 'descent-beside-one-file',
  enforce: 'pre',
  resolveId: (source, importer) =>
    importer && resolve(dirname(importer), source) === join(ROOT, `${PROTO}.ts`) ? { id: `./${PROTO}.js`, external: true } : undefined,
};

/** dist/descent.min.js, which needs no other file but for ONNX: its workers import it again. */
const oneFile = () => ({
  ...COMMON,
  plugins: [ofOneFile, besideOneFile],
  build: {
    lib: { entry: join(ROOT, 'min.ts'), formats: ['es'], fileName: () => 'descent.min.js' },
    outDir: DIST,
    emptyOutDir: false,
    target: 'es2022',
    rollupOptions: { output: { codeSplitting: false, minify: smallest } },
  },
});

/** dist/cli/. A model in a file of the user's own imports the library too, so both share its modules. */
const commandLine = modules => ({
  ...COMMON,
  plugins: [
    {
      name: 'descent-shares-library',
      enforce: 'pre',
      resolveId(source, importer) {
        if (!importer || !source.startsWith('.')) return undefined;
        const built = relative(ROOT, resolve(dirname(importer), source))
          .replaceAll(sep, '/')
          .replace(/\.ts$/, '.js');
        return modules.has(built) ? { id: `../${built}`, external: true } : undefined;
      },
    },
  ],
  ssr: { noExternal: true, external: Object.keys(peerDependencies) },
  build: {
    ssr: true,
    outDir: join(DIST, 'cli'),
    target: 'node20',
    minify: false,
    rollupOptions: {
      input: { main: join(ROOT, 'cli/main.ts'), 'mpi-thread': join(ROOT, 'train/distribute/node/thread.ts') },
      external: Object.keys(peerDependencies),
      output: {
        entryFileNames: '[name].js',
        chunkFileNames: '[name]-[hash].js',
        minify: { compress: true, mangle: { keepNames: true }, codegen: { removeWhitespace: true } },
      },
    },
  },
});

function ls(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const files = folder =>
  readdirSync(join(DIST, folder), { withFileTypes: true }).flatMap(entry => {
    const path = folder === '.' ? entry.name : `${folder}/${entry.name}`;
    return entry.isDirectory() ? files(path) : [path];
  });

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await buildPackage();
