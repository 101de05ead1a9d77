import type { Address, Prefix } from '../../shared/ipv6.ts'

/** What the prober is started with: what it asks for all the time. */
export interface ProbeTargets {
  readonly homeIPv4: string
  readonly httpPort: number
  readonly echoPort: number
  /** Text that the right container's page contains. */
  readonly page: string
  /** IP address of the authoritative DNS server. */
  readonly dnsServer: string
  readonly name: string
  /** After how long a request counts as lost. */
  readonly lostAfterMs?: number
  /** Time from one request of a kind to the next, if not the usual 20 ms. */
  readonly everyMs?: number
}

/** A line to the prober: from now on count anew, and look for `name` inside `newPrefix`. */
export type ProbeCommand =
  | {
      readonly kind: 'begin'
      readonly window: number
      readonly oldAddress?: Address
      readonly newPrefix: Prefix
    }
  | { readonly kind: 'end' }

/** One kind of request in one window. */
export interface Tally {
  readonly sent: number
  readonly lost: number
  /** Longest time from one success to the next, in milliseconds. */
  readonly longestGapMs: number
}

/** Everything counted in one window. */
export interface Counters {
  readonly window: number
  /** True when the window was ended and every request of it has been judged. */
  readonly isFinal: boolean
  /** A new connection and an HTTP request to the published IPv4 port. */
  readonly ipv4: Tally
  /** Echoes on one TCP connection that lives as long as the prober. */
  readonly tcp: Tally
  /** How often that connection was closed, reset, or silent for longer than the limit. */
  readonly brokenTcp: number
  /** HTTP to the address before the renumbering. */
  readonly oldIpv6: Tally
}

/** The first page fetched by name at an address inside the new prefix. */
export interface Reachable {
  readonly window: number
  /** When the page was complete, in milliseconds since the epoch. */
  readonly at: number
  readonly address: Address
}

/** The first answer of the DNS server with an address inside the new prefix. */
export interface Named {
  readonly window: number
  /** In milliseconds since the epoch. */
  readonly at: number
}

/** A line from the prober. */
export type ProbeEvent =
  /** The established TCP connection stands. */
  | { readonly kind: 'ready' }
  | ({ readonly kind: 'counters' } & Counters)
  | ({ readonly kind: 'named' } & Named)
  | ({ readonly kind: 'reachable' } & Reachable)
  | {
      readonly kind: 'lost'
      readonly probe: 'ipv4' | 'tcp' | 'oldIpv6'
      readonly at: number
      readonly reason: string
    }

/** Answer of the prober's `census` mode: which names lead to a page inside a prefix, asked at once. */
export interface Census {
  readonly reached: readonly string[]
  readonly unreached: readonly string[]
}

/** Answer of the prober's `ask` mode: what a stranger sees of a name, once. */
export interface Sight {
  readonly addresses: readonly string[]
  /** The page at the first address, or why there is none. */
  readonly page?: string
  readonly error?: string
}
