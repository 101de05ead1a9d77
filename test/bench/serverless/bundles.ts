import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { PROVIDER_TYPES } from '../../../cloud/dns/provider-types.ts'
import {
  type Bundle,
  bundleRuntime,
  type Chunk,
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

const BUNDLES = {
  Node: nodeBundle,
  Lambda: lambdaBundle,
  // With everything, of which a deployment has what its settings name.
  Workers: (root: string, version: string) =>
    workerBundle(root, version, {
      providers: Object.fromEntries(Object.keys(PROVIDER_TYPES).map((type) => [type, { type }])),
      dnsOverHttps: ['https://dns.example/dns-query'],
    }),
} as const
/** Each command of `reprefix` is loaded when it is asked for: these are `serve`. */
const OF_SERVE = new Set(['cloud/commands/serve', 'cloud/store/libsql'])
const EMPTY = 'test/bench/serverless/empty'

/** The empty Hono application of a runtime, to be bundled in the same way as the cloud. */
export function emptyBundle(runtime: RuntimeName, directory: string): Bundle {
  const root = process.cwd()
  const { input, output } = BUNDLES[runtime](root, '0.0.0')
  const [name = ''] = Object.keys(input.input ?? {})
  const entry = `${EMPTY}/${runtime === 'Workers' ? 'worker' : runtime.toLowerCase()}-main.ts`
  return {
    root,
    input: { ...input, input: { [name]: entry } },
    output: { ...output, dir: directory, sourcemap: false },
  }
}

/** Bundles both programs of a runtime in memory and measures them. */
export async function measureBundles(runtime: RuntimeName): Promise<BundleSizes> {
  const own = await bundleRuntime(BUNDLES[runtime](process.cwd(), await versionOf()))
  const empty = await bundleRuntime(emptyBundle(runtime, join(process.cwd(), 'dist/empty')))
  const lazy = [...lazyEntries(own)]
  const begun = lazy.filter(([name]) => runtime === 'Node' && OF_SERVE.has(name))
  const first = [entryOf(own), ...begun.map(([, file]) => file)]
  return {
    runtime,
    start: sizeOf(own, first),
    empty: sizeOf(empty, [entryOf(empty)]),
    onUse: lazy
      .filter((each) => !begun.includes(each))
      .map(([name, file]) => ({ name, ...sizeOf(own, [file], first) }))
      .sort((a, b) => b.raw - a.raw),
  }
}

function entryOf(chunks: readonly Chunk[]): string {
  return chunks.find(({ file, entry }) => entry !== undefined && !file.includes('/'))?.file ?? ''
}

/** Files that some `import()` asks for, by the name of their module. */
function* lazyEntries(chunks: readonly Chunk[]): Iterable<readonly [name: string, file: string]> {
  for (const { entry, file } of chunks) {
    if (entry !== undefined && file.includes('/')) {
      yield [entry.replace(/^node_modules\//, '').replace(/\.[cm]?[jt]s$/, ''), file]
    }
  }
}

/** Of files with their static imports, less what `known` has loaded before. */
function sizeOf(
  chunks: readonly Chunk[],
  asked: readonly string[],
  known: readonly string[] = [],
): Size {
  const filesOf = (all: readonly string[]) =>
    new Set(all.flatMap((file) => startBytes(chunks, file).files))
  const loaded = filesOf(known)
  const files = [...filesOf(asked)].filter((file) => !loaded.has(file))
  const read = chunks
    .filter(({ file }) => files.includes(file))
    .map(({ code }) => Buffer.from(code))
  const sum = (of: (content: Buffer) => number) =>
    read.reduce((total, content) => total + of(content), 0)
  return {
    raw: sum(({ length }) => length),
    gzip: sum((content) => gzipSync(content, { level: 9 }).length),
  }
}

async function versionOf(): Promise<string> {
  const { version }: { readonly version: string } = JSON.parse(
    await readFile('package.json', 'utf8'),
  )
  return version
}
