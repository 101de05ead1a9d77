import type { HostedFake } from '../fakes/dns/hosted-rig.ts'
import { createPowerDnsFake } from '../fakes/dns/powerdns.ts'
import { CLOUD_URL } from './agent.ts'

/** A cloud on one of its runtimes, reached over HTTP. */
export interface RunningCloud {
  /** Where it answers, without a trailing slash; what is signed is another URL. */
  readonly url: string
  /** Headers that make the runtime's front see this source address. */
  from(address: string): Readonly<Record<string, string>>
  /** Headers with which a client might claim an address, of no effect on this runtime. */
  readonly claims: Readonly<Record<string, string>>
  /** Everything that it has logged so far. */
  logged(): string
  /** Asks for the scheduled pass as the platform does, or gives it time to come. */
  pass(): Promise<void>
  stop(): Promise<void>
}

/** What a cloud of the suite is started with. */
export interface CloudSetting {
  readonly dns: HostedFake
  readonly logKey: string
  /** Settings of another provider in place of that service. */
  readonly provider?: string
}

export const ADMIN_TOKEN = 'operator-token-of-the-tests'
export const ZONE = 'example.test'

/** The secrets of the settings, as the runtime has them in its environment. */
export function secretsOf({ dns, logKey }: CloudSetting): Record<string, string> {
  return { ADMIN_TOKEN, LOG_KEY: logKey, PDNS_TOKEN: dns.secrets[0] ?? '' }
}

/** cloud.yaml, the same for every runtime but for the store and what `more` adds. */
export function settingsOf({ dns, provider }: CloudSetting, store: string, more = ''): string {
  const service = `{ type: powerdns, url: "${dns.api.url}", token: "\${env:PDNS_TOKEN}" }`
  return `url: ${CLOUD_URL}
store: ${store}
log: { key: "\${env:LOG_KEY}" }
admin: { token: "\${env:ADMIN_TOKEN}" }
zones: { ${ZONE}: { ttl: 60, providers: [dns] } }
providers: { dns: ${provider ?? service} }
${more}`
}

/** A service for the zone of the suite, on loopback. */
export const startDns = (): Promise<HostedFake> => createPowerDnsFake(ZONE)
