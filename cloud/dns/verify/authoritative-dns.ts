import type { Fqdn, RRKey } from '../../../shared/rrset.ts'
import type { Served } from '../../domain/served-state.ts'
import type { ServerAddress } from '../rfc2136-settings.ts'

/** One authoritative server of a zone; several addresses of it are tried one after the other. */
export interface NameServer {
  readonly name: string
  readonly addresses: readonly ServerAddress[]
}

/** Asks the authoritative servers of zones, each by itself and past every cache. */
export interface AuthoritativeDns {
  /**
   * The servers of a zone: those of the settings, else those that its NS records name.
   * @throws ReprefixError DNS_LOOKUP when they cannot be found
   */
  nameServers(zone: Fqdn): Promise<readonly NameServer[]>
  /** What this server serves; never throws for what a server says or does not say. */
  ask(server: NameServer, key: RRKey): Promise<Served>
}
