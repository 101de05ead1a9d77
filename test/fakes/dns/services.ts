import { azure } from '../../../cloud/dns/hosted/azure.ts'
import { bunny } from '../../../cloud/dns/hosted/bunny.ts'
import { cloudflare } from '../../../cloud/dns/hosted/cloudflare.ts'
import { desec } from '../../../cloud/dns/hosted/desec.ts'
import { digitalocean } from '../../../cloud/dns/hosted/digitalocean.ts'
import { dnsimple } from '../../../cloud/dns/hosted/dnsimple.ts'
import { dyndns2 } from '../../../cloud/dns/hosted/dyndns2.ts'
import { gandi } from '../../../cloud/dns/hosted/gandi.ts'
import { google } from '../../../cloud/dns/hosted/google.ts'
import { hetzner } from '../../../cloud/dns/hosted/hetzner.ts'
import { infomaniak } from '../../../cloud/dns/hosted/infomaniak.ts'
import { inwx } from '../../../cloud/dns/hosted/inwx.ts'
import { ionos } from '../../../cloud/dns/hosted/ionos.ts'
import { linode } from '../../../cloud/dns/hosted/linode.ts'
import { netcup } from '../../../cloud/dns/hosted/netcup.ts'
import { njalla } from '../../../cloud/dns/hosted/njalla.ts'
import { ovh } from '../../../cloud/dns/hosted/ovh.ts'
import { porkbun } from '../../../cloud/dns/hosted/porkbun.ts'
import { powerdns } from '../../../cloud/dns/hosted/powerdns.ts'
import { route53 } from '../../../cloud/dns/hosted/route53.ts'
import { scaleway } from '../../../cloud/dns/hosted/scaleway.ts'
import { transip } from '../../../cloud/dns/hosted/transip.ts'
import { vultr } from '../../../cloud/dns/hosted/vultr.ts'
import type { FaultKinds } from '../../contract/http-faults.ts'
import { azureSettings, createAzureFake } from './azure.ts'
import { bunnySettings, createBunnyFake } from './bunny.ts'
import { cloudflareSettings, createCloudflareFake } from './cloudflare.ts'
import { createDesecFake, desecSettings } from './desec.ts'
import { createDigitalOceanFake, digitaloceanSettings } from './digitalocean.ts'
import { createDnsimpleFake, dnsimpleSettings } from './dnsimple.ts'
import { createDyndns2Fake, dyndns2Settings } from './dyndns2.ts'
import { createGandiFake, gandiSettings } from './gandi.ts'
import { createGoogleFake, googleSettings } from './google.ts'
import { createHetznerFake, hetznerSettings } from './hetzner.ts'
import { createHttpRig, type HttpRig } from './hosted-rig.ts'
import { createInfomaniakFake, infomaniakSettings } from './infomaniak.ts'
import { createInwxFake, inwxSettings } from './inwx.ts'
import { createIonosFake, ionosSettings } from './ionos.ts'
import { createLinodeFake, linodeSettings } from './linode.ts'
import { createNetcupFake, netcupSettings } from './netcup.ts'
import { createNjallaFake, njallaSettings } from './njalla.ts'
import { createOvhFake, ovhSettings } from './ovh.ts'
import { createPorkbunFake, porkbunSettings } from './porkbun.ts'
import { createPowerDnsFake, powerdnsSettings } from './powerdns.ts'
import { createRoute53Fake, route53Settings } from './route53.ts'
import { createScalewayFake, scalewaySettings } from './scaleway.ts'
import { createTransipFake, transipSettings } from './transip.ts'
import { createVultrFake, vultrSettings } from './vultr.ts'

/** A hosted service as a fake speaks for it. */
export interface FakeService {
  readonly name: string
  open(): Promise<HttpRig>
  /** The least requests with which this API moves 100 RRsets of one zone: reads and writes. */
  readonly least: { readonly reads: number; readonly writes: number }
  readonly faults?: FaultKinds
  /** Requests that make the writes of one apply public. */
  readonly publishing?: number
}

/** Every hosted service: how its rig is made, and what its API does in its own way. */
export const SERVICES: readonly FakeService[] = [
  {
    name: 'bunny',
    least: { reads: 1, writes: 100 },
    open: async () => createHttpRig(bunny, bunnySettings, await createBunnyFake()),
  },
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
  ...[
    { ...dyndns2Settings.basic, service: 'dyn' as const },
    { ...dyndns2Settings.basic, service: 'desec' as const },
    { ...dyndns2Settings.basic, service: 'inwx' as const },
    { ...dyndns2Settings.password, service: 'he' as const },
    { ...dyndns2Settings.token, service: 'dynv6' as const },
  ].map((settings) => ({
    name: `dyndns2 (${settings.service})`,
    // It moves the prefix of as many hosts as one request can name.
    least: { reads: 0, writes: settings.service === 'desec' ? 2 : 100 },
    open: async () => createHttpRig(dyndns2, settings, await createDyndns2Fake(settings.service)),
  })),
  {
    name: 'dnsimple',
    // A page holds a hundred records, and others are there as well.
    least: { reads: 2, writes: 1 },
    open: async () => createHttpRig(dnsimple, dnsimpleSettings, await createDnsimpleFake()),
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
    name: 'infomaniak',
    least: { reads: 1, writes: 100 },
    open: async () => createHttpRig(infomaniak, infomaniakSettings, await createInfomaniakFake()),
  },
  {
    name: 'linode',
    least: { reads: 1, writes: 100 },
    open: async () => createHttpRig(linode, linodeSettings, await createLinodeFake()),
  },
  {
    name: 'njalla',
    least: { reads: 1, writes: 100 },
    open: async () => createHttpRig(njalla, njallaSettings, await createNjallaFake()),
  },
  {
    name: 'ovh',
    // A list holds ids; the last write publishes all others.
    least: { reads: 1 + 100, writes: 100 + 1 },
    publishing: 1,
    open: async () => createHttpRig(ovh, ovhSettings, await createOvhFake()),
  },
  {
    name: 'powerdns',
    least: { reads: 1, writes: 1 },
    open: async () => createHttpRig(powerdns, powerdnsSettings, await createPowerDnsFake()),
  },
  {
    name: 'scaleway',
    least: { reads: 2, writes: 1 },
    open: async () => createHttpRig(scaleway, scalewaySettings, await createScalewayFake()),
  },
  {
    name: 'transip',
    least: { reads: 1, writes: 100 },
    open: async () => createHttpRig(transip, transipSettings, await createTransipFake()),
  },
  {
    name: 'ionos',
    least: { reads: 1, writes: 1 },
    open: async () => createHttpRig(ionos, ionosSettings, await createIonosFake()),
  },
  {
    name: 'google',
    least: { reads: 2, writes: 1 },
    open: async () => createHttpRig(google, googleSettings, await createGoogleFake()),
  },
  {
    name: 'porkbun',
    least: { reads: 1, writes: 100 },
    // Its limiter answers with this page.
    faults: { 'read/503-html': 'rate-limited', 'write/503-html': 'rate-limited' },
    open: async () => createHttpRig(porkbun, porkbunSettings, await createPorkbunFake()),
  },
  {
    name: 'vultr',
    least: { reads: 1, writes: 100 },
    open: async () => createHttpRig(vultr, vultrSettings, await createVultrFake()),
  },
  {
    name: 'inwx',
    least: { reads: 1, writes: 100 },
    open: async () => createHttpRig(inwx, inwxSettings, await createInwxFake()),
  },
  {
    name: 'route53',
    least: { reads: 1, writes: 1 },
    open: async () => createHttpRig(route53, route53Settings, await createRoute53Fake()),
  },
  {
    name: 'azure',
    least: { reads: 2, writes: 100 },
    open: async () => createHttpRig(azure, azureSettings, await createAzureFake()),
  },
  {
    name: 'netcup',
    least: { reads: 3, writes: 1 },
    open: async () => createHttpRig(netcup, netcupSettings, await createNetcupFake()),
  },
]
