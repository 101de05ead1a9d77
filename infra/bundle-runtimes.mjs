// The cloud on plain Node, AWS Lambda and Cloudflare Workers, bundled for how each of them starts.
import { join, relative } from 'node:path'
import { rolldown } from 'rolldown'
import { besideProgram, compressedJson, importNodeModules, onlyNamed } from './bundle-plugins.mjs'

/** @typedef {import('rolldown').InputOptions} InputOptions */
/** @typedef {import('rolldown').OutputOptions} OutputOptions */
/** @typedef {import('rolldown').Plugin} Plugin */
/** @typedef {import('rolldown').ChunkingContext} ChunkingContext */

/**
 * A program to bundle.
 * @typedef {object} Bundle
 * @property {string} root directory of the repository, absolute
 * @property {InputOptions} input
 * @property {OutputOptions} output
 */

/**
 * What decides on a Worker's bundle.
 * @typedef {object} DeployedSettings
 * @property {Readonly<Record<string, { readonly type: string }>>} providers
 * @property {readonly string[]} [dnsOverHttps]
 */

/**
 * A file of a bundled program.
 * @typedef {object} Chunk
 * @property {string} file path below the bundle's directory
 * @property {string} code
 * @property {readonly string[]} imports files that it imports statically
 * @property {readonly string[]} modules paths of its sources in the repository
 * @property {string | undefined} entry the source that is asked for by its name: the program, or an `import()`
 */

/**
 * Bundles a program, in memory unless `write` says otherwise.
 * @param {Bundle} bundle
 * @param {{ write: boolean }} [options]
 * @returns {Promise<readonly Chunk[]>}
 */
export async function bundleRuntime({ root, input, output }, { write } = { write: false }) {
  const building = await rolldown(input)
  try {
    const built = await (write ? building.write(output) : building.generate(output))
    return built.output.flatMap((chunk) => {
      if (chunk.type !== 'chunk') return []
      const { fileName: file, code, imports, facadeModuleId, moduleIds } = chunk
      const entry = facadeModuleId === null ? undefined : relative(root, facadeModuleId)
      const modules = moduleIds.map((id) => relative(root, id))
      return [{ file, code, imports, modules, entry }]
    })
  } finally {
    await building.close()
  }
}

/**
 * What a file loads with itself: itself and all that it imports statically.
 * @param {readonly Chunk[]} chunks
 * @param {string} file
 * @returns {{ bytes: number, modules: readonly string[], files: readonly string[] }}
 */
export function startBytes(chunks, file) {
  const byFile = new Map(chunks.map((chunk) => [chunk.file, chunk]))
  const files = new Set([file])
  for (const each of files) {
    for (const next of byFile.get(each)?.imports ?? []) if (byFile.has(next)) files.add(next)
  }
  const loaded = [...files].flatMap((each) => byFile.get(each) ?? [])
  return {
    bytes: loaded.reduce((sum, { code }) => sum + Buffer.byteLength(code), 0),
    modules: loaded.flatMap(({ modules }) => modules),
    files: [...files],
  }
}

/**
 * `dist/reprefix.js` with what a command or a provider needs in `chunks/`.
 * @param {string} root
 * @param {string} version
 * @returns {Bundle}
 */
export function nodeBundle(root, version) {
  return bundleOf(root, version, {
    entry: { reprefix: 'cloud/cli.ts' },
    directory: 'dist',
    extension: 'js',
    // Native: its binary cannot be bundled.
    external: ['libsql'],
    // Half as much to compile at the start. Names stay as they are, for what faults say.
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
    together: {
      serve: ['cloud/commands/serve.ts', 'cloud/store/libsql.ts', 'cloud/run-pass.ts'],
      dynamodb: ['cloud/store/dynamodb.ts'],
    },
  })
}

/**
 * `dist/lambda/index.mjs` with what is loaded when it is used in `chunks/`.
 * @param {string} root
 * @param {string} version
 * @returns {Bundle}
 */
export function lambdaBundle(root, version) {
  return bundleOf(root, version, {
    entry: { index: 'cloud/lambda-main.ts' },
    directory: 'dist/lambda',
    extension: 'mjs',
    plugins: [besideProgram('settings.mjs'), compressedJson],
    together: { store: ['cloud/store/dynamodb.ts'] },
  })
}

/**
 * `worker.js` with what is loaded when it is used in `chunks/`; for `nodejs_compat`.
 * @param {string} root
 * @param {string} version
 * @param {DeployedSettings} settings that it is deployed with
 * @returns {Bundle}
 */
export function workerBundle(root, version, settings) {
  const kinds = Object.values(settings.providers).map(({ type }) => type)
  return bundleOf(root, version, {
    entry: { worker: 'cloud/worker-main.ts' },
    directory: 'dist/worker',
    extension: 'js',
    platform: 'browser',
    conditions: ['workerd', 'worker', 'browser'],
    plugins: [besideProgram('settings.js'), importNodeModules, onlyNamed(settings), compressedJson],
    // A Worker is uploaded with every file, used or not: what no report needs is one of them.
    together: {
      hosted: [...HOSTED, ...kinds.map((kind) => `cloud/dns/hosted/${kind}.ts`)],
      later: LATER,
    },
  })
}

/** What is not needed for a report, nor for the first answer. */
const LATER = [
  ...['run-pass', 'fleet/enrol', 'fleet/rotate', 'web/other-routes', 'web/answer-tile'],
  ...['dns/verify/plan-zone', 'log/export-line'],
].map((name) => `cloud/${name}.ts`)

/** What nearly every kind of provider is made of. */
const HOSTED = [
  ...['record-provider', 'rrset-provider', 'provider-type', 'txt-content'],
  ...['http/api-fault', 'http/pages', 'http/url-path'],
].map((name) => `cloud/dns/${name}.ts`)

/**
 * @param {string} root
 * @param {string} version
 * @param {object} what
 * @param {Readonly<Record<string, string>>} what.entry one source by the name of its output
 * @param {string} what.directory
 * @param {string} what.extension
 * @param {'node' | 'browser'} [what.platform]
 * @param {string[]} [what.conditions] of packages, instead of Node's
 * @param {readonly string[]} [what.external]
 * @param {OutputOptions['minify']} [what.minify]
 * @param {Plugin[]} [what.plugins]
 * @param {Readonly<Record<string, readonly string[]>>} [what.together] sources that are loaded at one go,
 *   with all that they import, by the name of their file
 * @returns {Bundle}
 */
export function bundleOf(root, version, what) {
  const { entry, extension, platform = 'node', conditions, plugins = [], together = {} } = what
  const main = Object.values(entry).map((path) => join(root, path))
  const groups = Object.entries({ start: main, ...absolute(root, { hosted: HOSTED, ...together }) })
  return {
    root,
    input: {
      cwd: root,
      input: { ...entry },
      platform,
      external: [/^node:/, ...(what.external ?? [])],
      transform: { target: 'es2023', define: { REPREFIX_VERSION: JSON.stringify(version) } },
      ...(conditions !== undefined && { resolve: { conditionNames: [...conditions, 'import'] } }),
      preserveEntrySignatures: 'allow-extension',
      // What one runtime loads when it is used is there from the start in another.
      checks: { ineffectiveDynamicImport: false },
      plugins,
    },
    output: {
      dir: join(root, what.directory),
      format: 'esm',
      sourcemap: true,
      minify: what.minify ?? true,
      entryFileNames: `[name].${extension}`,
      chunkFileNames: `chunks/[name]-[hash].${extension}`,
      codeSplitting: {
        includeDependenciesRecursively: false,
        groups: [{ name: nameOfStart(groups, main), debugName: 'loaded together' }],
      },
    },
  }
}

/**
 * Every file that is loaded takes its time, on Node about a millisecond. So all that is loaded together lies
 * together: a module in the first group of which it is a part. The program itself lies alone, as it waits
 * for modules that it loads, which could else never import what lies beside it.
 * @param {readonly (readonly [string, readonly string[]])[]} groups
 * @param {readonly string[]} main
 */
function nameOfStart(groups, main) {
  /** @type {Map<string, ReadonlySet<string>>} */
  const reached = new Map()
  /**
   * @param {string} id
   * @param {ChunkingContext} context
   */
  return (id, context) => {
    if (main.includes(id)) return null
    for (const [name, sources] of groups) {
      const known = reached.get(name) ?? reachedFrom(sources, context)
      reached.set(name, known)
      if (known.has(id)) return name
    }
    return null
  }
}

/**
 * @param {readonly string[]} sources
 * @param {ChunkingContext} context
 * @returns {ReadonlySet<string>}
 */
function reachedFrom(sources, context) {
  const reached = new Set(sources)
  for (const id of reached) {
    for (const next of context.getModuleInfo(id)?.importedIds ?? []) reached.add(next)
  }
  return reached
}

/**
 * @param {string} root
 * @param {Readonly<Record<string, readonly string[]>>} groups
 */
function absolute(root, groups) {
  return Object.fromEntries(
    Object.entries(groups).map(([name, paths]) => [name, paths.map((path) => join(root, path))]),
  )
}
