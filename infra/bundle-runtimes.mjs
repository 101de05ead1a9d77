// The cloud on plain Node, AWS Lambda and Cloudflare Workers, as infra/build.mjs bundles it.
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'

/** @typedef {import('esbuild').BuildOptions} BuildOptions */
/** @typedef {import('esbuild').Plugin} Plugin */

/**
 * What all programs have in common.
 * @param {string} root directory of the repository
 * @param {string} version
 */
export function commonOptions(root, version) {
  return /** @type {const} @satisfies {BuildOptions} */ ({
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    outdir: 'dist',
    sourcemap: 'linked',
    metafile: true,
    logLevel: 'warning',
    define: { REPREFIX_VERSION: JSON.stringify(version) },
    // Some dependencies are CommonJS and ask for `require` at run time.
    banner: {
      js: "import { createRequire as reprefixRequire } from 'node:module'; const require = reprefixRequire(import.meta.url);",
    },
  })
}

/**
 * What is written at deploy beside the program stays an import of it.
 * @param {string} name
 * @returns {Plugin}
 */
const besideProgram = (name) => ({
  name: 'beside-program',
  setup({ onResolve }) {
    const filter = new RegExp(`^\\./${name.replace('.', '\\.')}$`)
    onResolve({ filter }, ({ path }) => ({ path, external: true }))
  },
})

/**
 * workerd has Node's modules as ES modules only: what a CommonJS dependency requires is imported for it.
 * @type {Plugin}
 */
const importNodeModules = {
  name: 'import-node-modules',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(?:node:)?(?:buffer|util|events)$/ }, ({ path, kind }) =>
      kind === 'require-call'
        ? { path: path.replace(/^node:/, ''), namespace: 'node-module' }
        : { path: `node:${path.replace(/^node:/, '')}`, external: true },
    )
    onLoad({ filter: /.*/, namespace: 'node-module' }, ({ path }) => ({
      contents: `export * from 'node:${path}'; export { default } from 'node:${path}'`,
    }))
  },
}

/**
 * Kinds of providers that settings do not name are left out of a program that is bundled for them.
 * @param {readonly string[]} kinds
 * @returns {Plugin}
 */
const onlyProviders = (kinds) => ({
  name: 'only-providers',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\/(?:hosted\/)?\w+\.ts$/ }, ({ path, kind, importer }) => {
      const isLoader = kind === 'dynamic-import' && importer.endsWith('/dns/provider-loaders.ts')
      if (!isLoader || kinds.includes(basename(path, '.ts'))) return undefined
      return { path: 'left-out', namespace: 'left-out' }
    })
    onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({
      contents: `throw new Error('this program was bundled for other kinds of providers: deploy it again')`,
    }))
  },
})

/**
 * JSON as text, which takes a twentieth of the time to compile: it is parsed when it is asked for.
 * @type {Plugin}
 */
const jsonAsText = {
  name: 'json-as-text',
  setup({ onLoad }) {
    onLoad({ filter: /\/openapi\.json$/ }, async ({ path }) => {
      const text = JSON.stringify(JSON.parse(await readFile(path, 'utf8')))
      return { contents: `export default JSON.parse(${JSON.stringify(text)})`, loader: 'js' }
    })
  },
}

/**
 * `dist/reprefix.js` with what a command or a provider needs in `chunks/`.
 * @param {BuildOptions} common
 * @returns {BuildOptions}
 */
export function nodeBundle(common) {
  return {
    ...common,
    entryPoints: { reprefix: 'cloud/cli.ts' },
    // `demo` is a chunk of its own: the cloud never loads the lab. So is the SDK of AWS, which only
    // zones at Route 53 need.
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    // Native: its binary cannot be bundled.
    external: ['libsql'],
    // Half as much to compile at the start. Names stay as they are, for what faults say.
    minifyWhitespace: true,
    minifySyntax: true,
  }
}

/**
 * `dist/lambda/index.mjs` with what is loaded when it is used in `chunks/`.
 * @param {BuildOptions} common
 * @returns {BuildOptions}
 */
export function lambdaBundle(common) {
  return {
    ...common,
    entryPoints: { index: 'cloud/lambda-main.ts' },
    outdir: 'dist/lambda',
    outExtension: { '.js': '.mjs' },
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    minify: true,
    plugins: [besideProgram('settings.mjs'), jsonAsText],
  }
}

/**
 * `worker.js` with what is loaded when it is used in `chunks/`; for `nodejs_compat`.
 * @param {BuildOptions} common
 * @param {readonly string[]} kinds of providers that its settings name
 * @returns {BuildOptions}
 */
export function workerBundle({ banner: _, ...common }, kinds) {
  return {
    ...common,
    entryPoints: { worker: 'cloud/worker-main.ts' },
    outdir: 'dist/worker',
    platform: 'browser',
    target: 'es2023',
    conditions: ['workerd', 'worker', 'browser'],
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    minify: true,
    external: ['node:*'],
    plugins: [besideProgram('settings.js'), importNodeModules, onlyProviders(kinds), jsonAsText],
  }
}

/**
 * What a module loads with itself: itself and all that it imports statically.
 * @param {import('esbuild').Metafile} metafile
 * @param {string} entry path of the output
 * @returns {{ bytes: number, modules: readonly string[], files: readonly string[] }} `modules`: paths of
 *   sources; `files`: paths of outputs
 */
export function startBytes({ outputs }, entry) {
  const loaded = new Set([entry])
  for (const path of loaded) {
    for (const { path: next, kind, external } of outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && external !== true) loaded.add(next)
    }
  }
  const found = [...loaded].flatMap((path) => outputs[path] ?? [])
  return {
    bytes: found.reduce((sum, { bytes }) => sum + bytes, 0),
    modules: found.flatMap(({ inputs }) => Object.keys(inputs)),
    files: [...loaded],
  }
}
