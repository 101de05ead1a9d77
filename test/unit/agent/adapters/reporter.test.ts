import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createLastAttemptFile } from '../../../../agent/adapters/last-attempt.ts'
import { body, ENROLLED, LOST, RECEIPT, reporterRig, until } from './reporter-rig.ts'

const { reporter, directory } = reporterRig()

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
    expect(await readdir(join(directory(), 'receipts'))).toEqual(['0001700000000000.json'])
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

  it('keeps nonce and sequence together when its clock is a year ahead', async () => {
    const current = 1_668_000_000_000
    const made = await reporter(({ report, header }) => {
      if (header.nonce === undefined) return { kind: 'use-nonce', nonce: 'n1' }
      if (report.seq <= current + 86_400_000) return RECEIPT
      return { kind: 'sequence', current, detail: 'more than a day ahead' }
    })
    await made.offer(body(1))
    await until(async () => (await made.waiting()).length === 0)
    expect(made.sent.map(({ header, report }) => [header.nonce, report.seq])).toEqual([
      [undefined, 1_700_000_000_000],
      ['n1', 1_700_000_000_001],
      ['n1', current + 1],
    ])
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

  it('sets a damaged report aside, names it, and reports the present state anew', async () => {
    const before = await reporter(() => LOST)
    await before.offer(body(1))
    await before.stop()
    const [name] = await before.waiting()
    await writeFile(join(directory(), 'outbox', name ?? ''), '{"body"')
    const after = await reporter(() => RECEIPT)
    expect(after.lines).toContainEqual(
      expect.objectContaining({
        level: 'error',
        message: expect.stringContaining(`${name}.damaged`),
      }),
    )
    await after.offer(body(1))
    await until(async () => (await after.stateFile.read())?.claim !== null)
    expect(after.sent).toHaveLength(1)
    await after.stop()
    expect(await after.waiting()).toEqual([`${name}.damaged`])
  })

  it('keeps why the last attempt failed until one succeeds', async () => {
    const file = createLastAttemptFile(join(directory(), 'last-attempt.json'))
    let isDown = true
    const made = await reporter(() => (isDown ? LOST : RECEIPT))
    await made.offer(body(1))
    await until(async () => (await file.read()) !== null)
    expect(await file.read()).toMatchObject({
      reason: 'connection reset',
      failures: 1,
      at: '2023-11-14T22:13:20.000Z',
      retryAt: '2023-11-14T22:13:20.250Z',
    })
    isDown = false
    await made.offer(body(2))
    await until(async () => (await made.waiting()).length === 0)
    await until(async () => (await file.read()) === null)
    await made.stop()
  })
})
