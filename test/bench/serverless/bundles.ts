import { readFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { type BuildOptions, build, type Metafile } from 'esbuild'
import { PROVIDER_TYPES } from '../../../cloud/dns/provider-types.ts'
import {
  commonOptions,
  lambdaBundle,
  nodeBundle,
  startBytes,
  workerBundle,
} from '../../../infra/bundle-runtimes.mjs'

/** The runtimes of the cloud. */
export const RUNTIMES = ['Node', 'Lambda', 'Workers'] as const
export type RuntimeName = (typeof RUNTIMES)[number]

/** Bytes as they are read, and compressed file by file as a deployment or a cache keeps them. */
export interface Size {
  readonly raw: number
  readonly gzip: number
}

/** What one program is made of. */
export interface BundleSizes {
  readonly runtime: RuntimeName
  /** The entry and all that it imports statically: what is read before the first answer. */
  readonly start: Size
  /** The same of a Hono application with one route, bundled alike. */
  readonly empty: Size
  /** What is loaded on use, by the module that is asked for: what comes on top, with its static imports. */
  readonly onUse: readonly (Size & { readonly name: string })[]
}

const OPTIONS = {
  Node: nodeBundle,
  Lambda: lambdaBundle,
  // With every kind of provider, of which a deployment has some.
  Workers: (common: ReturnType<typeof commonOptions>) =>
    workerBundle(common, Object.keys(PROVIDER_TYPES)),
} as const
/** Each command of `reprefix` is loaded when it is asked for: these are `serve`. */
const OF_SERVE = new Set(['cloud/server', 'cloud/config'])
const EMPTY = 'test/bench/serverless/empty'

/** The empty Hono application of a runtime, to be bundled in the same way as the cloud. */
export function emptyOptions(runtime: RuntimeName, outdir: string): BuildOptions {
  const options = OPTIONS[runtime](commonOptions(process.cwd(), '0.0.0'))
  const [name = ''] = Object.keys(options.entryPoints ?? {})
  const entry = `${EMPTY}/${runtime === 'Workers' ? 'worker' : runtime.toLowerCase()}-main.ts`
  return { ...options, outdir, entryPoints: { [name]: entry } }
}

/** Bundles both programs of a runtime in memory and measures them. */
export async function measureBundles(runtime: RuntimeName): Promise<BundleSizes> {
  const options = OPTIONS[runtime](commonOptions(process.cwd(), await versionOf()))
  const own = await bundle(options)
  const empty = await bundle(emptyOptions(runtime, 'dist/empty'))
  const lazy = [...lazyEntries(own.metafile)]
  const begun = lazy.filter(([name]) => runtime === 'Node' && OF_SERVE.has(name))
  const first = [own.entry, ...begun.map(([, path]) => path)]
  return {
    runtime,
    start: own.sizeOf(first),
    empty: empty.sizeOf([empty.entry]),
    onUse: lazy
      .filter((each) => !begun.includes(each))
      .map(([name, path]) => ({ name, ...own.sizeOf([path], first) }))
      .sort((a, b) => b.raw - a.raw),
  }
}

/** Outputs that some `import()` asks for, by the name of their module. */
function* lazyEntries({ outputs }: Metafile): Iterable<readonly [name: string, path: string]> {
  for (const [path, { entryPoint }] of Object.entries(outputs)) {
    if (entryPoint !== undefined && path.includes('/chunks/')) {
      yield [entryPoint.replace(/^node_modules\//, '').replace(/\.[cm]?[jt]s$/, ''), path]
    }
  }
}

async function bundle(options: BuildOptions) {
  const { metafile, outputFiles } = await build({ ...options, metafile: true, write: false })
  const root = `${process.cwd()}/`
  const contents = new Map(
    outputFiles.map(({ path, contents }) => [path.replace(root, ''), contents]),
  )
  const [entry = ''] = Object.keys(metafile.outputs).filter(
    (path) => metafile.outputs[path]?.entryPoint !== undefined && !path.includes('/chunks/'),
  )
  return {
    metafile,
    entry,
    /** Of modules with their static imports, less what `known` has loaded before. */
    sizeOf(paths: readonly string[], known: readonly string[] = []): Size {
      const filesOf = (all: readonly string[]) =>
        new Set(all.flatMap((path) => startBytes(metafile, path).files))
      const loaded = filesOf(known)
      const files = [...filesOf(paths)].filter((file) => !loaded.has(file))
      const read = files.map((file) => contents.get(file) ?? new Uint8Array())
      const sum = (of: (content: Uint8Array) => number) =>
        read.reduce((total, content) => total + of(content), 0)
      return {
        raw: sum(({ length }) => length),
        gzip: sum((content) => gzipSync(content, { level: 9 }).length),
      }
    },
  }
}

async function versionOf(): Promise<string> {
  const { version }: { readonly version: string } = JSON.parse(
    await readFile('package.json', 'utf8'),
  )
  return version
}
