import { Miniflare } from 'miniflare'
import type { D1Binding } from '../../cloud/store/d1.ts'

const MOST = 100

/** Real D1 databases in workerd on this machine, each empty. */
export interface D1Databases {
  next(): Promise<D1Binding>
  close(): Promise<void>
}

/** Starts one workerd for all databases of a test file. */
export async function openD1Databases(): Promise<D1Databases> {
  const names = Array.from({ length: MOST }, (_, i) => `DB${i}`)
  const miniflare = new Miniflare({
    modules: true,
    script: 'export default { fetch: () => new Response() }',
    compatibilityDate: '2026-04-01',
    d1Databases: Object.fromEntries(names.map((name) => [name, name])),
    // Asks no other machine for anything.
    cf: false,
  })
  await miniflare.ready
  return {
    async next() {
      const name = names.pop()
      if (name === undefined) throw new Error(`this file has used all ${MOST} databases`)
      return miniflare.getD1Database(name)
    },
    close: () => miniflare.dispose(),
  }
}
