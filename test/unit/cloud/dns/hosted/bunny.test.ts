import { describe, expect, it } from 'vitest'
import { bunny } from '../../../../../cloud/dns/hosted/bunny.ts'
import { parseName, type RRset } from '../../../../../shared/rrset.ts'
import { bunnySettings, createBunnyFake } from '../../../../fakes/dns/bunny.ts'
import { createHttpRig } from '../../../../fakes/dns/hosted-rig.ts'

const name = parseName('www.example.test')
const aaaa = (ttl: number, ...values: string[]): RRset => ({ name, type: 'AAAA', ttl, values })
const to = (set: RRset) => [{ name, type: set.type, set }]

describe('Bunny', () => {
  it('moves an address and leaves beside it what people have set', async () => {
    const rig = createHttpRig(bunny, bunnySettings, await createBunnyFake())
    try {
      await rig.seed(aaaa(300, '2001:db8::1'))
      const place = await rig.provider.findZone(rig.zone)
      await rig.provider.apply(place, to(aaaa(300, '2001:db8::2')))
      const answer = await rig.fake.api.fetch(
        `https://api.bunny.net/dnszone/${place.id}`,
        rig.fake.authorise({ method: 'GET', url: '', body: '' }),
      )
      const { Records } = (await answer.json()) as { Records: object[] }
      expect(Records.at(-1)).toMatchObject({
        ...{ Name: 'www', Value: '2001:db8::2', Comment: 'of a person', Weight: 7 },
      })
    } finally {
      await rig.close()
    }
  })

  it('takes a record that is switched off for one that is not there, and keeps it', async () => {
    const rig = createHttpRig(bunny, bunnySettings, await createBunnyFake())
    try {
      const place = await rig.provider.findZone(rig.zone)
      const set: RRset = {
        ...aaaa(300, '192.0.2.2'),
        name: parseName('off.example.test'),
        type: 'A',
      }
      const { outcomes } = await rig.provider.apply(place, [{ ...set, set }])
      expect(outcomes).toEqual([{ kind: 'created' }])
      expect(rig.fake.bystander()).toBe(true)
    } finally {
      await rig.close()
    }
  })
})
