import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { createLastAttemptFile } from '../../../../agent/adapters/last-attempt.ts'
import { createOutbox, type ReportBody } from '../../../../agent/adapters/outbox.ts'
import { createReceipts } from '../../../../agent/adapters/receipts.ts'
import type { Verdict } from '../../../../agent/adapters/report-client.ts'
import { createReporter, type ReporterParts } from '../../../../agent/adapters/reporter.ts'

import {
  createReportingStateFile,
  type ReportingState,
} from '../../../../agent/adapters/reporting-state.ts'

import { parsePrefix } from '../../../../shared/ipv6.ts'
import type { Report } from '../../../../shared/report.ts'
import { recordedLog } from '../../../fakes/recorded-log.ts'

/** A report of a renumbering to one of many prefixes, without names unless told. */
export const body = (subnet: number, records: ReportBody['records'] = []): ReportBody => ({
  prefix: { current: parsePrefix(`2001:db8:${subnet.toString(16)}:1::/64`), cause: 'flash' },
  records,
  steps: [],
})
/** The reporting state right after enrolment. */
export const ENROLLED: ReportingState = {
  sequence: 0,
  settled: 0,
  witness: { size: 2, root: 'r2' },
  claim: null,
  refused: null,
}

/** A report as it was posted. */
export interface Sent {
  readonly report: Report
  readonly header: { iat: number; nonce?: string }
  readonly jws: string
}

/** A directory for each test, in memory where the machine has one, and reporters over it. */
export function reporterRig() {
  let directory = ''
  beforeEach(async () => {
    directory = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'reporter-'))
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  /**
   * A reporter over a real directory. Signatures are the report as JSON; `answer` judges each post. The
   * log grows by two entries with every verified receipt.
   */
  async function reporter(
    answer: (sent: Sent, attempt: number) => Verdict | Promise<Verdict>,
    overrides: Partial<ReporterParts> = {},
  ) {
    const sent: Sent[] = []
    const { log, lines } = recordedLog()
    const stateFile = createReportingStateFile(join(directory, 'reporting.json'))
    const parts: ReporterParts = {
      host: 'home',
      version: '1.0.0',
      outbox: createOutbox(join(directory, 'outbox')),
      receipts: createReceipts(join(directory, 'receipts')),
      stateFile,
      lastAttempt: createLastAttemptFile(join(directory, 'last-attempt.json')),
      keys: {
        sign: async (report, header) => JSON.stringify({ report, header }),
        hasSigned: () => true,
        rotate: async () => null,
      },
      post: async (jws) => {
        const one = { ...(JSON.parse(jws) as Omit<Sent, 'jws'>), jws }
        sent.push(one)
        return answer(one, sent.length)
      },
      verify: async (_receipt, witness) => ({
        witness: { size: witness.size + 2, root: `r${witness.size + 2}` },
        entry: witness.size + 1,
      }),
      now: () => 1_700_000_000_000,
      random: () => 0,
      log,
      ...overrides,
    }
    const made = await createReporter(parts, ENROLLED)
    const abort = new AbortController()
    const running = made.run(abort.signal)
    return {
      ...made,
      sent,
      lines,
      stateFile,
      waiting: () => readdir(join(directory, 'outbox')).catch(() => []),
      stop: async () => {
        abort.abort()
        await running
      },
    }
  }

  return { reporter, directory: () => directory }
}

/** Waits for a condition. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition never came true')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** The cloud's good answer. */
export const RECEIPT: Verdict = { kind: 'receipt', receipt: {} }
/** No answer. */
export const LOST: Verdict = { kind: 'unavailable', reason: 'connection reset', retryMs: null }
