import { azure } from './hosted/azure.ts'
import { bunny } from './hosted/bunny.ts'
import { cloudflare } from './hosted/cloudflare.ts'
import { desec } from './hosted/desec.ts'
import { digitalocean } from './hosted/digitalocean.ts'
import { dnsimple } from './hosted/dnsimple.ts'
import { dyndns2 } from './hosted/dyndns2.ts'
import { gandi } from './hosted/gandi.ts'
import { google } from './hosted/google.ts'
import { hetzner } from './hosted/hetzner.ts'
import { infomaniak } from './hosted/infomaniak.ts'
import { inwx } from './hosted/inwx.ts'
import { ionos } from './hosted/ionos.ts'
import { linode } from './hosted/linode.ts'
import { netcup } from './hosted/netcup.ts'
import { njalla } from './hosted/njalla.ts'
import { ovh } from './hosted/ovh.ts'
import { porkbun } from './hosted/porkbun.ts'
import { powerdns } from './hosted/powerdns.ts'
import { route53 } from './hosted/route53.ts'
import { scaleway } from './hosted/scaleway.ts'
import { transip } from './hosted/transip.ts'
import { vultr } from './hosted/vultr.ts'
import { rfc2136 } from './rfc2136.ts'

/** Every kind of provider, by the `type` of its settings. */
export const PROVIDER_TYPES = {
  rfc2136,
  azure,
  bunny,
  cloudflare,
  desec,
  digitalocean,
  dnsimple,
  dyndns2,
  gandi,
  google,
  hetzner,
  infomaniak,
  inwx,
  ionos,
  linode,
  netcup,
  njalla,
  ovh,
  porkbun,
  powerdns,
  route53,
  scaleway,
  transip,
  vultr,
}

/** Every kind of provider, by name. */
export type ProviderTypes = typeof PROVIDER_TYPES
/** The `type` of a provider's settings. */
export type ProviderTypeName = keyof ProviderTypes
