import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
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

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'reporter-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const body = (subnet: number): ReportBody => ({
  prefix: { current: parsePrefix(`2001:db8:${subnet}:1::/64`), cause: 'flash' },
  records: [],
  steps: [],
})
const ENROLLED: ReportingState = {
  sequence: 0,
  witness: { size: 2, root: 'r2' },
  claim: null,
  refused: null,
}

interface Sent {
  readonly report: Report
  readonly header: { iat: number; nonce?: string }
  readonly jws: string
}

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
    sign: async (report, header) => JSON.stringify({ report, header }),
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

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition never came true')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

const RECEIPT: Verdict = { kind: 'receipt', receipt: {} }
const LOST: Verdict = { kind: 'unavailable', reason: 'connection reset', retryMs: null }

describe('the reporter', () => {
  it('forgets a report only after its receipt is verified, and moves its witness on', async () => {
    const made = await reporter(() => RECEIPT)
    await made.offer(body(1))
    await until(async () => (await made.waiting()).length === 0)
    expect(made.sent[0]?.report).toMatchObject({
      v: 1,
      host: 'home',
      seq: 1_700_000_000_000,
      log: { size: 2, root: 'r2' },
    })
    await until(async () => (await made.stateFile.read())?.witness.size === 4)
    expect(await readdir(join(directory, 'receipts'))).toEqual(['0001700000000000.json'])
    await made.stop()
  })

  it('says nothing new when the claim is the same', async () => {
    const made = await reporter(() => RECEIPT)
    await made.offer(body(1))
    await until(async () => (await made.waiting()).length === 0)
    await made.offer(body(1))
    await made.offer({ ...body(1), steps: [{ step: 'a', target: 'b', outcome: 'done', ms: 1 }] })
    expect(made.sent).toHaveLength(1)
    await made.stop()
  })

  it('sends the same bytes again when an answer is lost', async () => {
    const made = await reporter((_, attempt) => (attempt < 3 ? LOST : RECEIPT))
    await made.offer(body(1))
    await until(async () => (await made.waiting()).length === 0)
    expect(new Set(made.sent.map(({ jws }) => jws)).size).toBe(1)
    expect(made.sent).toHaveLength(3)
    await made.stop()
  })

  it('asks again after the time the cloud names while DNS is pending', async () => {
    const made = await reporter((_, n) => (n === 1 ? { kind: 'pending', retryMs: 20 } : RECEIPT))
    await made.offer(body(1))
    await until(async () => (await made.waiting()).length === 0)
    expect(made.sent[1]?.jws).toBe(made.sent[0]?.jws)
    await made.stop()
  })

  it('reports every change in order, each with the witness of the one before', async () => {
    let isDown = true
    const made = await reporter(() => (isDown ? LOST : RECEIPT))
    for (const subnet of [1, 2, 3]) await made.offer(body(subnet))
    expect(await made.waiting()).toHaveLength(3)
    isDown = false
    await until(async () => (await made.waiting()).length === 0)
    const accepted = made.sent.slice(-3).map(({ report }) => report)
    expect(accepted.map(({ prefix }) => prefix.current)).toEqual([
      '2001:db8:1:1::/64',
      '2001:db8:2:1::/64',
      '2001:db8:3:1::/64',
    ])
    expect(accepted.map(({ log }) => log.size)).toEqual([2, 4, 6])
    const sequences = accepted.map(({ seq }) => seq)
    expect(sequences).toEqual([...sequences].sort((a, b) => a - b))
    expect(new Set(sequences).size).toBe(3)
    await made.stop()
  })

  it('goes on after a restart with the very bytes it may have sent', async () => {
    const before = await reporter(() => LOST)
    await before.offer(body(1))
    await until(() => before.sent.length > 0)
    await before.stop()
    const after = await reporter(() => RECEIPT)
    await until(async () => (await after.waiting()).length === 0)
    expect(after.sent[0]?.jws).toBe(before.sent[0]?.jws)
    await after.stop()
  })

  it('signs again with the nonce when its clock is off, under a new sequence', async () => {
    const made = await reporter((_, n) => (n === 1 ? { kind: 'use-nonce', nonce: 'n1' } : RECEIPT))
    await made.offer(body(1))
    await until(async () => (await made.waiting()).length === 0)
    expect(made.sent[1]?.header.nonce).toBe('n1')
    expect(made.sent[1]?.report.seq).toBe(1_700_000_000_001)
    await made.stop()
  })

  it('gives up a round of nonces that never ends and comes back later', async () => {
    const made = await reporter((_, n) => (n < 6 ? { kind: 'use-nonce', nonce: 'n' } : RECEIPT))
    await made.offer(body(1))
    await until(async () => (await made.waiting()).length === 0)
    expect(made.lines.some(({ fields }) => fields.event === 'report-unconfirmed')).toBe(true)
    await made.stop()
  })

  it.each([
    ['ahead', 1_800_000_000_000],
    ['behind', 41],
  ])('adopts the cloud’s sequence when it is %s', async (_, current) => {
    const made = await reporter((_sent, n) =>
      n === 1 ? { kind: 'sequence', current, detail: 'sequence' } : RECEIPT,
    )
    await made.offer(body(1))
    await until(async () => (await made.waiting()).length === 0)
    expect(made.sent[1]?.report.seq).toBe(current + 1)
    expect((await made.stateFile.read())?.sequence).toBe(current + 1)
    await made.stop()
  })

  it('keeps a refusal visible, does not repeat it, and goes on with the next change', async () => {
    const made = await reporter((_, n) =>
      n === 1
        ? { kind: 'refused', status: 403, code: 'POLICY_NAME', detail: 'not yours' }
        : RECEIPT,
    )
    await made.offer(body(1))
    await until(async () => (await made.waiting()).length === 0)
    expect((await made.stateFile.read())?.refused).toMatchObject({
      code: 'POLICY_NAME',
      detail: expect.stringMatching(/^not yours; correct .*systemctl reload reprefix-agent$/),
    })
    expect(made.isRefused()).toBe(true)
    await made.offer(body(1))
    expect(made.sent).toHaveLength(1)
    await made.offer(body(2))
    await until(async () => (await made.stateFile.read())?.refused === null)
    expect(made.sent).toHaveLength(2)
    await made.stop()
  })

  it('offers a refused claim again when told that something may have changed', async () => {
    const made = await reporter((_, n) =>
      n === 1
        ? { kind: 'refused', status: 403, code: 'POLICY_NAME', detail: 'not yours' }
        : RECEIPT,
    )
    await made.offer(body(1))
    await until(async () => (await made.waiting()).length === 0)
    made.retryRefused()
    await made.offer(body(1))
    await until(async () => (await made.stateFile.read())?.refused === null)
    await made.stop()
  })

  it('never forgets a report whose receipt does not prove it', async () => {
    const made = await reporter(() => RECEIPT, {
      verify: async () => {
        throw new Error('the log was rewritten')
      },
    })
    await made.offer(body(1))
    await until(() => made.sent.length >= 2)
    expect(await made.waiting()).toHaveLength(1)
    expect((await made.stateFile.read())?.witness ?? ENROLLED.witness).toEqual(ENROLLED.witness)
    expect(made.lines.some(({ message }) => message.includes('rewritten'))).toBe(true)
    await made.stop()
  })

  it('names the file and the remedy when a waiting report is damaged', async () => {
    const made = await reporter(() => LOST)
    await made.offer(body(1))
    await made.stop()
    const [name] = await made.waiting()
    await writeFile(join(directory, 'outbox', name ?? ''), '{"body"')
    await expect(reporter(() => RECEIPT)).rejects.toMatchObject({
      code: 'STATE_CORRUPT',
      message: expect.stringMatching(/outbox.*rm /),
    })
  })
})
