import { type Finding, fail, ok, type Read, warn } from './finding.ts'

/** What the agent keeps on disk, each part read or the fault that names its file. */
export interface RecordFacts {
  readonly enrolment: Read<{ readonly host: string; readonly url: string } | null>
  /** The settings' word for the cloud, `null` where they do not say. */
  readonly cloud: string | null
  /** A key that an enrolment was begun with: its file, `null` without one. */
  readonly pending: Read<{ readonly path: string } | null>
  readonly state: Read<unknown>
  readonly journal: Read<{ readonly cutLines: number }>
  readonly outbox: Read<{
    readonly waiting: number
    readonly since: string | null
    readonly reason: string | null
    readonly damaged: readonly string[]
  }>
  readonly receipts: Read<{ readonly seq: number; readonly verifiedAt: string } | null>
  readonly refused: { readonly at: string; readonly code: string; readonly detail: string } | null
  /** What the cloud answered; `null` where there is no cloud to ask. */
  readonly answer: Read<{ readonly url: string; readonly skewSeconds: number | null }> | null
}

/** Beyond this the cloud asks for its nonce, which costs a round trip each time. */
const STALE_CLOCK_SECONDS = 300
const TOLERATED_SECONDS = 30

/** Judges the enrolment, the cloud and the agent's own files. */
export function judgeRecords(facts: RecordFacts): readonly Finding[] {
  return [
    judgeEnrolment(facts),
    ...judgePending(facts),
    ...judgeCloud(facts),
    'fault' in facts.state
      ? fail('state', facts.state.fault, 'restore it, or remove it as that says')
      : ok('state', 'the saved state is readable'),
    judgeJournal(facts.journal),
    judgeOutbox(facts.outbox),
    judgeReceipts(facts),
  ]
}

function judgeEnrolment({ enrolment, cloud }: RecordFacts): Finding {
  if ('fault' in enrolment) {
    return fail('enrolment', enrolment.fault, 'restore it, or: reprefix-agent enroll --force JOIN')
  }
  if (enrolment.value === null) {
    return warn(
      'enrolment',
      'this host is not enrolled: it is renumbered, but no DNS name is',
      'reprefix host add NAME prints a join string; then here: reprefix-agent enroll JOIN',
    )
  }
  const { host, url } = enrolment.value
  if (cloud !== null && cloud !== url) {
    return fail(
      'enrolment',
      `the settings say cloud: ${cloud}, but this host is enrolled at ${url}`,
      'correct the settings, or enrol again with a join string of that cloud',
    )
  }
  return ok('enrolment', `enrolled as ${host} at ${url}`)
}

function judgePending({ pending, enrolment }: RecordFacts): readonly Finding[] {
  if ('fault' in pending) {
    return [
      warn(
        'enrolment-pending',
        pending.fault,
        'remove it; the join string it was begun with may be spent: make a new one',
      ),
    ]
  }
  if (pending.value === null) return []
  const isEnrolled = 'value' in enrolment && enrolment.value !== null
  return [
    warn(
      'enrolment-pending',
      `${pending.value.path}: an enrolment was begun and not confirmed`,
      isEnrolled ? 'remove it: this host is enrolled' : 'run the same enroll command again',
    ),
  ]
}

function judgeCloud({ answer }: RecordFacts): readonly Finding[] {
  if (answer === null) return []
  if ('fault' in answer) {
    return [
      fail(
        'cloud',
        answer.fault,
        'see whether reprefix serve runs and its name resolves from here; reports wait on disk until then',
      ),
    ]
  }
  const { url, skewSeconds } = answer.value
  return [ok('cloud', `${url} answers`), ...(skewSeconds === null ? [] : [judgeClock(skewSeconds)])]
}

function judgeClock(skew: number): Finding {
  const seconds = Math.abs(Math.round(skew))
  if (seconds <= TOLERATED_SECONDS) return ok('clock', 'within 30 s of the cloud’s')
  const what = `${seconds} s ${skew > 0 ? 'ahead of' : 'behind'} the cloud’s`
  const cost = seconds > STALE_CLOCK_SECONDS ? '; every report needs a second attempt' : ''
  return warn('clock', `${what}${cost}`, 'timedatectl set-ntp true')
}

function judgeJournal(journal: RecordFacts['journal']): Finding {
  if ('fault' in journal) {
    return fail('journal', journal.fault, 'mend its permissions; no pass begins without a journal')
  }
  const { cutLines } = journal.value
  return cutLines === 0
    ? ok('journal', 'readable')
    : ok('journal', `readable; ${cutLines} lines cut short by a crash or a full disk`)
}

function judgeOutbox(outbox: RecordFacts['outbox']): Finding {
  if ('fault' in outbox) {
    return fail('outbox', outbox.fault, 'mend its permissions')
  }
  const { waiting, since, reason, damaged } = outbox.value
  if (damaged.length > 0) {
    return warn(
      'outbox',
      `damaged: ${damaged.join(', ')}`,
      'remove it when you have looked at it; the agent reports its present state anew',
    )
  }
  if (waiting === 0) return ok('outbox', 'no report waits')
  return warn(
    'outbox',
    `${waiting} reports wait${since === null ? '' : `, since ${since}`}${reason === null ? '' : `: ${reason}`}`,
    'nothing is lost: they are sent in order once the cloud answers',
  )
}

function judgeReceipts({ receipts, refused, enrolment }: RecordFacts): Finding {
  if ('fault' in receipts) {
    return warn('receipts', receipts.fault, 'remove it; it is only shown')
  }
  if (refused !== null) {
    return fail(
      'receipts',
      `the cloud refused the last report at ${refused.at} (${refused.code})`,
      refused.detail,
    )
  }
  if (receipts.value !== null) {
    return ok('receipts', `the last was verified at ${receipts.value.verifiedAt}`)
  }
  const isEnrolled = 'value' in enrolment && enrolment.value !== null
  return isEnrolled
    ? warn(
        'receipts',
        'no report was ever accepted',
        'see whether the agent runs: journalctl -u reprefix-agent',
      )
    : ok('receipts', 'none yet')
}
