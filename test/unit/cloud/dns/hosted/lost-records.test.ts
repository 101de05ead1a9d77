import { describe, expect, it } from 'vitest'
import { dnsimple } from '../../../../../cloud/dns/hosted/dnsimple.ts'
import { njalla } from '../../../../../cloud/dns/hosted/njalla.ts'
import { parseName, type RRset } from '../../../../../shared/rrset.ts'
import { createDnsimpleFake, dnsimpleSettings } from '../../../../fakes/dns/dnsimple.ts'
import { createHttpRig } from '../../../../fakes/dns/hosted-rig.ts'
import { createNjallaFake, njallaSettings } from '../../../../fakes/dns/njalla.ts'

const name = parseName('www.example.test')
const aaaa = (...values: string[]): RRset => ({ name, type: 'AAAA', ttl: 300, values })

/** Services that say in the body that a record is gone, under a status that means something else. */
const SERVICES = {
  dnsimple: async () => createHttpRig(dnsimple, dnsimpleSettings, await createDnsimpleFake()),
  njalla: async () => createHttpRig(njalla, njallaSettings, await createNjallaFake()),
}

describe.each(Object.entries(SERVICES))('%s', (_, open) => {
  it('is read again when a record went away since it was read', async () => {
    const rig = await open()
    try {
      await rig.seed(aaaa('2001:db8::1'))
      const place = await rig.provider.findZone(rig.zone)
      // Somebody else puts another record in its place, which has an id of its own.
      rig.beforeNextWrite(() => rig.seed(aaaa('2001:db8::2')))
      const change = { name, type: 'AAAA', set: aaaa('2001:db8::3') } as const
      expect(await rig.provider.apply(place, [change])).toEqual({
        outcomes: [{ kind: 'updated' }],
        writes: 2,
      })
      expect((await rig.look(change))?.values).toEqual(['2001:db8::3'])
    } finally {
      await rig.close()
    }
  })
})

describe('Njalla', () => {
  it('has one code for a wrong token and for a domain of nobody, and they are told apart', async () => {
    const fake = await createNjallaFake()
    const settings = { ...njallaSettings, token: 'another-token-altogether' }
    const rigs = [njallaSettings, settings].map((one) => createHttpRig(njalla, one, fake))
    try {
      const kinds = rigs.map(({ provider }) =>
        provider.findZone(parseName('nas.example.org')).catch(({ kind }: { kind: string }) => kind),
      )
      expect(await Promise.all(kinds)).toEqual(['zone-not-found', 'auth'])
    } finally {
      await fake.api.close()
    }
  })
})
