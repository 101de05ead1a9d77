import { cloudflare } from './hosted/cloudflare.ts'
import { desec } from './hosted/desec.ts'
import { digitalocean } from './hosted/digitalocean.ts'
import { gandi } from './hosted/gandi.ts'
import { hetzner } from './hosted/hetzner.ts'
import { porkbun } from './hosted/porkbun.ts'
import { rfc2136 } from './rfc2136.ts'

/** Every kind of provider, by the `type` of its settings. */
export const PROVIDER_TYPES = { rfc2136, cloudflare, desec, digitalocean, gandi, hetzner, porkbun }
