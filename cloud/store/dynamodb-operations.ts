import type { Attributes, DynamoApi, Inputs } from './dynamodb-api.ts'
import { isBeaten, isThrottled, storeError } from './dynamodb-errors.ts'
import { type ItemKey, keyText, UNFINISHED, UNFINISHED_INDEX } from './dynamodb-keys.ts'
import type { DynamoDeps, DynamoTable, Put } from './dynamodb-table.ts'
import { decodeItem, encodeItem, type Item } from './dynamodb-values.ts'

/** For what is no failed request: reads that were done in part, transactions that were throttled. */
const ATTEMPTS = 6
const FIRST_PAUSE_MS = 25
const LONGEST_PAUSE_MS = 400
const MAX_KEYS = 100

/** A table over the operations of DynamoDB. */
export function openTable(TableName: string, api: DynamoApi, deps: DynamoDeps): DynamoTable {
  const place = { table: TableName, region: api.region }

  async function told<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (cause) {
      throw storeError(cause, place)
    }
  }

  async function pause(attempt: number): Promise<void> {
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt)
    await deps.sleep(deps.random() * longest)
  }

  async function readSome(keys: readonly ItemKey[], into: Map<string, Item>): Promise<void> {
    let asked = keys.map((key) => encodeItem({ ...key }))
    for (let attempt = 0; asked.length > 0; attempt++) {
      if (attempt > 0) await pause(attempt)
      const answer = await api.call('BatchGetItem', {
        RequestItems: { [TableName]: { Keys: asked, ConsistentRead: true } },
      })
      for (const item of answer.Responses?.[TableName] ?? []) keep(item, into)
      asked = answer.UnprocessedKeys?.[TableName]?.Keys ?? []
      if (attempt === ATTEMPTS && asked.length > 0) throw throttled()
    }
  }

  async function queryAll(input: Inputs['Query'], limit = Infinity): Promise<readonly Item[]> {
    const found: Item[] = []
    let from: Attributes | undefined
    do {
      const rest = limit - found.length
      const answer = await api.call('Query', {
        ...input,
        ...(Number.isFinite(rest) && { Limit: rest }),
        ExclusiveStartKey: from,
      })
      for (const item of answer.Items ?? []) found.push(withoutKey(item))
      from = answer.LastEvaluatedKey
    } while (from !== undefined && found.length < limit)
    return found
  }

  async function putOne(put: Put): Promise<boolean> {
    return unlessBeaten(() => api.call('PutItem', toInput(TableName, put)))
  }

  async function putTogether(puts: readonly Put[]): Promise<boolean> {
    const items = puts.map((put) => ({ Put: toInput(TableName, put) }))
    for (let attempt = 1; ; attempt++) {
      try {
        return await unlessBeaten(() => api.call('TransactWriteItems', { TransactItems: items }))
      } catch (error) {
        if (!isThrottled(error) || attempt === ATTEMPTS) throw error
      }
      await pause(attempt)
    }
  }

  return {
    read: (keys) =>
      told(async () => {
        const found = new Map<string, Item>()
        const [only, ...more] = keys
        if (only !== undefined && more.length === 0) {
          const Key = encodeItem({ ...only })
          const input = { TableName, Key, ConsistentRead: true }
          const { Item } = await api.call('GetItem', input)
          if (Item !== undefined) keep(Item, found)
          return found
        }
        for (let i = 0; i < keys.length; i += MAX_KEYS) {
          await readSome(keys.slice(i, i + MAX_KEYS), found)
        }
        return found
      }),

    query: ({ pk, from, to, limit, newestFirst }) =>
      told(() =>
        queryAll(
          {
            TableName,
            ConsistentRead: true,
            ScanIndexForward: newestFirst !== true,
            KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :from AND :to',
            ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
            ExpressionAttributeValues: encodeItem({ ':pk': pk, ':from': from, ':to': to }),
          },
          limit,
        ),
      ),

    unfinished: (start, limit) =>
      told(() =>
        queryAll(
          {
            TableName,
            IndexName: UNFINISHED_INDEX,
            KeyConditionExpression: '#of = :of AND #index >= :start',
            ExpressionAttributeNames: { '#of': UNFINISHED, '#index': 'log_index' },
            ExpressionAttributeValues: encodeItem({ ':of': 'report', ':start': start }),
          },
          limit,
        ),
      ),

    put: (put) => told(() => putOne(put)),
    putAll: (puts) => told(() => putTogether(puts)),
    close: () => api.close(),
  }
}

async function unlessBeaten(send: () => Promise<unknown>): Promise<boolean> {
  try {
    await send()
    return true
  } catch (error) {
    if (isBeaten(error)) return false
    throw error
  }
}

function toInput(TableName: string, { key, item, condition }: Put) {
  const Item = { ...encodeItem(item), ...encodeItem({ ...key }) }
  if (condition === undefined) return { TableName, Item }
  const { text, names, values } = condition
  return {
    TableName,
    Item,
    ConditionExpression: text,
    ExpressionAttributeNames: { ...names },
    ...(values !== undefined && { ExpressionAttributeValues: encodeItem(values) }),
  }
}

function keep(item: Attributes, into: Map<string, Item>): void {
  const { pk, sk } = item
  into.set(keyText({ pk: pk?.S ?? '', sk: sk?.S ?? '' }), withoutKey(item))
}

function withoutKey({ pk: _pk, sk: _sk, ...item }: Attributes): Item {
  return decodeItem(item)
}

function throttled(): Error {
  return Object.assign(new Error('keys were left unread'), {
    name: 'ProvisionedThroughputExceededException',
  })
}
