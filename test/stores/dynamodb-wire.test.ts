import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { LogRow, Repository, StateWrite } from '../../cloud/ports.ts'
import { openDynamo } from '../../cloud/store/dynamodb.ts'
import { parseName } from '../../shared/rrset.ts'
import { desired, host, kid, rowAfter, stored, www, zone } from '../contract/stored-values.ts'
import { describeDynamo } from './describe-dynamo.ts'
import { type DynamoProxy, startDynamoProxy, type Trouble } from './dynamo-proxy.ts'
import {
  type Dynoxide,
  openDynamoRepository,
  startDynoxide,
  type TableSettings,
} from './dynoxide.ts'

const deps = { sleep: (ms: number) => sleep(ms), random: Math.random }

function cancelled(...codes: readonly string[]): Trouble {
  const reasons = codes.map((Code) => ({ Code }))
  const __type = 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException'
  return { status: 400, body: { __type, message: 'cancelled', CancellationReasons: reasons } }
}

function failing(type: string, message = 'told by AWS', status = 400): Trouble {
  return { status, body: { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message } }
}

describeDynamo('DynamoDB over a network that fails', () => {
  describe.each([false, true])('with the SDK: %s', describeFailures)
})

function describeFailures(withSdk: boolean): void {
  let dynoxide: Dynoxide
  let proxy: DynamoProxy
  let settings: TableSettings
  let repository: Repository
  let row: LogRow
  const writes: StateWrite[] = [{ kind: 'create-host', host }]
  const opened: Repository[] = []

  beforeAll(async () => {
    dynoxide = await startDynoxide()
  })
  afterAll(() => dynoxide.stop())
  beforeEach(async () => {
    proxy = await startDynamoProxy(dynoxide.endpoint)
    settings = { ...(await dynoxide.createTable()), endpoint: proxy.endpoint }
    repository = await open()
    row = await rowAfter(undefined)
  })
  afterEach(async () => {
    for (const one of opened.splice(0)) one.close()
    await proxy.close()
  })

  async function open(change: Partial<TableSettings> = {}): Promise<Repository> {
    const one = await openDynamoRepository({ ...settings, withSdk, ...change }, deps)
    opened.push(one)
    return one
  }

  it.each<Trouble>(['lose-answer', 'lose-request', failing('InternalServerError', 'x', 500)])(
    'stores a transaction once: %j',
    async (trouble) => {
      proxy.trouble('TransactWriteItems', trouble)
      expect(await repository.commit([row], writes)).toBe('committed')
      const next = await rowAfter(row)
      proxy.trouble('TransactWriteItems', trouble)
      expect(await repository.commit([next], [])).toBe('committed')
      expect(await repository.range(0, 9)).toEqual([row, next])
      const tokens = proxy.requests.flatMap(({ input }) => input.ClientRequestToken ?? [])
      expect(new Set(tokens).size).toBe(2)
    },
  )

  it('says that it could not confirm a transaction that nobody answered', async () => {
    proxy.trouble('TransactWriteItems', ...Array<Trouble>(9).fill('lose-answer'))
    await expect(repository.commit([row], writes)).rejects.toMatchObject({
      code: 'STORE_BUSY',
      message: expect.stringMatching(/could not confirm/),
    })
    proxy.trouble('TransactWriteItems')
    expect(await repository.lastRow()).toEqual(row)
    expect(await repository.commit([row], writes)).toBe('conflict')
  })

  it('waits for no answer for ever', async () => {
    proxy.trouble('Query', ...Array<Trouble>(9).fill('hang'))
    await expect(repository.lastRow()).rejects.toMatchObject({ code: 'STORE_BUSY' })
  })

  it.each(['ConditionalCheckFailed', 'TransactionConflict'])(
    'calls it a conflict when another was first: %s',
    async (code) => {
      proxy.trouble('TransactWriteItems', cancelled('None', code))
      expect(await repository.commit([row], writes)).toBe('conflict')
      expect(await repository.lastRow()).toBeUndefined()
    },
  )

  it.each(['ThrottlingError', 'ProvisionedThroughputExceeded'])(
    'tries a throttled transaction again: %s',
    async (code) => {
      proxy.trouble('TransactWriteItems', ...Array<Trouble>(5).fill(cancelled('None', code)))
      expect(await repository.commit([row], writes)).toBe('committed')
      proxy.trouble('TransactWriteItems', ...Array<Trouble>(6).fill(cancelled('None', code)))
      const next = await rowAfter(row)
      const update: StateWrite = { kind: 'update-host', host }
      await expect(repository.commit([next], [update])).rejects.toMatchObject({
        code: 'STORE_BUSY',
        message: expect.stringMatching(/could not confirm.*on-demand capacity/),
      })
      expect(await repository.lastRow()).toEqual(row)
    },
  )

  it('does not try again what DynamoDB finds invalid', async () => {
    proxy.trouble('TransactWriteItems', cancelled('None', 'ValidationError'))
    await expect(repository.commit([row], writes)).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringMatching(/cancelled None ValidationError/),
    })
    expect(await repository.lastRow()).toBeUndefined()
  })

  it('asks again for what a read has left out', async () => {
    const rows = [row]
    for (let i = 0; i < 20; i++) rows.push(await rowAfter(rows.at(-1)))
    await repository.commit(rows, [])
    const half: Trouble = {
      change: (answer) => {
        const { [settings.table]: items = [] } = answer.Responses as Record<string, unknown[]>
        const left = items.splice(0, Math.ceil(items.length / 2))
        const Keys = left.map((item) => {
          const { pk, sk } = item as Record<string, unknown>
          return { pk, sk }
        })
        const UnprocessedKeys = { [settings.table]: { Keys, ConsistentRead: true } }
        return { Responses: { [settings.table]: items }, UnprocessedKeys }
      },
    }
    proxy.trouble('BatchGetItem', half, half, half)
    const every = rows.map(({ index }) => index)
    expect(await repository.rows(every)).toEqual(rows)
    expect(proxy.requests.filter(({ operation }) => operation === 'BatchGetItem')).toHaveLength(4)
    proxy.trouble('BatchGetItem', ...Array<Trouble>(99).fill(half))
    await expect(repository.rows(every)).rejects.toMatchObject({ code: 'STORE_BUSY' })
  })

  it('notes what became of a row although others are at it', async () => {
    await repository.commit([], [{ kind: 'desire', row: desired(3, null) }])
    proxy.trouble(
      'PutItem',
      failing('TransactionConflictException'),
      failing('ConditionalCheckFailedException'),
    )
    const flushed = { outcomes: [] }
    const note = { key: { name: www, type: 'AAAA' }, version: 3, flushed, isApplied: true } as const
    await repository.noteFlushed([note])
    expect(await repository.pending(zone)).toEqual([])
    proxy.trouble('PutItem', ...Array<Trouble>(99).fill(failing('TransactionConflictException')))
    await expect(repository.noteFlushed([{ ...note, isApplied: false }])).rejects.toMatchObject({
      code: 'STORE_BUSY',
    })
  })

  it('loses neither a note nor a report that come at once', async () => {
    await repository.commit([], [{ kind: 'desire', row: desired(0, null) }])
    const other = await open()
    const key = { name: www, type: 'AAAA' } as const
    for (let version = 1; version <= 20; version++) {
      const commit = async () => {
        const write: StateWrite = { kind: 'share-names', host: `host-${version}`, names: [www] }
        while ((await other.commit([], [write])) === 'conflict');
      }
      const flushed = { outcomes: [], retryAtMs: version }
      await Promise.all([
        commit(),
        repository.noteFlushed([{ key, version: 0, flushed, isApplied: false }]),
      ])
      expect(await repository.pending(zone)).toMatchObject([{ flushed: { retryAtMs: version } }])
    }
    expect((await repository.owners([www])).get(www)).toHaveLength(20)
  })

  it('asks for no more than its role permits, and reads consistently', async () => {
    const name = parseName('x.example.org')
    await repository.commit(
      [row],
      [
        { kind: 'create-host', host },
        { kind: 'put-key', kid, host: 'home' },
        { kind: 'own-names', host: 'home', names: [www, name] },
        { kind: 'release-names', host: 'home', names: [name] },
        { kind: 'desire', row: desired(3, null) },
        { kind: 'record-report', report: stored },
      ],
    )
    await repository.rows([0])
    await repository.range(0, 10)
    await repository.hosts()
    await repository.hostOfKey(kid)
    await repository.owners([www, name])
    await repository.desiredIn(zone, { limit: 5 })
    await repository.pending(zone)
    await repository.takeLease(zone, 'a', 1, 2)
    await repository.dropLease(zone, 'a')
    await repository.keepPassMemory(zone, '{}')
    await repository.unfinished(0, 10)
    const operations = new Set(proxy.requests.map(({ operation }) => operation))
    expect([...operations].sort()).toEqual([
      'BatchGetItem',
      'GetItem',
      'PutItem',
      'Query',
      'TransactWriteItems',
    ])
    for (const { operation, input } of proxy.requests) {
      if (operation === 'GetItem') expect(input.ConsistentRead).toBe(true)
      if (operation === 'Query') expect(input.ConsistentRead ?? input.IndexName).toBeTruthy()
      if (operation === 'BatchGetItem') {
        expect(input.RequestItems).toMatchObject({ [settings.table]: { ConsistentRead: true } })
      }
      const items = (input.TransactItems ?? []) as Record<string, unknown>[]
      for (const item of items) expect(Object.keys(item)).toEqual(['Put'])
    }
  })

  it('refuses what one transaction cannot hold, before anything is asked', async () => {
    const names = Array.from({ length: 100 }, (_, i) => parseName(`n${i}.example.org`))
    const own: StateWrite = { kind: 'own-names', host: 'home', names }
    const asked = proxy.requests.length
    expect(repository.fits([], [own])).toBe(true)
    expect(repository.fits([row], [own])).toBe(false)
    await expect(repository.commit([row], [own])).rejects.toMatchObject({
      code: 'STORE_LIMIT',
      message: expect.stringMatching(/changes 101 items.*fewer names/),
    })
    const long = await Promise.all(
      Array.from({ length: 20 }, (_, i) => rowAfter(undefined, `${i}${'x'.repeat(60_000)}`)),
    )
    expect(repository.fits(long, [])).toBe(false)
    expect(proxy.requests).toHaveLength(asked)
  })

  describe('says what to do', () => {
    it.each([
      ['AccessDeniedException', 'STORE_FAILED', /role needs dynamodb:GetItem, BatchGetItem, Query/],
      ['UnrecognizedClientException', 'STORE_FAILED', /does not accept the credentials/],
      ['ExpiredTokenException', 'STORE_FAILED', /does not accept the credentials/],
      ['ResourceNotFoundException', 'STORE_FAILED', /no such table in this region/],
      ['ValidationException', 'STORE_FAILED', /told by AWS/],
      ['ProvisionedThroughputExceededException', 'STORE_BUSY', /on-demand capacity/],
      ['ThrottlingException', 'STORE_BUSY', /on-demand capacity/],
      ['RequestLimitExceeded', 'STORE_BUSY', /on-demand capacity/],
    ])('about %s', async (type, code, said) => {
      proxy.trouble('Query', ...Array<Trouble>(9).fill(failing(type)))
      await expect(repository.lastRow()).rejects.toMatchObject({
        code,
        message: expect.stringMatching(said),
      })
    })

    it('about a table that is not there, or of another form', async () => {
      await expect(open({ table: 'nowhere' })).rejects.toMatchObject({
        code: 'STORE_FAILED',
        message: expect.stringMatching(
          /table nowhere in eu-central-1 failed: there is no such table/,
        ),
      })
      const message = 'The provided key element does not match the schema'
      proxy.trouble('GetItem', failing('ValidationException', message))
      await expect(open()).rejects.toMatchObject({
        code: 'STORE_FAILED',
        message: expect.stringMatching(/needs the string keys pk and sk and the index/),
      })
      const missing = 'The table does not have the specified index: unfinished'
      proxy.trouble('Query', failing('ValidationException', missing))
      await expect(repository.unfinished(0, 1)).rejects.toMatchObject({
        code: 'STORE_FAILED',
        message: expect.stringMatching(/needs the string keys pk and sk and the index/),
      })
    })

    it('about a region that nobody has given', async () => {
      vi.stubEnv('AWS_REGION', undefined)
      vi.stubEnv('AWS_CONFIG_FILE', '/nowhere')
      const { region: _, ...without } = settings
      await expect(openDynamo(without, deps)).rejects.toMatchObject({
        code: 'STORE_FAILED',
        message: expect.stringMatching(/no region is given: set AWS_REGION/),
      })
      vi.unstubAllEnvs()
    })

    it('about AWS that cannot be reached', async () => {
      await expect(open({ endpoint: 'http://127.0.0.1:1' })).rejects.toMatchObject({
        code: 'STORE_BUSY',
        message: expect.stringMatching(/AWS does not answer/),
      })
    })
  })
}
