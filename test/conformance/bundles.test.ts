import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'
import { PROVIDER_TYPES } from '../../cloud/dns/provider-types.ts'
import {
  commonOptions,
  lambdaBundle,
  startBytes,
  workerBundle,
} from '../../infra/bundle-runtimes.mjs'

/** As `npm run build` prints them. */
const KB = 1024
const LIMIT = 150 * KB
/** What each instance must not load before its first answer. */
const HEAVY = /node_modules\/(?:@aws-sdk|@smithy|yaml|pino|dns-packet)\//

const common = { ...commonOptions(process.cwd(), '0.0.0'), write: false }

const BUNDLES = [
  ['Lambda', lambdaBundle(common), 'dist/lambda/index.mjs'],
  ['Workers', workerBundle(common, Object.keys(PROVIDER_TYPES)), 'dist/worker/worker.js'],
] as const

describe('the bundle of', () => {
  it.each(BUNDLES)('%s is small before its first answer, SDKs apart', async (_, options, entry) => {
    const { metafile } = await build({ ...options, metafile: true })
    const { bytes, modules } = startBytes(metafile, entry)
    expect(modules.filter((path) => HEAVY.test(path))).toEqual([])
    expect(metafile.outputs[entry]?.bytes ?? 0).toBeGreaterThan(10 * KB)
    expect(bytes).toBeLessThanOrEqual(LIMIT)
  })
})
