import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createOutbox, type Outbox, type OutboxEntry } from '../../../../agent/adapters/outbox.ts'
import type { ReporterParts } from '../../../../agent/adapters/reporter.ts'
import type { ReportingState } from '../../../../agent/adapters/reporting-state.ts'
import { writeFault } from '../../../../shared/files.ts'
import { parseAddress, parsePrefix, splice } from '../../../../shared/ipv6.ts'
import { parseName } from '../../../../shared/rrset.ts'
import { memoryOutbox } from '../../../fakes/memory-outbox.ts'
import { body, ENROLLED, LOST, RECEIPT, reporterRig, type Sent, until } from './reporter-rig.ts'

const { reporter, directory } = reporterRig()

/** The claim of two names below a prefix of `body`. */
function named(subnet: number) {
  const prefix = parsePrefix(`2001:db8:${subnet.toString(16)}:1::/64`)
  const values = (host: string) => [splice(prefix, parseAddress(host))]
  return body(subnet, [
    { name: parseName('a.example.org'), type: 'AAAA', values: values('::1:0:0:1') },
    { name: parseName('b.example.org'), type: 'AAAA', values: values('::1:0:0:2') },
  ])
}

/** Answers that are lost until `restore`; then every report is judged by `verdict`. */
function cloud() {
  let isDown = true
  const accepted: Sent[] = []
  return {
    accepted,
    restore: () => {
      isDown = false
    },
    answer: (sent: Sent) => {
      if (isDown) return LOST
      accepted.push(sent)
      return RECEIPT
    },
  }
}

describe('weeks without the cloud', () => {
  function expectWhole(accepted: readonly Sent[], changes: number) {
    const reports = accepted.map(({ report }) => report)
    const expected = Array.from({ length: changes }, (_, index) => named(index + 1))
    expect(reports.map(({ prefix }) => prefix)).toEqual(expected.map(({ prefix }) => prefix))
    expect(reports.map(({ records }) => records)).toEqual(expected.map(({ records }) => records))
    expect(reports.every(({ seq }, index) => seq > (reports[index - 1]?.seq ?? 0))).toBe(true)
    const sizes = reports.map(({ log }) => log.size)
    expect(sizes).toEqual(reports.map((_, index) => ENROLLED.witness.size + 2 * index))
  }

  it('keeps every change in few files and delivers all in order after a restart', async () => {
    const changes = 600
    const { answer, accepted, restore } = cloud()
    const before = await reporter(answer)
    for (let subnet = 1; subnet <= changes; subnet++) await before.offer(named(subnet))
    await until(async () => (await before.waiting()).length <= 260)
    const files = await before.waiting()
    const folded = files.filter((name) => name.endsWith('.ndjson'))
    expect(folded).toHaveLength(3)
    await before.stop()

    const after = await reporter(answer)
    expect(after.newestClaim()).toBe(before.newestClaim())
    restore()
    await until(() => accepted.length >= changes, 20_000)
    await until(async () => (await after.waiting()).length === 0)
    await after.stop()
    expectWhole(accepted, changes)
  }, 30_000)

  it('delivers ten thousand changes in order, the newest claim last', async () => {
    const changes = 10_000
    const { answer, accepted, restore } = cloud()
    const { outbox, size, whole } = memoryOutbox()
    let stored: ReportingState | null = null
    const quick: Partial<ReporterParts> = {
      outbox,
      stateFile: {
        read: async () => stored,
        write: async (next) => {
          stored = next
        },
      },
      receipts: { save: async () => undefined, latest: async () => null, files: async () => [] },
      lastAttempt: {
        read: async () => null,
        write: async () => undefined,
        clear: async () => undefined,
      },
    }
    const before = await reporter(answer, quick)
    let most = 0
    for (let subnet = 1; subnet <= changes; subnet++) {
      await before.offer(named(subnet))
      most = Math.max(most, subnet % 100 === 0 ? whole() : 0)
    }
    // At most 256 besides the one that may have been sent, and what came during one attempt.
    expect(most).toBeLessThanOrEqual(300)
    await before.stop()
    expect(size()).toBe(changes)
    const after = await reporter(answer, quick)
    restore()
    await until(() => accepted.length >= changes, 60_000)
    await after.stop()
    expectWhole(accepted, changes)
    expect(accepted.at(-1)?.report).toMatchObject(named(changes))
  }, 90_000)

  it('tells of a claim that changed again and again only the last, with its prefix', async () => {
    const { answer, accepted, restore } = cloud()
    const made = await reporter(answer)
    await made.offer(body(1))
    for (let host = 1; host <= 300; host++) {
      const values = [`2001:db8:2:1:1::${host.toString(16)}`]
      await made.offer(body(2, [{ name: parseName('a.example.org'), type: 'AAAA', values }]))
    }
    await until(async () => (await made.waiting()).length < 200)
    restore()
    await made.offer(body(3))
    await until(() => accepted.at(-1)?.report.prefix.current.includes(':3:') === true)
    expect(accepted.length).toBeLessThan(200)
    const [first, second] = accepted.map(({ report }) => report)
    expect(first?.prefix).toEqual(body(1).prefix)
    expect(second?.prefix).toEqual(body(2).prefix)
    expect(accepted.at(-2)?.report.records[0]?.values).toEqual(['2001:db8:2:1:1::12c'])
    await made.stop()
  })

  it('keeps the order when the clock is set back and forth', async () => {
    const { answer, accepted, restore } = cloud()
    const times = [5000, 1000, 900_000, 2000, 2000]
    let at = 0
    const now = () => 1_700_000_000_000 + (times[at] ?? 0)
    const first = await reporter(answer, { now })
    for (; at < times.length; at++) await first.offer(body(at + 1))
    await first.stop()
    const second = await reporter(answer, { now: () => 1_600_000_000_000 })
    await second.offer(body(9))
    restore()
    await second.offer(body(10))
    await until(() => accepted.length === 7)
    const reports = accepted.map(({ report }) => report)
    expect(reports.map(({ prefix }) => prefix.current)).toEqual(
      [1, 2, 3, 4, 5, 9, 10].map((subnet) => body(subnet).prefix.current),
    )
    expect(reports.every(({ seq }, index) => seq > (reports[index - 1]?.seq ?? 0))).toBe(true)
    await second.stop()
  })
})

/** An outbox whose disk is full while `isFull` says so. */
function fullOutbox(isFull: () => boolean): Outbox {
  const outbox = createOutbox(join(directory(), 'outbox'))
  const full = (path: string) => {
    throw writeFault(path, Object.assign(new Error('no space left'), { code: 'ENOSPC' }))
  }
  return {
    ...outbox,
    save: async (entry: OutboxEntry) => (isFull() ? full('outbox') : outbox.save(entry)),
    fold: async (entries) => (isFull() ? full('outbox') : outbox.fold(entries)),
  }
}

describe('a full disk', () => {
  it('loses no change: what could not be written is written first, once there is room', async () => {
    const { answer, accepted, restore } = cloud()
    let isFull = true
    const made = await reporter(answer, { outbox: fullOutbox(() => isFull) })
    for (const subnet of [1, 2, 3]) {
      await expect(made.offer(body(subnet))).rejects.toMatchObject({ code: 'DISK_FULL' })
    }
    await expect(made.offer(body(3))).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(made.sent).toEqual([])
    isFull = false
    restore()
    await made.offer(body(3))
    await until(() => accepted.length === 3)
    expect(accepted.map(({ report }) => report.prefix.current)).toEqual(
      [1, 2, 3].map((subnet) => body(subnet).prefix.current),
    )
    await made.stop()
  })

  it('does not keep a report from being sent that is on disk already', async () => {
    const { answer, accepted, restore } = cloud()
    let isFull = false
    const made = await reporter(answer, {
      outbox: fullOutbox(() => isFull),
      lastAttempt: {
        read: async () => null,
        write: async () => {
          throw writeFault('last-attempt.json', new Error('no space left'))
        },
        clear: async () => undefined,
      },
    })
    await made.offer(body(1))
    isFull = true
    await until(() => made.sent.length > 0)
    restore()
    await until(() => accepted.length === 1)
    await made.stop()
    expect(await readdir(join(directory(), 'receipts'))).toHaveLength(1)
  })
})

describe('an agent killed while it delivers', () => {
  /** Runs until `isKilled` throws at a write, as if the process had ended there. */
  function killedAt(operation: 'save' | 'fold' | 'settle', when: 'before' | 'after'): Outbox {
    const outbox = createOutbox(join(directory(), 'outbox'))
    let isDead = false
    const guard =
      <A extends unknown[], R>(name: string, call: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        const isDue = name === operation && accepted > 0
        if (isDead || (isDue && when === 'before')) isDead = true
        if (isDead) throw new Error('killed')
        const result = await call(...args)
        if (isDue) isDead = true
        if (isDead) throw new Error('killed')
        return result
      }
    return {
      read: outbox.read,
      open: outbox.open,
      save: guard('save', outbox.save),
      fold: guard('fold', outbox.fold),
      settle: guard('settle', outbox.settle),
    }
  }
  let accepted = 0

  it.each([
    ['save', 'before'],
    ['save', 'after'],
    ['settle', 'before'],
    ['settle', 'after'],
  ] as const)('at %s, %s it, tells every change once to who comes after', async (name, when) => {
    accepted = 0
    const told: string[] = []
    const answer = ({ report }: Sent) => {
      if (accepted < 0) return LOST
      accepted += 1
      if (!told.includes(report.prefix.current)) told.push(report.prefix.current)
      return RECEIPT
    }
    accepted = -1
    const filling = await reporter(answer)
    for (let subnet = 1; subnet <= 280; subnet++) await filling.offer(body(subnet))
    await until(async () => (await filling.waiting()).length < 280)
    await filling.stop()
    accepted = 0
    const killed = await reporter(answer, { outbox: killedAt(name, when) })
    await until(() => killed.lines.some(({ message }) => message.includes('killed')))
    await killed.stop()
    const delivered = told.length
    const after = await reporter(answer)
    await until(async () => (await after.waiting()).length === 0)
    await after.stop()
    expect(told).toEqual(Array.from({ length: 280 }, (_, index) => body(index + 1).prefix.current))
    // Nothing that had its receipt on disk is told again.
    expect(accepted).toBe(280)
    expect(delivered).toBeLessThan(280)
  })
})
