import type { Fqdn, RRKey, RRType } from '../../shared/rrset.ts'
import {
  type Capabilities,
  type DnsProvider,
  ProviderError,
  type WriteReceipt,
  type Zone,
} from '../domain/dns-provider.ts'
import {
  createHostedProvider,
  describeEdits,
  type HeldEdit,
  type HeldSet,
  type HostedDependencies,
} from './hosted-provider.ts'
import { listFor } from './page-or-ask.ts'
import { parseContent, parseKey, type RecordForm, renderContent } from './record-content.ts'
import type { RecordRequest } from './record-provider.ts'
import { sendInOrder } from './send-in-order.ts'

/** An RRset as the API lists it. `attributes` is whatever the writes need besides. */
export interface ListedSet<A> {
  readonly name: string
  readonly type: string
  /** Seconds; undefined where the service decides by itself. */
  readonly ttl: number | undefined
  /** Those of its records, where each has a TTL of its own. */
  readonly ttls?: readonly number[]
  /** What is served; none where the set only holds what is switched off. */
  readonly contents: readonly string[]
  readonly attributes: A
}

/** What an RRset shall hold, spelt as the API wants it. Without contents it shall not exist. */
export interface SetFields<A> {
  readonly name: string
  readonly type: RRType
  readonly ttl: number
  readonly contents: readonly string[]
  /** What is there now, if anything. */
  readonly listed: ListedSet<A> | undefined
  readonly hasNewTtl: boolean
  readonly hasNewContents: boolean
}

/** The writes of an API: one RRset with one or a few requests, or many that take effect together. */
export type SetWrites<A> =
  | { readonly kind: 'each'; write(zone: Zone, set: SetFields<A>): readonly RecordRequest[] }
  | {
      readonly kind: 'batch'
      /** Most RRsets in one request. */
      readonly max: number
      batch(zone: Zone, sets: readonly SetFields<A>[]): RecordRequest
      /** Where a batch cannot make an RRset go away: the requests that do. */
      remove?(zone: Zone, set: SetFields<A>): readonly RecordRequest[]
    }

/** How a service that answers before it has acted says how far it is. */
export interface Publication {
  /** What an answer to a write calls its job; undefined when there is none to wait for. */
  job(zone: Zone, answer: unknown): string | undefined
  state(job: string): Promise<'live' | 'pending' | 'failed'>
}

/** An API that reads and writes whole RRsets. */
export interface SetApi<A> {
  readonly caps: Capabilities
  readonly form: RecordForm
  /** The zone of exactly this name; undefined when the account has none. */
  zone(name: Fqdn): Promise<Zone | undefined>
  /** The whole zone, page by page. */
  list(zone: Zone): AsyncIterable<readonly ListedSet<A>[]>
  /** The RRset of one name, as the API spells it, and type, where it can be asked for. */
  listOne?(zone: Zone, name: string, type: RRType): Promise<readonly ListedSet<A>[]>
  readonly writes: SetWrites<A>
  readonly publication?: Publication
}

const POLL_MS = 1000
/** Services say 2 to 20 s. */
const MAX_POLLS = 30

/** Builds a provider from an API with whole RRsets. */
export function createSetProvider<A>(
  id: string,
  api: SetApi<A>,
  dependencies: HostedDependencies,
): DnsProvider {
  const { caps, form, listOne, publication, writes } = api
  const ways = {
    list: api.list,
    ...(listOne === undefined
      ? {}
      : {
          listOne: (zone: Zone, { name, type }: RRKey) =>
            listOne(zone, form.names.render(name, zone.name), type),
        }),
  }

  function fieldsOf(zone: Zone, edit: HeldEdit<ListedSet<A>>): SetFields<A> {
    const { change, before, after, detail } = edit
    return {
      name: form.names.render(change.name, zone.name),
      type: change.type,
      ttl: after?.ttl ?? before?.ttl ?? caps.ttl.min,
      contents: (after?.values ?? []).map((value) => renderContent(form, change.type, value)),
      listed: detail,
      hasNewTtl: edit.isRetimed,
      hasNewContents: edit.adds.length > 0 || edit.removes.length > 0,
    }
  }

  /** Some services take the next change of an RRset only when the last one is carried out. */
  async function waitFor(zone: Zone, answer: unknown): Promise<void> {
    const job = publication?.job(zone, answer)
    if (job === undefined || publication === undefined) return
    for (let poll = 0; poll < MAX_POLLS; poll += 1) {
      const state = await publication.state(job)
      if (state === 'live') return
      if (state === 'failed') break
      await dependencies.sleep(POLL_MS)
    }
    throw new ProviderError('conflict', 'the service has not carried out a change it had accepted')
  }

  return createHostedProvider<ListedSet<A>>(
    id,
    {
      caps,
      zone: api.zone,
      async held(zone, keys) {
        const listed = await listFor(ways, zone, keys)
        return listed.flatMap((set) => heldSet(form, caps, zone, set) ?? [])
      },
      pack: (edits) => pack(edits, writes),
      async write(zone, edits, send) {
        const what = describeEdits(zone, edits)
        const sets = edits.map((edit) => fieldsOf(zone, edit))
        const requests =
          writes.kind === 'batch'
            ? requestsFor(zone, sets, writes)
            : sets.flatMap((set) => writes.write(zone, set))
        await sendInOrder(
          requests.map((request) => ({ ...request, what })),
          send,
          (answer) => waitFor(zone, answer),
        )
      },
      ...(publication === undefined
        ? {}
        : { receiptOf: publication.job, settled: (receipt) => stateOfAll(receipt, publication) }),
    },
    dependencies,
  )
}

/** Sets that need requests of their own to go away are alone in their groups. */
function pack<A, E extends HeldEdit<ListedSet<A>>>(
  edits: readonly E[],
  writes: SetWrites<A>,
): readonly (readonly E[])[] {
  if (writes.kind === 'each') return groupsOf(edits, 1)
  if (writes.remove === undefined) return groupsOf(edits, writes.max)
  const kept = edits.filter(({ after }) => after !== null)
  const gone = edits.filter(({ after }) => after === null)
  return [...groupsOf(kept, writes.max), ...groupsOf(gone, 1)]
}

function requestsFor<A>(
  zone: Zone,
  sets: readonly SetFields<A>[],
  { batch, remove }: SetWrites<A> & { readonly kind: 'batch' },
): readonly RecordRequest[] {
  const isGoing = remove !== undefined && sets.every(({ contents }) => contents.length === 0)
  return isGoing ? sets.flatMap((set) => remove(zone, set)) : [batch(zone, sets)]
}

function heldSet<A>(
  form: RecordForm,
  { types }: Capabilities,
  zone: Zone,
  listed: ListedSet<A>,
): HeldSet<ListedSet<A>> | undefined {
  const key = parseKey(form, types, listed, zone.name)
  if (key === undefined) return undefined
  const values = listed.contents.map((content) => parseContent(form, key.type, content))
  return {
    key,
    ttls: [...new Set(listed.ttls ?? (listed.ttl === undefined ? [] : [listed.ttl]))],
    values: [...new Set(values)].sort(),
    detail: listed,
  }
}

async function stateOfAll(
  { id }: WriteReceipt,
  { state }: Publication,
): Promise<'live' | 'pending' | 'failed'> {
  const jobs = id.split(' ')
  for (const job of jobs) {
    const one = await state(job)
    if (one !== 'live') return one
  }
  return 'live'
}

function groupsOf<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size)
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size))
}
