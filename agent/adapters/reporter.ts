import { isReprefixError, messageOf } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import type { Report } from '../../shared/report.ts'
import { backoffMs } from '../domain/backoff.ts'
import { claimOf, withCause } from '../domain/claim-text.ts'
import type { HostKeys } from './host-key.ts'
import type { LastAttemptFile } from './last-attempt.ts'
import type { Outbox, OutboxEntry, ReportBody, SignedReport } from './outbox.ts'
import type { Receipts } from './receipts.ts'
import { remedyFor, type Verdict } from './report-client.ts'
import { createReportQueue } from './report-queue.ts'
import type { ReportingState, ReportingStateFile } from './reporting-state.ts'

type Witness = ReportingState['witness']

/** What the reporter needs of the world. */
export interface ReporterParts {
  readonly host: string
  readonly version: string
  readonly outbox: Outbox
  readonly receipts: Receipts
  readonly stateFile: ReportingStateFile
  readonly lastAttempt: LastAttemptFile
  readonly keys: HostKeys
  /** `prefix` is what the report is about. */
  readonly post: (jws: string, timeoutMs: number, prefix: string) => Promise<Verdict>
  /** Throws unless the receipt proves that exactly this report was logged and applied. */
  readonly verify: (
    receipt: unknown,
    witness: Witness,
    jws: string,
  ) => Promise<{ readonly witness: Witness; readonly entry: number }>
  /** Unix time in milliseconds. */
  readonly now: () => number
  /** From 0 to 1, for jitter: a thousand hosts cut off together must not come back together. */
  readonly random: () => number
  readonly log: Logger
}

/** Reports what the host claims, beside the loop and without ever holding it up. */
export interface Reporter {
  /**
   * Queues a report when it claims something else than the newest report did; it is on disk when this
   * returns. Its cause becomes `claims` when the prefix is the same. A claim the cloud refused is
   * offered again after a while, as its policy may have changed. When the disk is full it throws, keeps
   * the report in memory, and writes it before any later one with the next offer.
   */
  offer(body: ReportBody): Promise<void>
  /** What the newest report claimed, as `claimOf` gives it; `null` before the first. */
  newestClaim(): string | null
  /** Whether the cloud refused the newest report that it has judged. */
  isRefused(): boolean
  /** Makes a refused claim be sent again with the next offer. */
  retryRefused(): void
  /** Looks for a key that waits to replace the present one. */
  rotate(): void
  /** Sends what waits, until stopped. */
  run(signal: AbortSignal): Promise<void>
  /** How many reports wait. */
  waiting(): number
}

const REFUSED_RETRY_MS = 900_000
/** Rounds of signing again (nonce, sequence) before it counts as a failed attempt. */
const MAX_ROUNDS = 4
const NOT_ROTATED = { isDone: false, retryMs: null } as const
/** Right after a renumbering the first connection may hang on a dead source: try again soon. */
const TIMEOUTS_MS = [2000, 5000, 15_000] as const

/** Loads what waits from disk and gives the reporter. */
export async function createReporter(parts: ReporterParts, start: ReportingState) {
  let state = (await parts.stateFile.read()) ?? start
  const opened = await parts.outbox.open(state.settled)
  for (const path of opened.damaged) {
    parts.log.error(
      { event: 'outbox-damaged', path },
      `a waiting report is damaged and was set aside as ${path}; the present state is reported anew`,
    )
  }
  const queue = createReportQueue(parts.outbox, opened.entries)
  // What a damaged report may have told the cloud is not known.
  let isClaimUncertain = opened.damaged.length > 0
  let isRefusalStale = true
  let failures = 0
  let isKicked = false
  let wake = (): void => undefined

  function kick(): void {
    isKicked = true
    wake()
  }

  function newestClaim(): string | null {
    const entry = queue.newest()
    return entry ? claimOf(entry.body) : state.claim
  }

  /** `adopted` is the cloud's own idea of the last sequence number, which a wrong clock cannot beat. */
  async function sign(
    body: ReportBody,
    { nonce, adopted }: { nonce?: string; adopted?: number } = {},
  ): Promise<SignedReport> {
    // Only the oldest is ever signed.
    const used = Math.max(state.sequence, queue.oldest()?.signed?.seq ?? 0)
    const seq = adopted === undefined ? Math.max(used + 1, parts.now()) : adopted + 1
    const report: Report = {
      v: 1,
      host: parts.host,
      seq,
      ...body,
      log: state.witness,
      agent: parts.version,
    }
    const iat = Math.floor(parts.now() / 1000)
    const jws = await parts.keys.sign(report, nonce === undefined ? { iat } : { iat, nonce })
    return { seq, jws, witnessSize: state.witness.size }
  }

  async function offer(body: ReportBody): Promise<void> {
    const isRefused = state.refused !== null && queue.isSent()
    const refusedAgo = parts.now() - Date.parse(state.refused?.at ?? '')
    const isDueAgain = isRefused && (isRefusalStale || refusedAgo > REFUSED_RETRY_MS)
    if (claimOf(body) !== newestClaim() || isDueAgain || isClaimUncertain) {
      isRefusalStale = false
      isClaimUncertain = false
      // Counted and not timed: a clock that is set back must not change the order.
      const id = Math.max(queue.newest()?.id ?? 0, state.settled) + 1
      const at = new Date(parts.now()).toISOString()
      queue.add({ id, at, body: withCause(body, newestClaim()), signed: null, isFolded: false })
    }
    await queue.save(sign, () => {
      failures = 0
      kick()
    })
  }

  async function finish(entry: OutboxEntry, next: Partial<ReportingState>): Promise<void> {
    const sequence = entry.signed?.seq ?? state.sequence
    const after = { ...state, sequence, settled: entry.id, claim: claimOf(entry.body), ...next }
    await parts.stateFile.write(after)
    state = after
    queue.settled()
    failures = 0
    // From here on what is left of the report is only litter, which the next start removes.
    await Promise.all([parts.outbox.settle(entry.id), parts.lastAttempt.clear()]).catch(
      (cause: unknown) => {
        parts.log.warn({ event: 'unwritten', cause }, `could not tidy up: ${messageOf(cause)}`)
      },
    )
  }

  async function accept(entry: OutboxEntry, signed: SignedReport, receipt: unknown, ms: number) {
    const proven = await parts.verify(receipt, state.witness, signed.jws)
    const verifiedAt = new Date(parts.now()).toISOString()
    const { seq, jws } = signed
    await parts.receipts.save({ seq, verifiedAt, entry: proven.entry, jws, receipt })
    await finish(entry, { witness: proven.witness, refused: null })
    const fields = { event: 'receipt', seq, entry: proven.entry, ms }
    parts.log.info(fields, `receipt verified: log entry ${proven.entry}`)
  }

  async function refuse(entry: OutboxEntry, verdict: Extract<Verdict, { kind: 'refused' }>) {
    const { status, code } = verdict
    const detail = `${verdict.detail}; ${remedyFor(code)}`
    const seq = entry.signed?.seq ?? 0
    const at = new Date(parts.now()).toISOString()
    await finish(entry, { refused: { at, seq, status, code, detail } })
    parts.log.error(
      { event: 'refused', seq, status, code, detail },
      `the cloud refused the report (${code}): ${detail}; DNS records keep their former values`,
    )
  }

  /** For `status` alone: a full disk must not keep the report from being sent again. */
  async function keepAttempt(reason: string, retryMs: number): Promise<void> {
    const [at, retryAt] = [parts.now(), parts.now() + retryMs].map((ms) =>
      new Date(ms).toISOString(),
    )
    if (at === undefined || retryAt === undefined) return
    await parts.lastAttempt.write({ at, reason, failures, retryAt }).catch((cause: unknown) => {
      parts.log.warn({ event: 'unwritten', cause }, `status is out of date: ${messageOf(cause)}`)
    })
  }

  async function backoff(reason: string, atLeastMs: number | null): Promise<number> {
    const base = backoffMs(failures)
    failures += 1
    const retryMs = Math.round(Math.max(base * (0.5 + parts.random()), atLeastMs ?? 0))
    parts.log.warn(
      { event: 'report-unconfirmed', reason, retryMs },
      `could not confirm the report: ${reason}; it is kept and sent again`,
    )
    await keepAttempt(reason, retryMs)
    return retryMs
  }

  /** Sends the oldest report once; resolves with how long to wait before the next attempt. */
  async function attempt(oldest: OutboxEntry): Promise<number> {
    let entry = oldest
    // Signed before the witness moved it could not be proven consistent, by a former key not be accepted.
    const { signed: last } = entry
    if (last?.witnessSize !== state.witness.size || !parts.keys.hasSigned(last.jws)) {
      entry = await queue.replaceOldest(entry, await sign(entry.body))
    }
    // A clock that is far ahead needs both: what one answer asked for still holds after the next.
    let asked: { nonce?: string; adopted?: number } = {}
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const { signed } = entry
      if (signed === null) break
      const startedAt = performance.now()
      const fields = { event: 'report-sent', seq: signed.seq }
      parts.log.info(fields, `report for ${entry.body.prefix.current} sent`)
      const timeoutMs = TIMEOUTS_MS[Math.min(failures, TIMEOUTS_MS.length - 1)] ?? TIMEOUTS_MS[0]
      const verdict = await parts.post(signed.jws, timeoutMs, entry.body.prefix.current)
      const ms = Math.round(performance.now() - startedAt)
      switch (verdict.kind) {
        case 'receipt':
          await accept(entry, signed, verdict.receipt, ms)
          return 0
        case 'refused': {
          // The cloud may know the successor already, its answer having been lost.
          const { isDone, retryMs } = verdict.code === 'KEY_REVOKED' ? await rotate() : NOT_ROTATED
          if (!isDone && retryMs === null) await refuse(entry, verdict)
          return retryMs ?? 0
        }
        case 'pending':
          return verdict.retryMs
        case 'unavailable':
          return backoff(verdict.reason, verdict.retryMs)
        case 'use-nonce':
          asked = { ...asked, nonce: verdict.nonce }
          entry = await queue.replaceOldest(entry, await sign(entry.body, asked))
          break
        case 'sequence':
          parts.log.warn({ detail: verdict.detail }, 'the cloud expects another sequence number')
          if (verdict.current !== null) asked = { ...asked, adopted: verdict.current }
          entry = await queue.replaceOldest(entry, await sign(entry.body, asked))
          break
      }
    }
    return backoff('the cloud asked for new signatures over and over', null)
  }

  /**
   * Replaces the key where a successor waits; what waits to be sent is signed anew then, as the witness has
   * moved. Otherwise gives how long to wait before the cloud is asked again, if at all.
   */
  async function rotate(): Promise<{ isDone: boolean; retryMs: number | null }> {
    try {
      const rotated = await parts.keys.rotate(state.witness)
      if (rotated === null) return NOT_ROTATED
      const after = { ...state, witness: rotated.witness }
      await parts.stateFile.write(after)
      state = after
      await rotated.adopt()
      return { isDone: true, retryMs: null }
    } catch (cause) {
      const isUnknown = isReprefixError(cause, 'CLOUD_UNREACHABLE')
      const retryMs = isUnknown ? Math.round(backoffMs(failures) * (0.5 + parts.random())) : null
      failures += 1
      parts.log.error({ event: 'not-rotated', retryMs, cause }, messageOf(cause))
      return { isDone: false, retryMs }
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', kick, { once: true })
    while (!signal.aborted) {
      isKicked = false
      await queue.fold().catch((cause: unknown) => {
        parts.log.warn({ event: 'unwritten', cause }, `the outbox stays long: ${messageOf(cause)}`)
      })
      const oldest = queue.oldest()
      const waitMs = oldest
        ? await attempt(oldest).catch((cause: unknown) => backoff(messageOf(cause), null))
        : (await rotate()).retryMs
      if (waitMs === 0 || isKicked) continue
      await new Promise<void>((resolve) => {
        const timer = waitMs === null ? undefined : setTimeout(resolve, waitMs)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      wake = () => undefined
    }
  }

  return {
    offer,
    newestClaim,
    isRefused: () => state.refused !== null,
    retryRefused: () => {
      isRefusalStale = true
    },
    rotate: kick,
    run,
    waiting: queue.waiting,
  } satisfies Reporter
}
