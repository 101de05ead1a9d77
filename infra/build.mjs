// Bundles the programs into dist/: node infra/build.mjs [--quiet] [--cloud: reprefix alone]
import { existsSync } from 'node:fs'
import { chmod, readFile, rm } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleRuntime, lambdaBundle, nodeBundle } from './bundle-runtimes.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { bin, version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))

/** @type {import('esbuild').BuildOptions} */
const common = {
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
}

/**
 * dockerode loads these for `docker build` and for Docker over SSH, which the agent never does. Left
 * in, they are nine tenths of its bundle.
 * @type {import('esbuild').Plugin}
 */
const leaveOutUnused = {
  name: 'leave-out-unused',
  setup({ onLoad, onResolve }) {
    const unused =
      /^(?:ssh2|@grpc\/grpc-js|@grpc\/proto-loader|protobufjs|tar-fs|@balena\/dockerignore)$/
    onResolve({ filter: unused }, ({ path }) => ({ path, namespace: 'unused' }))
    onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: 'module.exports = {}' }))
  },
}

/** @type {import('esbuild').BuildOptions} */
const cdk = {
  ...common,
  entryPoints: { cdk: 'infra/cdk/main.ts' },
  // Only who deploys to AWS needs it, and from node_modules.
  external: ['aws-cdk-lib', 'constructs', '@aws-sdk/*'],
}

/** @type {import('esbuild').BuildOptions} */
const agent = {
  ...common,
  entryPoints: { 'reprefix-agent': 'agent/main.ts' },
  plugins: [leaveOutUnused],
  // Node's own streams, of which this is an older copy.
  alias: { 'readable-stream': 'node:stream' },
  // Native, and the agent does without it where it is not installed.
  external: ['koffi'],
  // Node keeps the source in memory. Names stay as they are, for what faults say; the map tells the
  // lines. To shorten names and give them back at the start (keepNames) takes 1 MB more.
  minifyWhitespace: true,
  minifySyntax: true,
}

/** @type {import('esbuild').BuildOptions} */
const workshop = {
  ...common,
  entryPoints: {
    'lab-prober': 'test/lab/prober-main.ts',
    bench: 'test/bench/main.ts',
    fuzz: 'test/fuzz/main.ts',
    test: 'test/main.ts',
    vectors: 'test/vectors/main.ts',
  },
  // Native, its binary cannot be bundled; and what would be in each of them for nothing.
  external: [
    ...['libsql', '@aws-sdk/client-route-53', '@aws-sdk/client-dynamodb'],
    // The bench of the runtimes has these at work.
    ...['rolldown', 'miniflare'],
  ],
}

async function requireAscii() {
  const program = await readFile(join(root, 'dist/reprefix-agent.js'))
  if (!program.some((byte) => byte > 0x7f)) return
  throw new Error(
    'dist/reprefix-agent.js is not ASCII: V8 would keep two bytes for each letter of it',
  )
}

/** The cloud for the runtimes whose bundle is the same for everybody. */
async function buildCloud() {
  const bundles = [
    nodeBundle(root, version),
    ...(isCloudAlone ? [] : [lambdaBundle(root, version)]),
  ]
  const built = bundles.map(async (bundle) => {
    const chunks = await bundleRuntime(bundle, { write: true })
    const bytesOf = (/** @type {string} */ code) => Buffer.byteLength(code)
    return chunks.map(({ file, code }) => ({
      file: join(`${bundle.output.dir}`, file),
      bytes: bytesOf(code),
    }))
  })
  return (await Promise.all(built)).flat()
}

async function buildOthers() {
  const { build } = await import('esbuild')
  const results = await Promise.all([cdk, agent, workshop].map((options) => build(options)))
  await requireAscii()
  return results.flatMap(({ metafile }) =>
    Object.entries(metafile?.outputs ?? {}).map(([file, { bytes }]) => ({
      file: join(root, file),
      bytes,
    })),
  )
}

// A container image is built with the packages that this one program is made of.
const isCloudAlone = process.argv.includes('--cloud')
await rm(join(root, 'dist'), { recursive: true, force: true })
const outputs = await Promise.all([buildCloud(), ...(isCloudAlone ? [] : [buildOthers()])])
for (const program of Object.values(bin)) {
  if (existsSync(join(root, program))) await chmod(join(root, program), 0o755)
}

if (!process.argv.includes('--quiet')) {
  for (const { file, bytes } of outputs.flat()) {
    if (/\.m?js$/.test(file))
      console.log(`${relative(root, file)}  ${(bytes / 1024).toFixed(0)} kB`)
  }
}
