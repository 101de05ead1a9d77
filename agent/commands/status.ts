import { readEnrolment } from '../adapters/enrolment-file.ts'
import { type LastChange, readLastChange } from '../adapters/last-change.ts'
import { createOutbox } from '../adapters/outbox.ts'
import { createReceipts } from '../adapters/receipts.ts'
import { createReportingStateFile, type ReportingState } from '../adapters/reporting-state.ts'
import { createStateFile } from '../adapters/state-file.ts'
import type { AgentConfig } from '../config.ts'
import { numberingOf } from '../domain/agent-state.ts'
import type { Numbering } from '../domain/numbering.ts'

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
  readonly retiring: readonly { readonly prefix: string; readonly validSeconds: number | null }[]
  readonly lastChange: LastChange | null
  /** Reports without a verified receipt, oldest first. */
  readonly pending: readonly {
    readonly prefix: string
    readonly since: string | null
    readonly seq: number | null
  }[]
  /** Waiting reports that are not readable. */
  readonly damaged: readonly string[]
  readonly refused: ReportingState['refused']
  readonly receipt: { readonly seq: number; readonly verifiedAt: string } | null
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
  const [enrolment, state, reporting, waiting, receipt, lastChange] = await Promise.all([
    readEnrolment(paths.enrolment),
    createStateFile(paths.state, intent.uplink).read(),
    createReportingStateFile(paths.reporting).read(),
    createOutbox(paths.outbox).read(),
    createReceipts(paths.receipts).latest(),
    readLastChange(paths.lastChange),
  ])
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
    retiring: main.retiring.map(({ prefix, validUntil }) => ({
      prefix,
      validSeconds: secondsUntil(validUntil, now),
    })),
    lastChange,
    pending: waiting.entries.map(({ at, body, signed }) => ({
      prefix: body.prefix.current,
      since: at,
      seq: signed?.seq ?? null,
    })),
    damaged: waiting.damaged,
    refused: reporting?.refused ?? null,
    receipt: receipt ? { seq: receipt.seq, verifiedAt: receipt.verifiedAt } : null,
    witnessed: reporting?.witness.size ?? null,
  }
}

function lifetime(seconds: number | null): string {
  return seconds === null ? 'forever' : `${seconds} s`
}

function describePrefix(current: PrefixStatus | null): string {
  if (current === null) return 'none seen yet'
  const { prefix, cause, since, preferredSeconds, validSeconds } = current
  const lifetimes = `preferred ${lifetime(preferredSeconds)}, valid ${lifetime(validSeconds)}`
  return `${prefix} (${cause}, since ${since}), ${lifetimes}`
}

const SHOWN_PENDING = 5

function renderPending({ pending, damaged }: Status): readonly string[] {
  const shown = pending.length > SHOWN_PENDING ? pending.slice(-SHOWN_PENDING + 1) : pending
  const hidden = pending.length - shown.length
  return [
    ...(hidden === 0 ? [] : [`waiting    ${hidden} older reports`]),
    ...shown.map(
      ({ prefix, since }) =>
        `waiting    report of ${prefix}${since === null ? '' : `, since ${since}`}`,
    ),
    ...damaged.map((path) => `damaged    ${path}: set aside at the next start of the agent`),
  ]
}

/** The status as lines for people. */
export function renderStatus(status: Status): readonly string[] {
  const { current, others, lastChange, refused, receipt } = status
  const lines = [
    status.host === null
      ? 'host       not enrolled: reprefix-agent enroll JOIN'
      : `host       ${status.host} at ${status.cloud}`,
    `prefix     ${describePrefix(current)}`,
    ...others.map((other) => `${other.uplink.padEnd(10)} ${describePrefix(other.current)}`),
    ...status.retiring.map(
      ({ prefix, validSeconds }) => `retiring   ${prefix}, valid ${lifetime(validSeconds)}`,
    ),
    lastChange === null
      ? 'change     none yet'
      : `change     ${lastChange.at}, ${lastChange.renumbering ? `${lastChange.renumbering.cause} renumbering` : 'put right'} in ${Math.round(lastChange.ms)} ms`,
    ...(lastChange?.steps ?? []).map(
      ({ step, target, outcome, ms, error }) =>
        `           ${step} ${target} ${outcome} ${Math.round(ms)} ms${error === undefined ? '' : `: ${error}`}`,
    ),
    ...renderPending(status),
    ...(refused ? [`refused    ${refused.at}: ${refused.code}, ${refused.detail}`] : []),
    receipt === null
      ? 'receipt    none yet'
      : `receipt    ${receipt.verifiedAt} for report ${receipt.seq}, log of ${status.witnessed} entries`,
  ]
  return lines
}
