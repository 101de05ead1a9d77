import { describe, expect, it } from 'vitest'
import { scaleway } from '../../../../cloud/dns/hosted/scaleway.ts'
import { parseName, type RRset } from '../../../../shared/rrset.ts'
import { createHttpRig } from '../../../fakes/dns/hosted-rig.ts'
import { createScalewayFake, scalewaySettings } from '../../../fakes/dns/scaleway.ts'

describe('Scaleway', () => {
  it('moves a record without losing its comment and what makes it answer by country', async () => {
    const fake = await createScalewayFake()
    const { provider, zone, close } = createHttpRig(scaleway, scalewaySettings, fake)
    try {
      const place = await provider.findZone(zone)
      const name = parseName(`geo.${zone}`)
      const set: RRset = { name, type: 'A', ttl: 60, values: ['192.0.2.81'] }
      const changes = [{ name, type: set.type, set }]
      expect((await provider.apply(place, changes)).outcomes).toEqual([{ kind: 'updated' }])
      const url = `https://api.scaleway.com/domain/v2beta1/dns-zones/${zone}/records`
      const listed = await fake.api.fetch(url, fake.authorise({ method: 'GET', url, body: '' }))
      const { records } = (await listed.json()) as { readonly records: readonly object[] }
      expect(records).toContainEqual(
        expect.objectContaining({
          ...{ name: 'geo', data: '192.0.2.81', ttl: 60, comment: 'x' },
          geo_ip_config: expect.objectContaining({ matches: [expect.anything()] }),
        }),
      )
      expect(await provider.apply(place, changes)).toMatchObject({ writes: 0 })
    } finally {
      await close()
    }
  })

  it('takes a refusal because of the zone for a zone that is not there', async () => {
    const fake = await createScalewayFake()
    const { provider, close } = createHttpRig(scaleway, scalewaySettings, fake)
    try {
      const name = parseName('elsewhere.test')
      const read = provider.read({ name, id: name }, [{ name, type: 'A' }])
      await expect(read).rejects.toMatchObject({ kind: 'zone-not-found' })
    } finally {
      await close()
    }
  })
})
