import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'

describe('a store with text that is not UTF-8', () => {
  it('never ends the process, whichever byte it is, and says in which column it is', async () => {
    // Below node_modules, so that the driver is found from there.
    const directory = await mkdtemp(resolve('node_modules', '.damaged-store-'))
    try {
      const program = join(directory, 'damage-every-byte.mjs')
      await build({
        entryPoints: ['test/unit/cloud/store/damage-every-byte.ts'],
        outfile: program,
        bundle: true,
        platform: 'node',
        format: 'esm',
        packages: 'external',
        logLevel: 'error',
      })
      const { stdout } = await promisify(execFile)(process.execPath, [program], { timeout: 55_000 })
      const { altered, told } = JSON.parse(stdout)
      expect(altered).toBeGreaterThan(5000)
      // What is only compared, never read, finds nothing; an entry is shown as it is.
      expect(told).toEqual([
        ...['desired.flushed', 'desired.host', 'desired.name', 'desired.rr_values'],
        ...['desired.type', 'desired.zone'],
        ...['host.name', 'host.record', 'name_owner.host'],
        'pass_memory.content',
        ...['report.digest', 'report.keys', 'report.kid', 'report.verdict'],
        ...['token.expires_at', 'token.host', 'token.used_kid'],
      ])
    } finally {
      await rm(directory, { recursive: true })
    }
  })
})
