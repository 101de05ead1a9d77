import { describe, expect, it } from 'vitest'
import { PROVIDER_TYPES } from '../../cloud/dns/provider-types.ts'
import {
  bundleOf,
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
/** Settings that leave nothing out. */
const EVERYTHING = {
  providers: Object.fromEntries(Object.keys(PROVIDER_TYPES).map((type) => [type, { type }])),
  dnsOverHttps: ['https://dns.example/dns-query'],
}
const BUNDLES = [
  ['Lambda', lambdaBundle(ROOT, '0.0.0'), 'index.mjs'],
  ['Workers', workerBundle(ROOT, '0.0.0', EVERYTHING), 'worker.js'],
] as const

describe('the bundle of', () => {
  it('a Worker has what its settings name, and nothing else', async () => {
    const providers = { a: { type: 'gandi' }, b: { type: 'powerdns' } }
    const chunks = await bundleRuntime(workerBundle(ROOT, '0.0.0', { providers }))
    const modules = chunks.flatMap((chunk) => chunk.modules)
    const kinds = Object.keys(PROVIDER_TYPES).filter((kind) =>
      modules.some((path) => path.endsWith(`/${kind}.ts`)),
    )
    expect(kinds.sort()).toEqual(['gandi', 'powerdns'])
    expect(modules.filter((path) => /dns-packet|doh-dns|tcp-dialer/.test(path))).toEqual([])
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

  it('the application has its description apart, and what makes that not at all', async () => {
    const bundle = bundleOf(ROOT, '0.0.0', {
      ...{ entry: { app: 'cloud/app.ts' }, directory: 'dist/unused', extension: 'js' },
    })
    const chunks = await bundleRuntime(bundle)
    const holding = (source: string) =>
      chunks.filter(({ modules }) => modules.some((path) => path.includes(source)))
    const [chunk, ...others] = holding('docs/schema/openapi.json')
    expect(others).toEqual([])
    expect(chunk?.entry).toBe('docs/schema/openapi.json')
    expect(chunks.filter(({ imports }) => imports.includes(chunk?.file ?? ''))).toEqual([])
    expect([...holding('to-json-schema'), ...holding('infra/')]).toEqual([])
    // Nor is what only the composition roots need, each its own.
    expect(holding('node_modules/pino/')).toEqual([])
  })
})
