import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openD1 } from '../../cloud/store/d1.ts'
import { migrate } from '../../cloud/store/migrate.ts'
import { type D1Databases, openD1Databases } from '../stores/d1-databases.ts'
import { type CountedWorker, startCountedWorker, type Usage } from './d1-usage.ts'
import { numberIn, tableOf } from './guide-tables.ts'

const GUIDE = 'deploy-cloudflare.md'
const MEMBERS = ['rowsRead', 'rowsWritten', 'queries', 'batches'] as const
/** Above what is measured, for what depends on how the log's tree happens to be. */
const ROOM = 1.35

const used = tableOf(GUIDE, 'what is done')
function documented(what: string): Usage {
  const cells = used.get(what)
  const [rowsRead, rowsWritten, queries, batches] = MEMBERS.map((_, i) => numberIn(cells?.[i]))
  return { rowsRead, rowsWritten, queries, batches } as Usage
}

let databases: D1Databases
beforeAll(async () => {
  databases = await openD1Databases()
})
afterAll(() => databases.close())

describe('what the guide says that D1 is asked for', () => {
  let one: CountedWorker
  let eight: CountedWorker
  let firstOfEight: Usage

  async function start(names: number): Promise<CountedWorker> {
    const database = await databases.next()
    await migrate(openD1(database))
    return startCountedWorker(database, names)
  }

  beforeAll(async () => {
    one = await start(1)
    eight = await start(8)
    firstOfEight = await eight.report()
    // The proofs of a log with some entries.
    for (let count = 0; count < 24; count++) await one.report()
  })
  afterAll(async () => {
    await one.close()
    await eight.close()
  })

  /** Nowhere more than is written, nor so much less that it misleads. */
  function expectAsWritten(measured: Usage, what: string): void {
    const written = documented(what)
    for (const member of MEMBERS) {
      const message = `${what}: ${member} is ${measured[member]}, ${GUIDE} says ${written[member]}`
      expect(measured[member], message).toBeLessThanOrEqual(written[member])
      expect(written[member], message).toBeLessThanOrEqual(Math.ceil(measured[member] * ROOM))
    }
  }

  it('by a report', async () => {
    expectAsWritten(await one.report(), 'report, one name changed')
    expectAsWritten(await eight.report(), 'report, eight names changed')
    expectAsWritten(firstOfEight, 'first report of eight names')
  })

  it('by a first report of as many names as there may be, within the free plan', async () => {
    const { queries, batches } = documented('besides, in a new isolate')
    const most = await start(64)
    try {
      const first = await most.report()
      expect(first.queries + queries).toBeLessThanOrEqual(50)
      // The rest is for the provider.
      expect(first.batches + batches).toBeLessThanOrEqual(25)
    } finally {
      await most.close()
    }
  })

  it('besides in a new isolate', async () => {
    const known = await one.report()
    one.forget()
    const unknown = await one.report()
    const more = MEMBERS.map((member) => [member, unknown[member] - known[member]])
    expectAsWritten(Object.fromEntries(more), 'besides, in a new isolate')
  })

  it('by a pass', async () => {
    one.forget()
    expectAsWritten(await one.pass(), 'pass, one zone, nothing to do')
  })

  it('for keeps', async () => {
    const before = one.bytes()
    for (let count = 0; count < 24; count++) await one.report()
    const each = (one.bytes() - before) / 24
    const written = numberIn(used.get('kept, of a report of one name')?.[4])
    expect(each).toBeLessThanOrEqual(written)
    expect(written).toBeLessThanOrEqual(each * ROOM)
  })
})

describe('the arithmetic of the guide', () => {
  const prices = tableOf(GUIDE, 'what is paid for')
  const COLUMNS = [
    { names: 'one name', units: 1, cost: 2, report: 'report, one name changed' },
    { names: 'eight names', units: 3, cost: 4, report: 'report, eight names changed' },
  ] as const

  it.each(COLUMNS)('is right for reports of $names', ({ units, cost, report }) => {
    const items = [...prices].filter(([what]) => what !== 'sum')
    for (const [what, cells] of items) {
      const price = numberIn(cells[0])
      expect(numberIn(cells[cost]), what).toBeCloseTo(price * numberIn(cells[units]), 2)
    }
    const sum = items.reduce((total, [, cells]) => total + numberIn(cells[cost]), 0)
    expect(numberIn(prices.get('sum')?.[cost])).toBeCloseTo(sum, 2)
    expect(numberIn(prices.get('rows written')?.[units])).toBe(documented(report).rowsWritten)
    const read = documented(report).rowsRead + documented('besides, in a new isolate').rowsRead
    expect(numberIn(prices.get('rows read')?.[units])).toBeGreaterThanOrEqual(read)
  })

  it('is right for what the free plan gives', () => {
    const free = tableOf(GUIDE, 'free, a day')
    const passes = (24 * 60) / 5
    const written = documented('pass, one zone, nothing to do').rowsWritten * passes
    expect(numberIn(free.get('rows written by passes')?.[0])).toBe(written)
    const left = numberIn(free.get('rows written')?.[0]) - written
    for (const { names, report } of COLUMNS) {
      const reports = numberIn(free.get(`reports of ${names}`)?.[0])
      expect(reports).toBe(Math.floor(left / documented(report).rowsWritten))
    }
  })
})
