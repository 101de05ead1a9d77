import { cloudflare } from '../../cloud/dns/hosted/cloudflare.ts'
import { desec } from '../../cloud/dns/hosted/desec.ts'
import { digitalocean } from '../../cloud/dns/hosted/digitalocean.ts'
import { hetzner } from '../../cloud/dns/hosted/hetzner.ts'
import { cloudflareSettings, createCloudflareFake } from '../fakes/dns/cloudflare.ts'
import { createDesecFake, desecSettings } from '../fakes/dns/desec.ts'
import { createDigitalOceanFake, digitaloceanSettings } from '../fakes/dns/digitalocean.ts'
import { createHetznerFake, hetznerSettings } from '../fakes/dns/hetzner.ts'
import { createHttpRig, type HttpRig } from '../fakes/dns/hosted-rig.ts'
import { describeDnsProvider } from './dns-provider.ts'
import { describeHttpFaults, type FaultKinds } from './http-faults.ts'

/** Every hosted service: how its rig is made, and what its API does in its own way. */
const SERVICES: readonly {
  readonly name: string
  open(): Promise<HttpRig>
  readonly faults?: FaultKinds
}[] = [
  {
    name: 'cloudflare',
    open: async () => createHttpRig(cloudflare, cloudflareSettings, await createCloudflareFake()),
  },
  { name: 'desec', open: async () => createHttpRig(desec, desecSettings, await createDesecFake()) },
  {
    name: 'digitalocean',
    open: async () =>
      createHttpRig(digitalocean, digitaloceanSettings, await createDigitalOceanFake()),
  },
  {
    name: 'hetzner',
    open: async () => createHttpRig(hetzner, hetznerSettings, await createHetznerFake()),
  },
]

for (const { name, open, faults } of SERVICES) {
  describeDnsProvider(name, open)
  describeHttpFaults(name, open, faults)
}
