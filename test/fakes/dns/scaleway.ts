import { randomUUID } from 'node:crypto'
import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest, withHeaders } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'
import { presentTxt, readTxt } from './presentation.ts'

interface ScalewayRecord {
  readonly id: string
  readonly data: string
  readonly name: string
  readonly priority: number
  readonly ttl: number
  readonly type: string
  readonly comment: string | null
  readonly geo_ip_config?: object
}
type Given = Partial<ScalewayRecord>
interface Change {
  readonly add?: { readonly records: readonly Given[] }
  readonly set?: { readonly id: string; readonly records: readonly Given[] }
  readonly delete?: { readonly id: string }
}

const TOKEN = '5ca1e0a4-0123-4567-89ab-cdef01234567'
const GEO = { matches: [{ countries: ['FR'], continents: [], data: '192.0.2.99' }], default: '' }

/** https://www.scaleway.com/en/developers/api/domains-and-dns/ */
export async function createScalewayFake(zoneName = 'example.test'): Promise<HostedFake> {
  const zone = parseName(zoneName)
  let records: ScalewayRecord[] = []
  let pageLimit = 100

  const fail = (status: number, type: string, message: string): FakeAnswer => ({
    status,
    body: { message, type },
  })

  /** Whatever does not end with a dot is below the zone, however it is meant. */
  function nameOf(name: string): string | undefined {
    if (!name.endsWith('.')) return name
    if (name === `${zone}.`) return ''
    return name.endsWith(`.${zone}.`) ? name.slice(0, -zone.length - 2) : undefined
  }

  function made(given: Given, id: string): ScalewayRecord | FakeAnswer {
    const { type = '', data = '', ttl = 3600, priority = 0, comment = null, geo_ip_config } = given
    const name = nameOf(given.name ?? '')
    if (name === undefined) return fail(400, 'invalid_arguments', 'name is not in the zone')
    if (ttl < 60) return fail(400, 'invalid_arguments', 'ttl must be at least 60')
    const isBare = type === 'TXT' && readTxt(data) === undefined
    const record = {
      ...{ id, data: isBare ? `"${data}"` : data, name, priority, ttl, type, comment },
      ...(geo_ip_config === undefined ? {} : { geo_ip_config }),
    }
    const isTwice = records.some(
      (one) => one.id !== id && one.name === name && one.type === type && one.data === record.data,
    )
    return isTwice ? fail(400, 'invalid_arguments', 'record already exists') : record
  }

  function isFault(thing: ScalewayRecord | FakeAnswer): thing is FakeAnswer {
    return 'status' in thing
  }

  /** One version of the zone, or none. */
  function patch({ body }: FakeRequest): FakeAnswer {
    const { changes } = body as { readonly changes: readonly Change[] }
    const before = records
    const changed: ScalewayRecord[] = []
    const put = (given: Given, id: string) => {
      const record = made(given, id)
      if (isFault(record)) return record
      records = [...records.filter((one) => one.id !== id), record]
      changed.push(record)
      return undefined
    }
    for (const change of changes) {
      let fault: FakeAnswer | undefined
      for (const one of change.add?.records ?? []) fault ??= put(one, randomUUID())
      const id = change.set?.id ?? change.delete?.id
      if (id !== undefined && !records.some((one) => one.id === id)) {
        fault = fail(404, 'not_found', 'record not found')
      }
      for (const one of change.set?.records ?? []) fault ??= put(one, change.set?.id ?? '')
      if (change.delete !== undefined) records = records.filter((one) => one.id !== id)
      if (fault === undefined) continue
      records = before
      return fault
    }
    return { status: 200, body: { records: changed } }
  }

  function list({ query }: FakeRequest): FakeAnswer {
    const page = Number(query.get('page') ?? 1)
    const size = Math.min(Number(query.get('page_size') ?? 20), pageLimit)
    const rows = records.slice((page - 1) * size, page * size)
    return { status: 200, body: { total_count: records.length, records: rows } }
  }

  const inZone = (act: (request: FakeRequest) => FakeAnswer) => (request: FakeRequest) =>
    request.params[0] === zone ? act(request) : fail(403, '', 'domain not found')
  const path = '/dns-zones/:zone/records'
  const api = await createFakeApi({
    baseUrl: 'https://api.scaleway.com/domain/v2beta1',
    unknown: fail(404, 'not_found', 'not found'),
    refuse: ({ headers }) =>
      headers['x-auth-token'] === TOKEN
        ? undefined
        : fail(401, 'denied_authentication', 'authentication is denied'),
    routes: [
      {
        ...{ method: 'GET', path: '/dns-zones', kind: 'read' },
        answer({ query }) {
          const found = [
            { domain: zone, subdomain: '', ns: ['ns0.dom.scw.cloud'], status: 'active' },
          ]
          const shown = found.filter(({ domain }) => (query.get('dns_zone') ?? domain) === domain)
          return { status: 200, body: { total_count: shown.length, dns_zones: shown } }
        },
      },
      { ...{ method: 'GET', path, kind: 'read' }, answer: inZone(list) },
      { ...{ method: 'PATCH', path, kind: 'write' }, answer: inZone(patch) },
    ],
  })
  const kept = { data: 'ns0.dom.scw.cloud.', name: '', priority: 0, ttl: 1800, comment: null }
  records.push({ ...kept, id: randomUUID(), type: 'NS' })
  const geo = { ...kept, name: 'geo', data: '192.0.2.80', type: 'A', comment: 'x' }
  records.push({ ...geo, id: randomUUID(), geo_ip_config: GEO })
  const bystanders = JSON.stringify(records)
  const relative = (name: string) => (name === zone ? '' : name.slice(0, -zone.length - 1))

  return {
    api,
    zone,
    secrets: [TOKEN],
    authorise: withHeaders({ 'x-auth-token': TOKEN }),
    load(answer) {
      // What the recorded zone holds is all there is: the number of records is part of the answer.
      records = records.filter((one) => !bystanders.includes(one.id))
      const { records: given = [] } = answer as { records?: ScalewayRecord[] }
      records.push(...given.filter(({ id }) => !records.some((one) => one.id === id)))
    },
    seed({ name, type, ttl, values }) {
      records = records.filter((one) => one.name !== relative(name) || one.type !== type)
      for (const value of values) {
        const data = type === 'TXT' ? presentTxt(value) : value
        const own = { name: relative(name), type, ttl, data }
        records.push({ id: randomUUID(), priority: 0, comment: null, ...own })
      }
    },
    look({ name, type }) {
      const found = records.filter((one) => one.name === relative(name) && one.type === type)
      const [first] = found
      if (first === undefined) return null
      const values = found.map(({ data }) => (type === 'TXT' ? (readTxt(data) ?? data) : data))
      return { ttl: first.ttl, values: values.sort() }
    },
    errorAnswer: (status, text) => fail(status, 'unknown', text),
    pageSize(size) {
      pageLimit = size
    },
    bystander: () =>
      JSON.stringify(records.filter((one) => bystanders.includes(one.id))) === bystanders,
  }
}

/** What cloud.yaml holds for it. */
export const scalewaySettings = { type: 'scaleway', token: TOKEN } as const
