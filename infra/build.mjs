// Bundles the programs into dist/: node infra/build.mjs [--quiet]
import { chmod, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { lambdaBundle, workerBundle } from './bundle-runtimes.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { bin, version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))

const common = /** @type {const} @satisfies {import('esbuild').BuildOptions} */ ({
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

await rm(join(root, 'dist'), { recursive: true, force: true })
const results = await Promise.all([
  build({
    ...common,
    entryPoints: { reprefix: 'cloud/cli.ts' },
    // `demo` is a chunk of its own: the cloud never loads the lab. So is the SDK of AWS, which only
    // zones at Route 53 need.
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    // Native: its binary cannot be bundled.
    external: ['libsql'],
  }),
  build(lambdaBundle(common)),
  build({
    ...common,
    entryPoints: { cdk: 'infra/cdk/main.ts' },
    // Only who deploys to AWS needs it, and from node_modules.
    external: ['aws-cdk-lib', 'constructs', '@aws-sdk/*'],
  }),
  build(workerBundle(common)),
  build({
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
  }),
  build({
    ...common,
    entryPoints: {
      'lab-prober': 'test/lab/prober-main.ts',
      bench: 'test/bench/main.ts',
      fuzz: 'test/fuzz/main.ts',
      test: 'test/main.ts',
      vectors: 'test/vectors/main.ts',
    },
    // Native, its binary cannot be bundled; and what would be in each of them for nothing.
    external: ['libsql', '@aws-sdk/client-route-53', '@aws-sdk/client-dynamodb'],
  }),
])

const agent = await readFile(join(root, 'dist/reprefix-agent.js'))
if (agent.some((byte) => byte > 0x7f)) {
  throw new Error(
    'dist/reprefix-agent.js is not ASCII: V8 would keep two bytes for each letter of it',
  )
}
for (const program of Object.values(bin)) await chmod(join(root, program), 0o755)

if (!process.argv.includes('--quiet')) {
  for (const { metafile } of results) {
    for (const [file, { bytes }] of Object.entries(metafile?.outputs ?? {})) {
      if (file.endsWith('.js')) console.log(`${file}  ${(bytes / 1024).toFixed(0)} kB`)
    }
  }
}
