import { describe, expect, it } from 'vitest'
import { ovh } from '../../../../../cloud/dns/hosted/ovh.ts'
import type { Change } from '../../../../../cloud/domain/dns-provider.ts'
import { parseName, type RRset } from '../../../../../shared/rrset.ts'
import { CRASHES, createCrashPoints } from '../../../../fakes/crash-points.ts'
import { createHttpRig } from '../../../../fakes/dns/hosted-rig.ts'
import { createOvhFake, ovhSettings } from '../../../../fakes/dns/ovh.ts'

const ZONE = { name: parseName('example.test'), id: 'example.test' }
const key = (label: string) => ({ name: parseName(`${label}.example.test`), type: 'AAAA' as const })
const set = (label: string, ...values: string[]): RRset => ({ ...key(label), ttl: 300, values })

const OLD = [set('moved', '::1'), set('grown', '::2'), set('gone', '::3')]
const NEW: readonly Change[] = [
  ...[set('moved', '::4'), set('grown', '::2', '::5'), set('made', '::6')].map((one) => ({
    ...one,
    set: one,
  })),
  { ...key('gone'), set: null },
]

type Apply = (changes: readonly Change[]) => Promise<{ readonly writes: number }>
const BACK: readonly Change[] = [
  ...OLD.map((one) => ({ ...one, set: one })),
  { ...key('made'), set: null },
]

/** Who finds what a process has left that ended in the middle. */
const HEIRS = {
  'a process that has just started': async () => undefined,
  'one that has published what was there before': async (own: Apply) => {
    await own(BACK)
  },
  'one that has published the same a while ago, which others have undone': async (
    own: Apply,
    others: Apply,
  ) => {
    await own(NEW)
    await others(BACK)
  },
}

describe.each(CRASHES)('an OVH provider that ends at any call %o', (crash) => {
  it.each(Object.entries(HEIRS))('leaves nothing unpublished for %s', async (_, prepare) => {
    let at = 0
    for (let isOver = false; !isOver; at += 1) {
      const fake = await createOvhFake()
      const points = createCrashPoints()
      const fetch: typeof fake.api.fetch = (url, init) =>
        points.pass(
          () => fake.api.fetch(url, init),
          () => new TypeError('fetch failed'),
        )
      let clock = Date.parse('2026-01-31T12:00:00Z')
      const [heir, other] = [0, 1].map(() =>
        createHttpRig(ovh, ovhSettings, fake, () => new Date(clock)),
      )
      const by = (rig: typeof heir): Apply => {
        return async (changes) => (await rig?.provider.apply(ZONE, changes)) ?? { writes: 0 }
      }
      const apply = by(heir)
      const first = createHttpRig(ovh, ovhSettings, { ...fake, api: { ...fake.api, fetch } })
      try {
        for (const one of OLD) fake.seed(one)
        await prepare(apply, by(other))
        clock += 601_000
        points.set({ ...crash, at })
        await first.provider.apply(ZONE, NEW)
        isOver = !points.hasStruck()
        await apply(NEW)
        for (const { name, type, set: wanted } of NEW) {
          expect(fake.look({ name, type })?.values, `call ${at}: ${name}`).toEqual(wanted?.values)
        }
        expect((await apply(NEW)).writes, `call ${at}`).toBe(0)
      } finally {
        await fake.api.close()
      }
    }
    expect(at).toBeGreaterThan(10)
  })
})
