import { describe, expect, it } from 'vitest'
import { inwx } from '../../../../cloud/dns/hosted/inwx.ts'
import type { Change } from '../../../../cloud/domain/dns-provider.ts'
import { parseName } from '../../../../shared/rrset.ts'
import { createHttpRig, type HttpRig } from '../../../fakes/dns/hosted-rig.ts'
import { createInwxFake, inwxSettings } from '../../../fakes/dns/inwx.ts'

const SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
const HALF_MINUTE = 30_000
const name = parseName('www.example.test')
const change = (value: string): Change => ({
  ...{ name, type: 'AAAA' },
  set: { name, type: 'AAAA', ttl: 600, values: [value] },
})

type Fake = Awaited<ReturnType<typeof createInwxFake>>
async function using(
  settings: Partial<{ secret: string; password: string }>,
  use: (rig: HttpRig, fake: Fake, wait: (ms: number) => void) => Promise<void>,
  hasSecond = false,
): Promise<void> {
  // The clock of the rig starts there, and moves by what the test waits.
  let clock = Date.parse('2026-01-31T12:00:00Z')
  const step = () => Math.floor(clock / HALF_MINUTE)
  const key = { secret: Buffer.from('12345678901234567890'), step }
  const fake = await createInwxFake('example.test', hasSecond ? key : undefined)
  const rig = createHttpRig(inwx, { ...inwxSettings, ...settings }, fake, () => new Date(clock))
  try {
    await use(rig, fake, (ms) => {
      clock += ms
    })
  } finally {
    await rig.close()
  }
}

describe('a session at INWX', () => {
  it('is opened once, by all that need it at the same time', async () => {
    await using({}, async ({ provider, zone }, fake) => {
      await Promise.all([provider.findZone(zone), provider.findZone(zone), provider.findZone(name)])
      const place = await provider.findZone(zone)
      expect((await provider.apply(place, [change('2001:db8::1')])).outcomes).toEqual([
        { kind: 'created' },
      ])
      expect(fake.logins()).toBe(1)
    })
  })

  it('is opened anew when the service has ended it, without a word', async () => {
    await using({}, async ({ provider, zone }, fake, wait) => {
      const place = await provider.findZone(zone)
      wait(60_000)
      fake.endSessions()
      expect((await provider.apply(place, [change('2001:db8::1')])).outcomes).toEqual([
        { kind: 'created' },
      ])
      expect(fake.logins()).toBe(2)
    })
  })

  it('is not asked for again and again with a wrong password', async () => {
    await using({ password: 'another-Password' }, async ({ provider, zone }, fake) => {
      await expect(provider.findZone(zone)).rejects.toMatchObject({ kind: 'auth' })
      expect(fake.logins()).toBe(1)
    })
  })

  it('needs the second factor where the account has one', async () => {
    const use = async ({ provider, zone }: HttpRig) => {
      expect((await provider.findZone(zone)).name).toBe(zone)
    }
    await using({ secret: SECRET }, use, true)
    const fail = async ({ provider, zone }: HttpRig) => {
      await expect(provider.findZone(zone)).rejects.toMatchObject({
        kind: 'auth',
        message: expect.stringContaining('second factor'),
      })
    }
    await using({}, fail, true)
  })

  it('waits for the next password, because each is taken once', async () => {
    await using(
      { secret: SECRET },
      async ({ provider, zone }, fake, wait) => {
        const place = await provider.findZone(zone)
        wait(20_000)
        fake.endSessions()
        const { outcomes } = await provider.apply(place, [change('2001:db8::1')])
        expect(outcomes).toMatchObject([{ error: { kind: 'rate-limited', retryAfterMs: 10_000 } }])
        wait(10_000)
        expect((await provider.apply(place, [change('2001:db8::1')])).outcomes).toEqual([
          { kind: 'created' },
        ])
      },
      true,
    )
  })
})
