import { ReprefixError } from '../../shared/errors.ts'
import type { Fqdn, RRKey } from '../../shared/rrset.ts'
import type { DesiredRow, Repository } from '../ports.ts'
import {
  createHostDecoder,
  decodeDesired,
  decodeLogRow,
  decodeName,
  decodePassMemory,
  decodeReport,
  decodeToken,
} from './decode.ts'
import { distinctKeys, type ItemKey, itemKey, keyText, namesBelow } from './dynamodb-keys.ts'
import type { DynamoTable } from './dynamodb-table.ts'
import { toRow } from './dynamodb-values.ts'
import { createDynamoWriter } from './dynamodb-writer.ts'
import { hostsOf, rowsOf } from './dynamodb-writes.ts'
import type { SqlRow } from './sql-port.ts'

/** The repository on a DynamoDB table, whose schema must have been judged already. */
export function createDynamoRepository(table: DynamoTable): Repository {
  const decodeHost = createHostDecoder()
  const writer = createDynamoWriter(table)

  async function one<T>(key: ItemKey, decode: (row: SqlRow) => T): Promise<T | undefined> {
    const item = (await table.read([key])).get(keyText(key))
    return item === undefined ? undefined : decode(toRow(item))
  }

  async function rowsBetween(zone: Fqdn, range: { from: string; to: string }, limit?: number) {
    const items = await table.query({ pk: 'NAME', ...range, ...(limit && { limit }) })
    const rows = items.flatMap(rowsOf).map((row) => decodeDesired(toRow(row)))
    // Names below a zone may be in a zone of their own.
    return { items, rows: rows.filter((row) => row.zone === zone) }
  }

  return {
    async lastRow() {
      const range = { pk: 'LOG', from: '0', to: '~', newestFirst: true, limit: 1 }
      const [item] = await table.query(range)
      return item === undefined ? undefined : decodeLogRow(toRow(item))
    },

    async rows(indices) {
      const keys = [...new Set(indices)].map(itemKey.log)
      const found = await table.read(keys)
      return indices.map((index) => {
        const item = found.get(keyText(itemKey.log(index)))
        if (item === undefined) {
          throw new ReprefixError('LOG_MISSING_ROW', `the log has no row ${index}`)
        }
        return decodeLogRow(toRow(item))
      })
    },

    async range(start, limit) {
      const { pk, sk } = itemKey.log(start)
      const items = await table.query({ pk, from: sk, to: '~', limit })
      return items.map((item) => decodeLogRow(toRow(item)))
    },

    commit: writer.commit,
    fits: writer.fits,

    host: (name) => one(itemKey.host(name), decodeHost),

    async hosts() {
      const items = await table.query({ pk: 'HOST', from: ' ', to: '~' })
      return items.map((item) => decodeHost(toRow(item)))
    },

    async hostOfKey(kid) {
      const key = itemKey.key(kid)
      const host = (await table.read([key])).get(keyText(key))?.host
      return typeof host === 'string' ? one(itemKey.host(host), decodeHost) : undefined
    },

    token: (id) => one(itemKey.token(id), decodeToken),

    async owners(names) {
      const found = await table.read(distinctKeys(names.map(itemKey.name)))
      const owners = [...new Set(names)].sort().map((name) => {
        return [name, hostsOf(found.get(keyText(itemKey.name(name))))] as const
      })
      return new Map(owners.filter(([, hosts]) => hosts.length > 0))
    },

    async desired(keys) {
      const found = await table.read(distinctKeys(keys.map(({ name }) => itemKey.name(name))))
      const asked = new Set(keys.map(rrText))
      return [...found.values()]
        .flatMap(rowsOf)
        .map((row) => decodeDesired(toRow(row)))
        .filter((row) => asked.has(rrText(row)))
        .sort(byName)
    },

    async desiredIn(zone, page) {
      const range = namesBelow(zone)
      if (page === undefined) return (await rowsBetween(zone, range)).rows
      const { after, limit } = page
      const found: DesiredRow[] = []
      let from = after === undefined ? range.from : itemKey.name(after.name).sk
      for (;;) {
        const { items, rows } = await rowsBetween(zone, { ...range, from }, limit + 1)
        const isLater = (row: DesiredRow) =>
          after === undefined || row.name !== after.name || row.type > after.type
        found.push(...rows.filter(isLater))
        const last = items.at(-1)
        if (found.length >= limit || items.length <= limit || last === undefined) break
        from = `${itemKey.name(decodeName(toRow(last))).sk}\0`
      }
      return found.slice(0, limit)
    },

    async pending(zone) {
      const { rows } = await rowsBetween(zone, namesBelow(zone))
      return rows.filter((row) => !row.isApplied)
    },

    report: (kid, seq) => one(itemKey.report(kid, seq), decodeReport),

    async unfinished(start, limit) {
      return (await table.unfinished(start, limit)).map((item) => decodeReport(toRow(item)))
    },

    takeLease: (zone, holder, nowMs, untilMs) =>
      table.put({
        key: itemKey.lease(zone),
        item: { holder, until_ms: untilMs },
        condition: {
          text: 'attribute_not_exists(#pk) OR #holder = :holder OR #until <= :now',
          names: { '#pk': 'pk', '#holder': 'holder', '#until': 'until_ms' },
          values: { ':holder': holder, ':now': nowMs },
        },
      }),

    async dropLease(zone, holder) {
      await table.put({
        key: itemKey.lease(zone),
        item: { holder, until_ms: 0 },
        condition: {
          text: '#holder = :holder',
          names: { '#holder': 'holder' },
          values: { ':holder': holder },
        },
      })
    },

    noteFlushed: writer.noteFlushed,

    passMemory: (zone) => one(itemKey.pass(zone), decodePassMemory),

    async keepPassMemory(zone, content) {
      await table.put({ key: itemKey.pass(zone), item: { content } })
    },

    close: () => table.close(),
  }
}

function rrText({ name, type }: RRKey): string {
  return `${name} ${type}`
}

function byName(a: DesiredRow, b: DesiredRow): number {
  return rrText(a) < rrText(b) ? -1 : 1
}
