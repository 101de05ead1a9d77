import { readEnrolment } from '../adapters/enrolment-file.ts'
import { createLastAttemptFile, type LastAttempt } from '../adapters/last-attempt.ts'
import { type LastChange, readLastChange } from '../adapters/last-change.ts'
import { createLastFaultFile, type LastFault } from '../adapters/last-fault.ts'
import { isLocked } from '../adapters/lock.ts'
import { createOutbox } from '../adapters/outbox.ts'
import { createProblemsFile, type KnownProblems } from '../adapters/problems-file.ts'
import { createReceipts } from '../adapters/receipts.ts'
import { createReportingStateFile, type ReportingState } from '../adapters/reporting-state.ts'
import { createStateFile } from '../adapters/state-file.ts'
import type { AgentConfig } from '../config.ts'
import { numberingOf } from '../domain/agent-state.ts'
import type { Numbering } from '../domain/numbering.ts'
import { uplinksOf } from '../domain/uplinks.ts'

/** A prefix in use, with its lifetimes. */
export interface PrefixStatus {
  readonly prefix: string
  readonly cause: string
  readonly since: string
  /** `null` is forever. */
  readonly preferredSeconds: number | null
  readonly validSeconds: number | null
}

/** Everything `reprefix-agent status` shows; also its `--json` form. */
export interface Status {
  readonly kind: 'status'
  readonly host: string | null
  readonly cloud: string | null
  /** The prefix of the main uplink. */
  readonly current: PrefixStatus | null
  /** Those of the further uplinks. */
  readonly others: readonly { readonly uplink: string; readonly current: PrefixStatus | null }[]
  /** Former prefixes of all uplinks that still work. */
  readonly retiring: readonly {
    readonly uplink: string
    readonly prefix: string
    readonly validSeconds: number | null
  }[]
  /** Whether an agent works with the state directory now. */
  readonly isRunning: boolean
  /** Why passes fail, `null` when the last one was good. */
  readonly fault: LastFault | null
  /** What the last pass left out: networks, containers and names. */
  readonly problems: KnownProblems
  readonly lastChange: LastChange | null
  /** Reports without a verified receipt, oldest first. */
  readonly pending: readonly {
    readonly prefix: string
    readonly since: string | null
    readonly seq: number | null
  }[]
  /** Waiting reports that are not readable. */
  readonly damaged: readonly string[]
  /** Why the last attempt to deliver one failed, `null` when it did not. */
  readonly lastAttempt: LastAttempt | null
  readonly refused: ReportingState['refused']
  /** The last verified receipt; `entry` is the index in the log, `null` from older versions. */
  readonly receipt: {
    readonly seq: number
    readonly verifiedAt: string
    readonly entry: number | null
  } | null
  /** Size of the audit log at the last verified checkpoint. */
  readonly witnessed: number | null
}

function secondsUntil(instant: number | null, now: number): number | null {
  return instant === null ? null : Math.max(0, Math.round((instant - now) / 1000))
}

function describeCurrent(state: Numbering, now: number): Status['current'] {
  if (state.current === null) return null
  const { prefix, cause, since } = state.current
  const entry = state.prefixes.find((candidate) => candidate.prefix === prefix)
  return {
    prefix,
    cause,
    since: new Date(since).toISOString(),
    preferredSeconds: secondsUntil(entry ? entry.preferredUntil : now, now),
    validSeconds: secondsUntil(entry ? entry.validUntil : now, now),
  }
}

/** Gathers the status from the state directory; works whether or not an agent runs. */
export async function readStatus(config: AgentConfig, now: number): Promise<Status> {
  const { paths, intent } = config
  const [isRunning, enrolment, state, reporting, waiting, receipt] = await Promise.all([
    isLocked(paths.directory),
    readEnrolment(paths.enrolment),
    createStateFile(paths.state, intent.uplink).read(),
    createReportingStateFile(paths.reporting).read(),
    createOutbox(paths.outbox).read(),
    createReceipts(paths.receipts).latest(),
  ])
  const [lastChange, lastAttempt, fault, problems] = await Promise.all([
    readLastChange(paths.lastChange),
    createLastAttemptFile(paths.lastAttempt).read(),
    createLastFaultFile(paths.lastFault).read(),
    createProblemsFile(paths.problems).read(),
  ])
  const uplinks = uplinksOf(intent).map(({ uplink }) => uplink)
  const main = numberingOf(state, intent.uplink)
  return {
    kind: 'status',
    host: enrolment?.host ?? null,
    cloud: enrolment?.url ?? null,
    current: describeCurrent(main, now),
    others: intent.others.map(({ uplink }) => ({
      uplink,
      current: describeCurrent(numberingOf(state, uplink), now),
    })),
    retiring: uplinks.flatMap((uplink) =>
      numberingOf(state, uplink).retiring.map(({ prefix, validUntil }) => ({
        uplink,
        prefix,
        validSeconds: secondsUntil(validUntil, now),
      })),
    ),
    isRunning,
    fault,
    problems,
    lastChange,
    lastAttempt: waiting.entries.length === 0 ? null : lastAttempt,
    pending: waiting.entries.map(({ at, body, signed }) => ({
      prefix: body.prefix.current,
      since: at,
      seq: signed?.seq ?? null,
    })),
    damaged: waiting.damaged,
    refused: reporting?.refused ?? null,
    receipt: receipt && {
      seq: receipt.seq,
      verifiedAt: receipt.verifiedAt,
      entry: receipt.entry,
    },
    witnessed: reporting?.witness.size ?? null,
  }
}
