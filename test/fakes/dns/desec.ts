import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest, withHeaders } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'
import { presentTxt, readTxt } from './presentation.ts'

interface DesecSet {
  readonly subname: string
  readonly type: string
  readonly ttl: number
  readonly records: readonly string[]
}

const TOKEN = 'desec-Token0123456789abcdefg'
const MINIMUM_TTL = 3600
const AT = '2026-01-31T12:00:00.000000Z'
const BASE = 'https://desec.io/api/v1'

/** https://desec.readthedocs.io/en/latest/dns/rrsets.html */
export async function createDesecFake(zoneName = 'example.test'): Promise<HostedFake> {
  const zone = parseName(zoneName)
  const sets = new Map<string, DesecSet>()
  let pageLimit = 500

  const fail = (status: number, detail: string): FakeAnswer => ({ status, body: { detail } })
  const keyOf = ({ subname, type }: Pick<DesecSet, 'subname' | 'type'>) => `${subname} ${type}`
  const shown = (set: DesecSet) => ({
    created: AT,
    domain: zone,
    ...set,
    name: `${set.subname}${set.subname === '' ? '' : '.'}${zone}.`,
    touched: AT,
  })
  const domain = { created: AT, published: AT, touched: AT, name: zone, minimum_ttl: MINIMUM_TTL }

  function faultOf(set: DesecSet): Record<string, readonly string[]> | undefined {
    if (set.subname === '@') return { subname: ['Enter a valid value.'] }
    if (set.records.length === 0) return undefined
    if (!(set.ttl >= MINIMUM_TTL)) {
      return { ttl: [`Ensure this value is greater than or equal to ${MINIMUM_TTL}.`] }
    }
    if (set.type === 'TXT' && set.records.some((one) => readTxt(one) === undefined)) {
      return { records: ['Record content of type TXT must be in quotes.'] }
    }
    return undefined
  }

  function put(set: DesecSet): void {
    if (set.records.length === 0) sets.delete(keyOf(set))
    else
      sets.set(keyOf(set), {
        subname: set.subname,
        type: set.type,
        ttl: set.ttl,
        records: set.records,
      })
  }

  function list({ query }: FakeRequest): FakeAnswer {
    const wanted = [...sets.values()].filter(
      (set) =>
        (query.get('subname') ?? set.subname) === set.subname &&
        (query.get('type') ?? set.type) === set.type,
    )
    const cursor = query.get('cursor')
    if (cursor === null) {
      return wanted.length > pageLimit
        ? fail(400, 'Pagination required.')
        : { status: 200, body: wanted.map(shown) }
    }
    const start = Number(cursor === '' ? 0 : cursor)
    const end = start + pageLimit
    const link = (at: number, rel: string) =>
      `<${BASE}/domains/${zone}/rrsets/?cursor=${at}>; rel="${rel}"`
    const links = [link(0, 'first'), ...(end < wanted.length ? [link(end, 'next')] : [])]
    return {
      status: 200,
      body: wanted.slice(start, end).map(shown),
      headers: { link: links.join(', ') },
    }
  }

  function patchMany({ body }: FakeRequest): FakeAnswer {
    const given = body as DesecSet[]
    const faults = given.map(faultOf)
    if (faults.some((fault) => fault !== undefined)) {
      return { status: 400, body: faults.map((fault) => fault ?? {}) }
    }
    for (const set of given) put(set)
    return { status: 200, body: given.filter(({ records }) => records.length > 0).map(shown) }
  }

  const inZone = (act: (request: FakeRequest) => FakeAnswer) => (request: FakeRequest) =>
    request.params[0] === zone ? act(request) : fail(404, 'No Domain matches the given query.')
  /** One client writes an empty segment at the end, and the service does not mind. */
  const paths = ['/domains/:zone/rrsets/', '/domains/:zone/rrsets//']
  const api = await createFakeApi({
    baseUrl: BASE,
    unknown: fail(404, 'Not found.'),
    refuse: ({ headers }) =>
      headers.authorization === `Token ${TOKEN}` ? undefined : fail(401, 'Invalid token.'),
    routes: [
      {
        ...{ method: 'GET', path: '/domains/', kind: 'read' },
        answer({ query }) {
          const name = query.get('owns_qname') ?? zone
          const owns = name === zone || name.endsWith(`.${zone}`)
          return { status: 200, body: owns ? [domain] : [] }
        },
      },
      {
        ...{ method: 'GET', path: '/domains/:zone/', kind: 'read' },
        answer: inZone(() => ({ status: 200, body: domain })),
      },
      ...paths.flatMap((path) => [
        { ...{ method: 'GET', path, kind: 'read' as const }, answer: inZone(list) },
        {
          ...{ method: 'POST', path, kind: 'write' as const },
          answer: inZone(({ body }) => {
            const set = body as DesecSet
            const fault = faultOf(set)
            if (fault !== undefined) return { status: 400, body: fault }
            put(set)
            return { status: 201, body: shown(set) }
          }),
        },
        { ...{ method: 'PATCH', path, kind: 'write' as const }, answer: inZone(patchMany) },
      ]),
      {
        ...{ method: 'PATCH', path: '/domains/:zone/rrsets/:subname/:type/', kind: 'write' },
        answer: inZone(({ params, body }) => {
          const [, subname = '', type = ''] = params
          const before = sets.get(`${subname} ${type}`)
          if (before === undefined) return fail(404, 'No RRset matches the given query.')
          const set = { ...before, ...(body as Partial<DesecSet>), subname, type }
          const fault = faultOf(set)
          if (fault !== undefined) return { status: 400, body: fault }
          put(set)
          return set.records.length === 0 ? { status: 204 } : { status: 200, body: shown(set) }
        }),
      },
    ],
  })
  put({ subname: '', type: 'NS', ttl: MINIMUM_TTL, records: ['ns1.desec.io.', 'ns2.desec.org.'] })
  put({ subname: 'mail', type: 'A', ttl: 7200, records: ['192.0.2.25'] })
  const bystanders = JSON.stringify([...sets])
  const subnameOf = (name: string) => (name === zone ? '' : name.slice(0, -zone.length - 1))

  return {
    api,
    zone,
    secrets: [TOKEN],
    authorise: withHeaders({ authorization: `Token ${TOKEN}` }),
    load(answer) {
      if (Array.isArray(answer)) for (const set of answer as DesecSet[]) put(set)
    },
    seed({ name, type, ttl, values }) {
      const records = values.map((value) => (type === 'TXT' ? presentTxt(value) : value))
      put({ subname: subnameOf(name), type, ttl, records })
    },
    look({ name, type }) {
      const set = sets.get(`${subnameOf(name)} ${type}`)
      if (set === undefined) return null
      const values = set.records.map((one) => (type === 'TXT' ? (readTxt(one) ?? one) : one))
      return { ttl: set.ttl, values: values.sort() }
    },
    errorAnswer: (status, text) => fail(status, text),
    pageSize(size) {
      pageLimit = size
    },
    bystander: () => JSON.stringify([...sets].slice(0, 2)) === bystanders,
  }
}

/** What cloud.yaml holds for it. */
export const desecSettings = { type: 'desec', token: TOKEN } as const
