import { describe, expect, it } from 'vitest'
import { cloudflare } from '../../cloud/dns/hosted/cloudflare.ts'
import { desec } from '../../cloud/dns/hosted/desec.ts'
import { digitalocean } from '../../cloud/dns/hosted/digitalocean.ts'
import { gandi } from '../../cloud/dns/hosted/gandi.ts'
import { hetzner } from '../../cloud/dns/hosted/hetzner.ts'
import { porkbun } from '../../cloud/dns/hosted/porkbun.ts'
import { parseName, type RRset } from '../../shared/rrset.ts'
import { cloudflareSettings, createCloudflareFake } from '../fakes/dns/cloudflare.ts'
import { createDesecFake, desecSettings } from '../fakes/dns/desec.ts'
import { createDigitalOceanFake, digitaloceanSettings } from '../fakes/dns/digitalocean.ts'
import { createGandiFake, gandiSettings } from '../fakes/dns/gandi.ts'
import { createHetznerFake, hetznerSettings } from '../fakes/dns/hetzner.ts'
import { createHttpRig, type HttpRig } from '../fakes/dns/hosted-rig.ts'
import { createPorkbunFake, porkbunSettings } from '../fakes/dns/porkbun.ts'
import { describeDnsProvider } from './dns-provider.ts'
import { describeHttpFaults, type FaultKinds } from './http-faults.ts'

/** Every hosted service: how its rig is made, and what its API does in its own way. */
const SERVICES: readonly {
  readonly name: string
  open(): Promise<HttpRig>
  /** The least requests with which this API moves 100 RRsets of one zone: reads and writes. */
  readonly least: { readonly reads: number; readonly writes: number }
  readonly faults?: FaultKinds
}[] = [
  {
    name: 'cloudflare',
    least: { reads: 1, writes: 1 },
    open: async () => createHttpRig(cloudflare, cloudflareSettings, await createCloudflareFake()),
  },
  {
    name: 'desec',
    least: { reads: 1, writes: 1 },
    open: async () => createHttpRig(desec, desecSettings, await createDesecFake()),
  },
  {
    name: 'digitalocean',
    least: { reads: 1, writes: 100 },
    open: async () =>
      createHttpRig(digitalocean, digitaloceanSettings, await createDigitalOceanFake()),
  },
  {
    name: 'gandi',
    least: { reads: 1, writes: 100 },
    open: async () => createHttpRig(gandi, gandiSettings, await createGandiFake()),
  },
  {
    name: 'hetzner',
    least: { reads: 3, writes: 100 },
    open: async () => createHttpRig(hetzner, hetznerSettings, await createHetznerFake()),
  },
  {
    name: 'porkbun',
    least: { reads: 1, writes: 100 },
    // Its limiter answers with this page.
    faults: { 'read/503-html': 'rate-limited', 'write/503-html': 'rate-limited' },
    open: async () => createHttpRig(porkbun, porkbunSettings, await createPorkbunFake()),
  },
]

for (const { name, open, least, faults } of SERVICES) {
  describeDnsProvider(name, open)
  describeHttpFaults(name, open, faults)
  describe(`${name}, moving 100 RRsets`, () => {
    it('sends hardly more requests than its API needs', async () => {
      const rig = await open()
      try {
        const zone = await rig.provider.findZone(rig.zone)
        const set = (index: number, address: string): RRset => {
          const name = parseName(`host${index}.${rig.zone}`)
          return { name, type: 'AAAA', ttl: zone.minTtl ?? 600, values: [address] }
        }
        const moved = Array.from({ length: 100 }, (_, i) => set(i, `2001:db8:2::${i + 1}`))
        for (const index of moved.keys()) await rig.seed(set(index, `2001:db8:1::${index + 1}`))
        const before = { requests: rig.requests(), writes: rig.writes() }
        const { outcomes } = await rig.provider.apply(
          zone,
          moved.map((one) => ({ name: one.name, type: one.type, set: one })),
        )
        expect(outcomes.map(({ kind }) => kind)).toEqual(moved.map(() => 'updated'))
        expect(rig.writes() - before.writes).toBe(least.writes)
        const requests = rig.requests() - before.requests
        expect(requests).toBeLessThanOrEqual((least.reads + least.writes) * 1.1)
      } finally {
        await rig.close()
      }
    })
  })
}
