import { describe, expect, it } from 'vitest'
import { PROVIDER_TYPES } from '../../cloud/dns/provider-types.ts'
import {
  bundleRuntime,
  lambdaBundle,
  startBytes,
  workerBundle,
} from '../../infra/bundle-runtimes.mjs'

const LIMIT = 150_000
/** What each instance must not load before its first answer. */
const HEAVY = /node_modules\/(?:@aws-sdk|@smithy|yaml|pino|dns-packet)\//
/** Every file that is loaded takes its time, however small it is. */
const MOST_FILES = 3

const ROOT = process.cwd()
const BUNDLES = [
  ['Lambda', lambdaBundle(ROOT, '0.0.0'), 'index.mjs'],
  ['Workers', workerBundle(ROOT, '0.0.0', Object.keys(PROVIDER_TYPES)), 'worker.js'],
] as const

describe('the bundle of', () => {
  it('a Worker has the kinds of providers that its settings name, and no others', async () => {
    const chunks = await bundleRuntime(workerBundle(ROOT, '0.0.0', ['gandi', 'rfc2136']))
    const modules = chunks.flatMap((chunk) => chunk.modules)
    const kinds = [...Object.keys(PROVIDER_TYPES), 'rfc2136'].filter((kind) =>
      modules.some(
        (path) =>
          path.endsWith(`cloud/dns/hosted/${kind}.ts`) || path.endsWith(`cloud/dns/${kind}.ts`),
      ),
    )
    expect([...new Set(kinds)].sort()).toEqual(['gandi', 'rfc2136'])
    const [leftOut] = chunks.filter(({ code }) => code.includes('deploy it again'))
    expect(leftOut?.code.length).toBeLessThan(300)
  })

  it.each(BUNDLES)('%s is small before its first answer, SDKs apart', async (_, bundle, entry) => {
    const { bytes, modules, files } = startBytes(await bundleRuntime(bundle), entry)
    expect(modules.filter((path) => HEAVY.test(path))).toEqual([])
    expect(modules).toContain('cloud/accept-report.ts')
    expect(files.length).toBeLessThanOrEqual(MOST_FILES)
    expect(bytes).toBeLessThanOrEqual(LIMIT)
  })
})
