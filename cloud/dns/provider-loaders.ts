import * as v from 'valibot'
import type { ProviderSettings } from './provider-settings.ts'
import type { ProviderTypeName, ProviderTypes } from './provider-types.ts'

/**
 * Each kind of provider as a module of its own, for runtimes that load a program anew again and again:
 * most clouds use one or two of these kinds.
 */
const LOADERS: { readonly [T in ProviderTypeName]: () => Promise<ProviderTypes[T]> } = {
  rfc2136: async () => (await import('./rfc2136.ts')).rfc2136,
  azure: async () => (await import('./hosted/azure.ts')).azure,
  bunny: async () => (await import('./hosted/bunny.ts')).bunny,
  cloudflare: async () => (await import('./hosted/cloudflare.ts')).cloudflare,
  desec: async () => (await import('./hosted/desec.ts')).desec,
  digitalocean: async () => (await import('./hosted/digitalocean.ts')).digitalocean,
  dnsimple: async () => (await import('./hosted/dnsimple.ts')).dnsimple,
  dyndns2: async () => (await import('./hosted/dyndns2.ts')).dyndns2,
  gandi: async () => (await import('./hosted/gandi.ts')).gandi,
  google: async () => (await import('./hosted/google.ts')).google,
  hetzner: async () => (await import('./hosted/hetzner.ts')).hetzner,
  infomaniak: async () => (await import('./hosted/infomaniak.ts')).infomaniak,
  inwx: async () => (await import('./hosted/inwx.ts')).inwx,
  ionos: async () => (await import('./hosted/ionos.ts')).ionos,
  linode: async () => (await import('./hosted/linode.ts')).linode,
  netcup: async () => (await import('./hosted/netcup.ts')).netcup,
  njalla: async () => (await import('./hosted/njalla.ts')).njalla,
  ovh: async () => (await import('./hosted/ovh.ts')).ovh,
  porkbun: async () => (await import('./hosted/porkbun.ts')).porkbun,
  powerdns: async () => (await import('./hosted/powerdns.ts')).powerdns,
  route53: async () => (await import('./hosted/route53.ts')).route53,
  scaleway: async () => (await import('./hosted/scaleway.ts')).scaleway,
  transip: async () => (await import('./hosted/transip.ts')).transip,
  vultr: async () => (await import('./hosted/vultr.ts')).vultr,
}

/** Loads these kinds; names that are none are left out, which the schema then tells of. */
export async function loadProviderTypes(names: readonly string[]): Promise<Partial<ProviderTypes>> {
  const known = [...new Set(names)].filter(isProviderTypeName)
  const loaded = await Promise.all(
    known.map(async (name) => [name, await LOADERS[name]()] as const),
  )
  return Object.fromEntries(loaded)
}

/** One entry of `providers:`, of these kinds only. */
export function providerSettingsSchemaOf(
  types: Partial<ProviderTypes>,
): v.GenericSchema<unknown, ProviderSettings> {
  return v.variant(
    'type',
    Object.values(types).map(({ settings }) => settings),
  )
}

function isProviderTypeName(name: string): name is ProviderTypeName {
  return Object.hasOwn(LOADERS, name)
}
