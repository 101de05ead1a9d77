import { ReprefixError } from '../../shared/errors.ts'
import type { Fqdn, RRKey, RRset, RRType } from '../../shared/rrset.ts'

/** A zone as one provider knows it; `id` is the provider's own identifier. */
export interface Zone {
  readonly name: Fqdn
  readonly id: string
  /** The least TTL in seconds that this zone takes, where zones differ. */
  readonly minTtl?: number
}

/** What a provider's API can do and where its limits are; the plan adapts to it. */
export interface Capabilities {
  readonly types: readonly RRType[]
  /**
   * The unit that one write replaces: a whole RRset, one record by id, a zone, or a host. A host has
   * one address of each family, a TTL that the service chooses, and no wildcard.
   */
  readonly granularity: 'rrset' | 'record' | 'zone' | 'host'
  /** False for services that only take updates; what they hold is asked of DNS. */
  readonly readable: boolean
  /** False for services that take another address, but do not let go of one. */
  readonly removes?: boolean
  /** Most changes that one write request carries. */
  readonly maxBatch: number
  /** True when the changes of one write request take effect together or not at all. */
  readonly atomic: boolean
  /** How `expect` is enforced; `none` is read, compare, write with a race between. */
  readonly compareAndSet: 'prerequisite' | 'etag' | 'exact' | 'none'
  /** Bounds of the TTL in seconds. */
  readonly ttl: {
    readonly min: number
    readonly max: number
    /** All TTLs that there are, ascending, where the service takes no others. */
    readonly only?: readonly number[]
  }
  /** Limits of one TXT value: bytes of the raw string, and whether it may hold `"` or `\\`. */
  readonly txt: { readonly maxBytes: number; readonly quotes: boolean }
  /** When an accepted write is served: at once, after polling, or after an unknown delay. */
  readonly publish: 'sync' | 'poll' | 'delayed'
  /** True when the service can serve addresses of its own that lead to those of an RRset. */
  readonly proxies?: boolean
  /** True when the service can replace the prefix of all records in one call. */
  readonly prefixUpdate: boolean
}

/** An RRset as `read` finds it. */
export interface FoundRRset extends RRset {
  /** True when name servers serve addresses of the service in place of these, which it keeps. */
  readonly isProxied?: true
}

/**
 * What one RRset shall be; `set: null` is absent. With `expect` the change happens only while the
 * RRset has these canonical values (`null`: does not exist) or already is as wanted.
 */
export interface Change extends RRKey {
  readonly set: RRset | null
  readonly expect?: readonly string[] | null
}

/** What became of one change. */
export type ChangeOutcome =
  | { readonly kind: 'unchanged' | 'created' | 'updated' | 'deleted' }
  | { readonly kind: 'failed'; readonly error: ProviderError }

/** Identifies a write whose publication can be asked for later. */
export interface WriteReceipt {
  readonly id: string
}

/** The answer to `apply`: one outcome per change, in the same order. */
export interface ApplyResult {
  readonly outcomes: readonly ChangeOutcome[]
  /** Number of write requests sent; 0 when everything was as wanted already. */
  readonly writes: number
  readonly receipt?: WriteReceipt
}

/**
 * A DNS service that holds zones of ours. Every implementation passes `test/contract/dns-provider.ts`.
 *
 * `apply` takes each RRset at most once. It reads, compares, then writes: applying the same changes
 * again sends no write, deleting what is absent is `unchanged`, RRsets that are not named stay as
 * they are, and no failure half-way leaves a name empty that had and shall have values. It does not
 * throw for a fault of the service: the fault is the outcome of the changes that it stopped.
 * `findZone` and `read` throw `ProviderError`.
 */
export interface DnsProvider {
  readonly id: string
  readonly caps: Capabilities
  /** The RRset as this provider can hold it (TTL limits), before it is compared. */
  normalise(set: RRset): RRset
  /** The zone nearest above the name, on label boundaries. */
  findZone(name: Fqdn): Promise<Zone>
  /** The RRsets, in the order of the keys; `null` is absent. */
  read(zone: Zone, keys: readonly RRKey[]): Promise<readonly (FoundRRset | null)[]>
  apply(zone: Zone, changes: readonly Change[]): Promise<ApplyResult>
  /**
   * Asks whether `apply` may begin for a zone: 0, or in how many milliseconds to ask again. Until then
   * changes are to be gathered, as the requests of the account are running low.
   */
  turnMs?(zone: Fqdn): number
  /** Whether an accepted write is served by the provider's name servers yet. */
  settled?(receipt: WriteReceipt): Promise<'live' | 'pending' | 'failed'>
}

/**
 * What kind of fault a provider had; only `transient`, `rate-limited` and `conflict` are retried,
 * and `quota` when it is known when it ends.
 */
export type ProviderErrorKind =
  | 'auth'
  | 'forbidden'
  | 'zone-not-found'
  | 'invalid'
  | 'conflict'
  | 'rate-limited'
  | 'quota'
  | 'transient'
  | 'partial'
  | 'protocol'

/** A fault of a DNS provider. The message holds no credential. */
export class ProviderError extends ReprefixError {
  readonly kind: ProviderErrorKind
  /** How long the service asks to wait, for `rate-limited` and `quota`. */
  readonly retryAfterMs: number | undefined

  constructor(
    kind: ProviderErrorKind,
    message: string,
    options: { readonly cause?: unknown; readonly retryAfterMs?: number } = {},
  ) {
    super('DNS_PROVIDER', message, options)
    this.name = 'ProviderError'
    this.kind = kind
    this.retryAfterMs = options.retryAfterMs
  }

  /** True when the same request may succeed later. */
  get isRetryable(): boolean {
    if (this.kind === 'quota') return this.retryAfterMs !== undefined
    return this.kind === 'transient' || this.kind === 'rate-limited' || this.kind === 'conflict'
  }
}
