import type { ServerAddress } from './rfc2136-settings.ts'

/** One TCP connection to a DNS server; messages may be answered in any order (RFC 7766 §6.2.1.1). */
export interface DnsConnection {
  /**
   * Sends all messages at once and gives the answers in the same order, matched by message ID.
   * @throws ProviderError transient after which the connection is useless
   */
  exchange(messages: readonly Uint8Array[]): Promise<readonly Uint8Array[]>
  /**
   * Sends one message and gives every answer with its ID, as they come, until the caller wants no more
   * (zone transfer, RFC 5936 §2.2). Absent where the runtime cannot.
   * @throws ProviderError transient after which the connection is useless
   */
  stream?(message: Uint8Array): AsyncIterable<Uint8Array>
  close(): void
}

/** Opens a connection. @throws ProviderError transient */
export type DnsDialer = (server: ServerAddress) => Promise<DnsConnection>
