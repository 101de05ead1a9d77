import type { PrefixStatus, Status } from './status.ts'

const MINUTE = 60
const HOUR = 3600
const DAY = 86_400
/** More waiting reports than this are counted, not listed. */
const SHOWN_PENDING = 5

/** A lifetime in the largest unit of which there are at least two. */
export function renderLifetime(seconds: number | null): string {
  if (seconds === null) return 'forever'
  if (seconds >= 2 * DAY) return `${Math.floor(seconds / DAY)} days`
  if (seconds >= 2 * HOUR) return `${Math.floor(seconds / HOUR)} h`
  if (seconds >= 2 * MINUTE) return `${Math.floor(seconds / MINUTE)} min`
  return `${seconds} s`
}

function row(label: string, text: string): string {
  return `${label.padEnd(10)} ${text}`
}

function describePrefix(current: PrefixStatus | null): string {
  if (current === null) return 'none seen yet'
  const { prefix, cause, since, preferredSeconds, validSeconds } = current
  const lifetimes = `preferred ${renderLifetime(preferredSeconds)}, valid ${renderLifetime(validSeconds)}`
  return `${prefix} (${cause}, since ${since}), ${lifetimes}`
}

function renderAgent({ isRunning, fault }: Status): readonly string[] {
  return [
    row('agent', isRunning ? 'running' : 'not running: systemctl start reprefix-agent'),
    ...(fault === null ? [] : [row('failing', `since ${fault.since}: ${fault.message}`)]),
  ]
}

function renderChange({ lastChange }: Status): readonly string[] {
  if (lastChange === null) return [row('change', 'none yet')]
  const { at, renumbering, ms, steps } = lastChange
  const what =
    renumbering === null
      ? 'put right'
      : `${renumbering.cause} renumbering to ${renumbering.to}${renumbering.from === null ? '' : ` from ${renumbering.from}`}`
  return [
    row('change', `${at}, ${what} in ${Math.round(ms)} ms`),
    ...steps.map(({ step, target, outcome, ms: took, error }) => {
      const time = outcome === 'not-tried' ? '' : ` ${Math.round(took)} ms`
      return row(
        '',
        `${step} ${target} ${outcome}${time}${error === undefined ? '' : `: ${error}`}`,
      )
    }),
  ]
}

function renderPending({ pending, damaged, lastAttempt }: Status): readonly string[] {
  const shown = pending.length > SHOWN_PENDING ? pending.slice(-SHOWN_PENDING + 1) : pending
  const hidden = pending.length - shown.length
  const oldest = pending[0]?.since ?? null
  const since = (at: string | null) => (at === null ? '' : `, since ${at}`)
  return [
    ...(hidden === 0 ? [] : [row('waiting', `${hidden} older reports${since(oldest)}`)]),
    ...shown.map((one) => row('waiting', `report of ${one.prefix}${since(one.since)}`)),
    ...(lastAttempt === null
      ? []
      : [
          row(
            '',
            `attempt ${lastAttempt.failures} failed at ${lastAttempt.at}: ${lastAttempt.reason}; again at ${lastAttempt.retryAt}`,
          ),
        ]),
    ...damaged.map((path) => row('damaged', `${path}: set aside at the next start of the agent`)),
  ]
}

function renderReceipt({ refused, receipt, witnessed }: Status): readonly string[] {
  const lines = refused ? [row('refused', `${refused.at}: ${refused.code}, ${refused.detail}`)] : []
  if (receipt === null) return [...lines, row('receipt', 'none yet')]
  const entry = receipt.entry === null ? '' : `, log entry ${receipt.entry}`
  return [
    ...lines,
    row(
      'receipt',
      `${receipt.verifiedAt} for report ${receipt.seq}${entry}, log of ${witnessed} entries`,
    ),
  ]
}

/** The status as a table for people. */
export function renderStatus(status: Status): readonly string[] {
  return [
    row(
      'host',
      status.host === null
        ? 'not enrolled: reprefix-agent enroll JOIN'
        : `${status.host} at ${status.cloud}`,
    ),
    ...renderAgent(status),
    row('prefix', describePrefix(status.current)),
    ...status.others.map(({ uplink, current }) => row(uplink, describePrefix(current))),
    ...status.retiring.map(({ prefix, uplink, validSeconds }) =>
      row(
        'former',
        `${prefix}${status.others.length === 0 ? '' : ` on ${uplink}`}, valid ${renderLifetime(validSeconds)}`,
      ),
    ),
    ...renderChange(status),
    ...renderPending(status),
    ...renderReceipt(status),
    ...status.problems.map(({ where, what, remedy }) =>
      row('problem', `${where}: ${what}; ${remedy}`),
    ),
  ]
}
