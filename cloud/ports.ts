import type { LogEntry, RecordOutcome } from '../shared/entry.ts'
import type { PublicJwk, VerificationKey } from '../shared/jws.ts'
import type { Fqdn, RRKey } from '../shared/rrset.ts'
import type { DesiredSet } from './domain/authorise-report.ts'
import type { HostRecord } from './domain/host-record.ts'

/** One row of the audit log: the entry's exact text and its place in the RFC 6962 tree. */
export interface LogRow {
  readonly index: number
  readonly entry: string
  readonly leaf: Uint8Array
  readonly nodes: readonly Uint8Array[]
  readonly frontier: readonly Uint8Array[]
}

/** A one-time join token. The cloud never holds the secret, only the MAC key derived from it. */
export interface JoinToken {
  readonly id: string
  readonly host: string
  readonly macKey: Uint8Array
  /** RFC 3339. */
  readonly expiresAt: string
  /** Set once it has been used: the key it enrolled and the log index of the `enroll` entry. */
  readonly used?: { readonly kid: string; readonly index: number }
}

/**
 * A desired RRset as stored. `version` is the index of the `report` entry that asked for it;
 * `isApplied` says that all providers have taken that version.
 */
export interface DesiredRow extends DesiredSet {
  readonly host: string
  readonly version: number
  readonly isApplied: boolean
  /** What became of this version, where whoever flushed it has noted that. */
  readonly flushed?: Flushed
}

/** What became of a desired row, at every provider of its zone. */
export interface Flushed {
  readonly outcomes: readonly RecordOutcome[]
  /** Unix milliseconds; set when a provider failed in a way that passes: not to be asked before. */
  readonly retryAtMs?: number
  /** Writes whose publication can be asked for (`DnsProvider.settled`), and has not ended yet. */
  readonly receipts?: readonly { readonly provider: string; readonly id: string }[]
}

/** What a flush has to say of one desired row; `version` is that which it wrote. */
export interface FlushNote {
  readonly key: RRKey
  readonly version: number
  readonly flushed: Flushed
  /** What the row's `isApplied` becomes. */
  readonly isApplied: boolean
}

/** What became of one report, kept so that the same bytes get the same answer. */
export interface StoredReport {
  readonly kid: string
  readonly seq: number
  /** base64url SHA-256 of the JWS text. */
  readonly digest: string
  /** Index of the `report` or `denied` entry. */
  readonly index: number
  readonly verdict: 'pending' | 'applied' | 'denied'
  /** Index of the `applied` entry. */
  readonly appliedIndex?: number
  /** The RRsets this report asked for or withdrew. */
  readonly keys: readonly RRKey[]
}

/** One change of state. Each names what must hold before it; if it does not, nothing is written. */
export type StateWrite =
  /** The host must not exist. */
  | { readonly kind: 'create-host'; readonly host: HostRecord }
  /** The stored version must be `host.version`; it is stored with the next one. */
  | { readonly kind: 'update-host'; readonly host: HostRecord }
  | { readonly kind: 'put-key'; readonly kid: string; readonly host: string }
  | { readonly kind: 'create-token'; readonly token: JoinToken }
  /** The token must be unused. */
  | {
      readonly kind: 'use-token'
      readonly id: string
      readonly used: NonNullable<JoinToken['used']>
    }
  /** No name may belong to another host. */
  | { readonly kind: 'own-names'; readonly host: string; readonly names: readonly Fqdn[] }
  /** Names may belong to other hosts too; whoever writes this has judged that all of them share. */
  | { readonly kind: 'share-names'; readonly host: string; readonly names: readonly Fqdn[] }
  | { readonly kind: 'release-names'; readonly host: string; readonly names: readonly Fqdn[] }
  | { readonly kind: 'desire'; readonly row: DesiredRow }
  /** Leaves a row alone that has a newer version by now. */
  | { readonly kind: 'mark-applied'; readonly key: RRKey; readonly version: number }
  /** The row must have that version: it is not applied any more, and nothing is noted of it. */
  | { readonly kind: 'reopen'; readonly key: RRKey; readonly version: number }
  /** The key must not have a report of this sequence. */
  | { readonly kind: 'record-report'; readonly report: StoredReport }
  /** The report must be pending. */
  | {
      readonly kind: 'finish-report'
      readonly kid: string
      readonly seq: number
      readonly appliedIndex: number
    }

/** The cloud's memory. Written once for SQL and once for each store that is not. */
export interface Repository {
  lastRow(): Promise<LogRow | undefined>
  /** Rows by index, in the order asked; throws `LOG_MISSING_ROW` when one is not there. */
  rows(indices: readonly number[]): Promise<readonly LogRow[]>
  /** Up to `limit` rows from `start` on, rising. */
  range(start: number, limit: number): Promise<readonly LogRow[]>
  /**
   * Stores the rows and the writes, all or none. `conflict` when another writer was first: an index
   * is taken, a write's condition does not hold, or `after` is not stored exactly as it is given.
   * Throws `STORE_LIMIT` for what does not fit.
   */
  commit(
    rows: readonly LogRow[],
    writes: readonly StateWrite[],
    after?: LogRow,
  ): Promise<'committed' | 'conflict'>
  /** Whether one commit can take all of these: stores limit what is changed at once. */
  fits(rows: readonly LogRow[], writes: readonly StateWrite[]): boolean
  host(name: string): Promise<HostRecord | undefined>
  hosts(): Promise<readonly HostRecord[]>
  /** The host that a key was enrolled for, whether or not that is still its key. */
  hostOfKey(kid: string): Promise<HostRecord | undefined>
  token(id: string): Promise<JoinToken | undefined>
  /** The hosts of each name that has any, by name. */
  owners(names: readonly Fqdn[]): Promise<ReadonlyMap<Fqdn, readonly string[]>>
  desired(keys: readonly RRKey[]): Promise<readonly DesiredRow[]>
  /**
   * All desired rows of a zone, in an order that is always the same in this store; with `page` up to
   * `limit` of those after a key.
   */
  desiredIn(
    zone: Fqdn,
    page?: { readonly after?: RRKey | undefined; readonly limit: number },
  ): Promise<readonly DesiredRow[]>
  /** Desired rows of a zone that are not applied. */
  pending(zone: Fqdn): Promise<readonly DesiredRow[]>
  report(kid: string, seq: number): Promise<StoredReport | undefined>
  /**
   * Up to `limit` pending reports whose index is at least `start`, by index. A store may show a
   * change of this list a moment late: one that has just been finished, or none yet of the newest.
   */
  unfinished(start: number, limit: number): Promise<readonly StoredReport[]>
  /**
   * True when nobody else may flush the zone until `untilMs`: nobody had its lease, it had ended by
   * `nowMs`, or it is the holder's own, which then ends at `untilMs`. Unix milliseconds.
   */
  takeLease(zone: Fqdn, holder: string, nowMs: number, untilMs: number): Promise<boolean>
  /** Ends the lease of this holder; leaves that of another alone. */
  dropLease(zone: Fqdn, holder: string): Promise<void>
  /**
   * Notes what became of rows that still have that version. A row with a newer one has perhaps been
   * overwritten with this older one since it was flushed, so it is not applied any more, and nothing is noted of it.
   */
  noteFlushed(notes: readonly FlushNote[]): Promise<void>
  /** What the scheduled pass has kept about a zone; only the holder of the zone's lease writes it. */
  passMemory(zone: Fqdn): Promise<string | undefined>
  keepPassMemory(zone: Fqdn, content: string): Promise<void>
  close(): void
}

/** The repository with what is done to it once, at the start, and asked of it at any time. */
export interface Store {
  readonly repository: Repository
  /**
   * Brings the schema to this version, or refuses one that it cannot bring there.
   * @throws ReprefixError STORE_*
   */
  prepare(): Promise<void>
  /** Whether it answers, with the schema of this version. @throws ReprefixError STORE_* */
  check(): Promise<void>
}

/** An entry to append, and what changes with it in the same transaction. */
export interface Draft {
  readonly entry: LogEntry
  readonly writes: readonly StateWrite[]
}

/** What a draft may decide on. The log notes what is read of it. */
export type DecisionState = Pick<Repository, 'host' | 'hostOfKey' | 'token' | 'owners' | 'report'>

/**
 * Gives what to append at the next index, or null for nothing. It is called again after a conflict,
 * and when what it has read is being changed, so it must read afresh what it decides on, and only
 * from the state it is given, or leave it to the condition of a write.
 */
export type Drafter = (index: number, state: DecisionState) => Promise<Draft | null>

/** An entry that is in the log. */
export interface Appended {
  readonly index: number
  readonly entry: string
}

/** The answer of one receipt: entry, proof and consistency, ready to be sent. */
export interface LoggedReceipt {
  readonly entry: string
  readonly proof: string
  readonly consistency: readonly string[]
}

/** The tamper-evident log (RFC 6962), appended by compare-and-set. */
export interface AuditLog {
  /**
   * Appends what `draft` gives for the next index. Appends that wait at the same time may be stored
   * in one commit, all or none, but never with another that changes what they have decided on.
   * Throws `LOG_ALTERED` rather than continue a log that was shortened or whose end is not as
   * written.
   */
  append(draft: Drafter): Promise<Appended | null>
  /**
   * Says that an append will probably follow in a moment, so that those that wait now wait for it,
   * though never for long. The answer must be called once it has been asked for, or will not be.
   */
  anticipate(): () => void
  /**
   * Resolves when no append of this process waits, runs or is anticipated, or after so many
   * milliseconds: whoever wants to act once for all of them waits for it.
   */
  quiet(longestMs: number): Promise<void>
  /**
   * Proves the entry at `index` in the tree that it completes, and that tree's consistency with
   * `witnessSize`. The same arguments give the same bytes for ever.
   */
  receipt(index: number, witnessSize: number): Promise<LoggedReceipt>
  /**
   * Proves the entry at `index` in the log of `size` entries, of all where no size is given, as C2SP
   * tlog-proof with a checkpoint of that size. Undefined where the log has no such entry or size.
   */
  prove(index: number, size?: number): Promise<string | undefined>
  /** The signed checkpoint of the whole log. */
  checkpoint(): Promise<string>
}

/** How the RRsets of one desired row came out, at every provider of its zone. */
export interface RowOutcome {
  readonly key: RRKey
  /** The version that was written: that of the row when the flush read it. */
  readonly version: number
  readonly outcomes: readonly RecordOutcome[]
  /** Set when a provider failed in a way that passes by itself: ask again after this long. */
  readonly retryAfterMs?: number
  readonly receipts?: Flushed['receipts'] & {}
}

/** Makes the DNS of a zone equal to its desired rows. */
export interface ZoneFlusher {
  /**
   * Writes every row of the zone that is not applied to all providers of the zone, and tells what has
   * become of those of `keys`, now or before. Flushes of one zone never overlap: each reads the newest
   * rows when it begins. Where another process flushes the zone, its outcomes are given. What nobody
   * waits for any more, as `isAwaited` says, is noted for whoever asks next.
   */
  flush(
    zone: Fqdn,
    keys: readonly RRKey[],
    isAwaited?: () => boolean,
  ): Promise<readonly RowOutcome[]>
}

/** A key ready to verify, and the host that it was enrolled for, whether or not it still speaks for it. */
export interface EnrolledKey extends VerificationKey {
  readonly host: string
}

/** Keys of hosts that are at hand without asking the store. */
export interface KeyRing {
  known(kid: string): EnrolledKey | undefined
  /** Imports what the store has. @throws ReprefixError KEY_INVALID */
  learn(host: string, jwk: PublicJwk): Promise<EnrolledKey>
}

/** Nonces for agents whose clock is wrong: stateless, and good for two minutes. */
export interface NonceIssuer {
  issue(kid: string, nowMs: number): Promise<string>
  isFresh(nonce: string, kid: string, nowMs: number): Promise<boolean>
}
