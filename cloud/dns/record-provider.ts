import { type Fqdn, keyOf, type RRKey, type RRType } from '../../shared/rrset.ts'
import type { Capabilities, DnsProvider, Zone } from '../domain/dns-provider.ts'
import {
  createHostedProvider,
  describeEdits,
  type HeldEdit,
  type HeldSet,
  type HostedDependencies,
} from './hosted-provider.ts'
import type { ApiRequest } from './http/api-client.ts'
import { listFor } from './page-or-ask.ts'
import { parseContent, parseKey, type RecordForm, renderContent } from './record-content.ts'
import { planRecords } from './record-diff.ts'
import { sendInOrder } from './send-in-order.ts'

/** A record as the API lists it. `attributes` is whatever the writes need besides. */
export interface ListedRecord<A> {
  readonly id: string
  readonly name: string
  readonly type: string
  /** Seconds; undefined where the service decides by itself. */
  readonly ttl: number | undefined
  readonly content: string
  readonly attributes: A
}

/** What a record shall hold, spelt as the API wants it. */
export interface RecordFields {
  readonly name: string
  readonly type: RRType
  readonly ttl: number
  readonly content: string
}

/** A record that is created; `beside` is one of the same RRset, whose attributes it may share. */
export interface NewRecord<A> {
  readonly fields: RecordFields
  readonly beside: ListedRecord<A> | undefined
}

/** A record that stays under its id. */
export interface ChangedRecord<A> {
  readonly record: ListedRecord<A>
  readonly fields: RecordFields
  /** Whether its RRset has no other record, and shall have none. */
  readonly isOnly: boolean
}

/** A request without the words for its object, which the adapter knows. */
export type RecordRequest = Omit<ApiRequest, 'what' | 'zone'>

/** The writes of an API: one record a request, or many that take effect together. */
export type RecordWrites<A> =
  | {
      readonly kind: 'each'
      create(zone: Zone, record: NewRecord<A>): RecordRequest
      /** Undefined where the API cannot: then another record takes the place of this one. */
      update(zone: Zone, record: ChangedRecord<A>): RecordRequest | undefined
      remove(zone: Zone, record: ListedRecord<A>): RecordRequest
    }
  | {
      readonly kind: 'batch'
      /** Most records in one request. */
      readonly max: number
      batch(
        zone: Zone,
        creates: readonly NewRecord<A>[],
        updates: readonly ChangedRecord<A>[],
        deletes: readonly ListedRecord<A>[],
      ): RecordRequest
    }

/** An API that gives each value of an RRset an id of its own. */
export type RecordApi<A> = RecordService<A> & (PagedListing<A> | KeyedListing<A>)

interface RecordService<A> {
  readonly caps: Capabilities
  readonly form: RecordForm
  /** The zone of exactly this name; undefined when the account has none. */
  zone(name: Fqdn): Promise<Zone | undefined>
  readonly writes: RecordWrites<A>
  /** Whether the record is served with addresses of the service. */
  isProxied?(record: ListedRecord<A>): boolean
  /** What makes the writes of a zone public, where they are not at once. */
  publish?(zone: Zone): RecordRequest
}

interface PagedListing<A> {
  /** The whole zone, page by page. */
  list(zone: Zone): AsyncIterable<readonly ListedRecord<A>[]>
  /** The records of one name, as the API spells it, and type, where it can filter. */
  listOne?(zone: Zone, name: string, type: RRType): Promise<readonly ListedRecord<A>[]>
}

interface KeyedListing<A> {
  /** Records of the zone, those of the keys among them; names as the API spells them. */
  listKeys(
    zone: Zone,
    keys: readonly { readonly name: string; readonly type: RRType }[],
  ): Promise<readonly ListedRecord<A>[]>
}

interface FoundRecord<A> {
  readonly value: string
  readonly ttl: number | undefined
  readonly listed: ListedRecord<A>
}
type Found<A> = readonly FoundRecord<A>[]

/** Builds a provider from an API with record ids; RRsets are put together and taken apart here. */
export function createRecordProvider<A>(
  id: string,
  api: RecordApi<A>,
  dependencies: HostedDependencies,
): DnsProvider {
  const { caps, form, writes, publish } = api
  const spelt = (zone: Zone, { name, type }: RRKey) => ({
    name: form.names.render(name, zone.name),
    type,
  })

  async function list(zone: Zone, keys: readonly RRKey[]): Promise<readonly ListedRecord<A>[]> {
    if ('listKeys' in api) {
      return api.listKeys(
        zone,
        keys.map((key) => spelt(zone, key)),
      )
    }
    const { listOne } = api
    const asked = listOne && {
      listOne: (_: Zone, key: RRKey) => listOne(zone, spelt(zone, key).name, key.type),
    }
    return listFor({ list: api.list, ...asked }, zone, keys)
  }

  function plan(zone: Zone, { change, after, detail = [] }: HeldEdit<Found<A>>) {
    const fieldsOf = (value: string): RecordFields => ({
      name: form.names.render(change.name, zone.name),
      type: change.type,
      ttl: after?.ttl ?? 0,
      content: renderContent(form, change.type, value),
    })
    const { creates, updates, deletes } = planRecords(detail, after)
    return {
      creates: creates.map(({ value }) => ({
        fields: fieldsOf(value),
        beside: detail[0]?.listed,
      })),
      updates: updates.map(({ record, value }) => ({
        record: record.listed,
        fields: fieldsOf(value),
        isOnly: detail.length === 1 && after?.values.length === 1,
      })),
      deletes: deletes.map(({ listed }) => listed),
    }
  }

  return createHostedProvider<Found<A>>(
    id,
    {
      caps,
      zone: api.zone,
      held: async (zone, keys) => gather(api, zone, await list(zone, keys)),
      pack: (edits) => (writes.kind === 'each' ? edits.map((edit) => [edit]) : pack(edits, writes)),
      async write(zone, edits, send) {
        const what = describeEdits(zone, edits)
        const plans = edits.map((edit) => plan(zone, edit))
        const creates = plans.flatMap((one) => one.creates)
        const updates = plans.flatMap((one) => one.updates)
        const deletes = plans.flatMap((one) => one.deletes)
        if (writes.kind === 'batch') {
          await send({ ...writes.batch(zone, creates, updates, deletes), what })
          return
        }
        const changes = updates.map((one) => ({ ...one, request: writes.update(zone, one) }))
        const replaced = changes.filter(({ request }) => request === undefined)
        const requests = [
          ...creates.map((one) => writes.create(zone, one)),
          ...replaced.map(({ fields, record }) => writes.create(zone, { fields, beside: record })),
          ...changes.flatMap(({ request }) => request ?? []),
          ...[...replaced.map(({ record }) => record), ...deletes].map((one) =>
            writes.remove(zone, one),
          ),
        ]
        await sendInOrder(
          requests.map((request) => ({ ...request, what })),
          send,
        )
      },
      ...(publish === undefined
        ? {}
        : { publish: (zone) => ({ ...publish(zone), what: `records of ${zone.name}` }) }),
    },
    dependencies,
  )
}

function gather<A>(
  { caps: { types }, form, isProxied = () => false }: RecordService<A>,
  zone: Zone,
  records: readonly ListedRecord<A>[],
): HeldSet<Found<A>>[] {
  const sets = new Map<string, { readonly key: RRKey; readonly found: FoundRecord<A>[] }>()
  for (const listed of records) {
    const key = parseKey(form, types, listed, zone.name)
    if (key === undefined) continue
    const set = sets.get(keyOf(key)) ?? { key, found: [] }
    sets.set(keyOf(key), set)
    set.found.push({ value: parseContent(form, key.type, listed.content), ttl: listed.ttl, listed })
  }
  return [...sets.values()].map(({ key, found }) => ({
    key,
    ttls: [...new Set(found.flatMap(({ ttl }) => ttl ?? []))],
    values: [...new Set(found.map(({ value }) => value))].sort(),
    isProxied: found.some(({ listed }) => isProxied(listed)),
    detail: found,
  }))
}

/** Groups whose records fit into one request; the records of one RRset are never parted. */
function pack<A>(
  edits: readonly HeldEdit<Found<A>>[],
  { max }: { readonly max: number },
): HeldEdit<Found<A>>[][] {
  const groups: HeldEdit<Found<A>>[][] = []
  let room = 0
  for (const edit of edits) {
    const { creates, updates, deletes } = planRecords(edit.detail ?? [], edit.after)
    const size = creates.length + updates.length + deletes.length
    const group = groups.at(-1)
    if (group === undefined || size > room) {
      groups.push([edit])
      room = max - size
    } else {
      group.push(edit)
      room -= size
    }
  }
  return groups
}
