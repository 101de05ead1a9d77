import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest, withHeaders } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'
import { presentTxt, readTxt } from './presentation.ts'

interface HetznerSet {
  readonly name: string
  readonly type: string
  readonly ttl: number | null
  readonly records: readonly { readonly value: string; readonly comment?: string }[]
}
type Body = Partial<HetznerSet>

interface Action {
  readonly id: number
  readonly command: string
  /** The RRset that it is about, which takes no other change meanwhile. */
  readonly key: string
  /** The request that began it. */
  readonly since: number
  polls: number
}

const TOKEN = 'hetzner-0123456789abcdefghijklmnopqrstuv'
const AT = '2026-01-31T12:00:00Z'
/** An action takes some seconds, which clients fill with so many polls, or with other requests. */
const POLLS = 2
const REQUESTS = 6

/** https://docs.hetzner.cloud/reference/cloud#zone-rrsets */
export async function createHetznerFake(zoneName = 'example.test'): Promise<HostedFake> {
  const zone = parseName(zoneName)
  const zoneId = 53_091
  const sets = new Map<string, HetznerSet>()
  const actions: Action[] = []
  let pageLimit = 100
  let requests = 0

  const fail = (status: number, code: string, message: string): FakeAnswer => ({
    status,
    body: { error: { code, message, details: null } },
  })
  const shown = ({ name, type, ttl, records }: HetznerSet) => ({
    ...{ id: `${name}/${type}`, name, type, ttl, labels: {}, protection: { change: false } },
    records: records.map(({ value, comment = '' }) => ({ value, comment })),
    zone: zoneId,
  })
  const isDone = ({ polls, since }: Action) => polls >= POLLS || requests - since > REQUESTS
  const shownAction = (action: Action) => ({
    id: action.id,
    status: isDone(action) ? 'success' : 'running',
    command: action.command,
    progress: isDone(action) ? 100 : (100 * action.polls) / POLLS,
    started: AT,
    finished: isDone(action) ? AT : null,
    error: null,
    resources: [{ id: zoneId, type: 'zone' }],
  })
  const shownZone = () => ({
    ...{ id: zoneId, name: zone, mode: 'primary', ttl: 86_400, labels: {}, created: AT },
    ...{ primary_nameservers: [], protection: { delete: false }, status: 'ok' },
    authoritative_nameservers: {
      assigned: ['hydrogen.ns.hetzner.com.'],
      delegated: ['hydrogen.ns.hetzner.com.'],
      delegation_last_check: AT,
      delegation_status: 'valid',
    },
    record_count: sets.size,
    registrar: 'hetzner',
  })

  function start(command: string, key: string, change: () => void): FakeAnswer {
    if (actions.some((one) => one.key === key && !isDone(one))) {
      return fail(423, 'locked', 'the RRset is locked by another action')
    }
    change()
    const action = {
      id: 604_989_101_982_372 + actions.length,
      command,
      key,
      since: requests,
      polls: 0,
    }
    actions.push(action)
    return { status: 201, body: { action: shownAction(action) } }
  }

  function faultOf({ type, ttl, records = [] }: HetznerSet): FakeAnswer | undefined {
    const isQuoted = type !== 'TXT' || records.every(({ value }) => readTxt(value) !== undefined)
    if (!isQuoted) return fail(422, 'invalid_input', 'invalid input in field records')
    if (ttl !== null && ttl < 60) return fail(422, 'invalid_input', 'invalid input in field ttl')
    return records.length === 0 ? fail(422, 'invalid_input', 'no records') : undefined
  }

  const inZone = (act: (request: FakeRequest) => FakeAnswer) => (request: FakeRequest) =>
    [String(zoneId), zone].includes(request.params[0] ?? '')
      ? act(request)
      : fail(404, 'not_found', 'Zone not found')
  const inSet = (
    act: (set: HetznerSet, key: string, body: Body) => FakeAnswer,
    isNewFine = false,
  ) =>
    inZone(({ params, body }) => {
      const [, name = '', type = ''] = params
      const key = `${name}/${type}`
      const found =
        sets.get(key) ?? (isNewFine ? { name, type, ttl: null, records: [] } : undefined)
      return found === undefined
        ? fail(404, 'not_found', 'RRSet not found')
        : act(found, key, (body ?? {}) as Body)
    })
  const changeTo = (command: string, next: (set: HetznerSet, body: Body) => HetznerSet) =>
    inSet((set, key, body) => {
      const changed = next(set, body)
      // Taking the last record away takes the RRset with it.
      if (command === 'remove_rrset_records' && changed.records.length === 0) {
        return start(command, key, () => sets.delete(key))
      }
      return faultOf(changed) ?? start(command, key, () => sets.set(key, changed))
    }, command === 'add_rrset_records')

  const path = '/zones/:zone/rrsets'
  const act = (name: string) => ({
    ...{ method: 'POST', path: `${path}/:name/:type/actions/${name}`, kind: 'write' as const },
  })
  const api = await createFakeApi({
    baseUrl: 'https://api.hetzner.cloud/v1',
    unknown: fail(404, 'not_found', 'not found'),
    refuse({ headers }) {
      requests += 1
      return headers.authorization === `Bearer ${TOKEN}`
        ? undefined
        : fail(401, 'unauthorized', 'the token is not valid')
    },
    routes: [
      {
        ...{ method: 'GET', path: '/zones/actions/:id', kind: 'read' },
        answer({ params }) {
          const action = actions.find(({ id }) => String(id) === params[0])
          if (action === undefined) return fail(404, 'not_found', 'action not found')
          const answer = { status: 200, body: { action: shownAction(action) } }
          action.polls += 1
          return answer
        },
      },
      {
        ...{ method: 'GET', path: '/zones/:zone', kind: 'read' },
        answer: inZone(() => ({ status: 200, body: { zone: shownZone() } })),
      },
      {
        ...{ method: 'GET', path, kind: 'read' },
        answer: inZone(({ query }) => {
          const wanted = [...sets.values()].filter(
            ({ name, type }) =>
              (query.get('name') ?? name) === name && (query.get('type') ?? type) === type,
          )
          const page = Number(query.get('page') ?? 1)
          const perPage = Math.min(Number(query.get('per_page') ?? 25), pageLimit)
          const last = Math.max(Math.ceil(wanted.length / perPage), 1)
          const pagination = {
            ...{ last_page: last, next_page: page < last ? page + 1 : null, page },
            ...{ per_page: perPage, previous_page: page > 1 ? page - 1 : null },
            total_entries: wanted.length,
          }
          const rrsets = wanted.slice((page - 1) * perPage, page * perPage).map(shown)
          return { status: 200, body: { meta: { pagination }, rrsets } }
        }),
      },
      {
        ...{ method: 'POST', path, kind: 'write' },
        answer: inZone(({ body }) => {
          const { name = '', type = '', ttl = null, records = [] } = body as Body
          const [set, key] = [{ name, type, ttl, records }, `${name}/${type}`]
          if (sets.has(key)) return fail(409, 'uniqueness_error', 'the RRset exists')
          return faultOf(set) ?? start('create_rrset', key, () => sets.set(key, set))
        }),
      },
      {
        ...act('add_records'),
        answer: changeTo('add_rrset_records', (set, { records = [], ttl }) => ({
          ...set,
          ttl: ttl ?? set.ttl,
          records: [...set.records, ...records],
        })),
      },
      {
        ...act('remove_records'),
        answer: changeTo('remove_rrset_records', (set, { records = [] }) => ({
          ...set,
          records: set.records.filter(({ value }) => records.every((one) => one.value !== value)),
        })),
      },
      {
        ...act('set_records'),
        answer: changeTo('set_rrset_records', (set, { records = [] }) => ({ ...set, records })),
      },
      {
        ...act('change_ttl'),
        answer: changeTo('change_rrset_ttl', (set, { ttl = null }) => ({ ...set, ttl })),
      },
      {
        ...{ method: 'DELETE', path: `${path}/:name/:type`, kind: 'write' },
        answer: inSet((_, key) => start('delete_rrset', key, () => sets.delete(key))),
      },
    ],
  })
  sets.set('@/NS', { name: '@', type: 'NS', ttl: null, records: [{ value: 'a.ns.test.' }] })
  const mail = {
    name: 'mail',
    type: 'A',
    ttl: 300,
    records: [{ value: '192.0.2.25', comment: 'x' }],
  }
  sets.set('mail/A', mail)
  const bystanders = JSON.stringify([...sets])
  const nameOf = (name: string) => (name === zone ? '@' : name.slice(0, -zone.length - 1))

  return {
    api,
    zone,
    secrets: [TOKEN],
    authorise: withHeaders({ authorization: `Bearer ${TOKEN}` }),
    load(answer) {
      const { rrsets = [] } = answer as { rrsets?: HetznerSet[] }
      for (const { name, type, ttl, records } of rrsets) {
        sets.set(`${name}/${type}`, { name, type, ttl, records })
      }
    },
    seed({ name, type, ttl, values }) {
      const records = values.map((value) => ({ value: type === 'TXT' ? presentTxt(value) : value }))
      sets.set(`${nameOf(name)}/${type}`, { name: nameOf(name), type, ttl, records })
    },
    look({ name, type }) {
      const set = sets.get(`${nameOf(name)}/${type}`)
      if (set === undefined) return null
      const values = set.records.map(({ value }) =>
        type === 'TXT' ? (readTxt(value) ?? value) : value,
      )
      return { ttl: set.ttl ?? 86_400, values: values.sort() }
    },
    errorAnswer: (status, text) => fail(status, 'some_code', text),
    pageSize(size) {
      pageLimit = size
    },
    bystander: () => JSON.stringify([...sets].slice(0, 2)) === bystanders,
  }
}

/** What cloud.yaml holds for it. */
export const hetznerSettings = { type: 'hetzner', token: TOKEN } as const
