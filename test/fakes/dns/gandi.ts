import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest, withHeaders } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'
import { presentTxt, readTxt } from './presentation.ts'

interface GandiSet {
  readonly rrset_name: string
  readonly rrset_type: string
  readonly rrset_ttl: number
  readonly rrset_values: readonly string[]
}

const TOKEN = 'gandi-pat_0123456789abcdefghijklmnopqrs'
const BASE = 'https://api.gandi.net/v5/livedns'

/** https://api.gandi.net/docs/livedns/ */
export async function createGandiFake(zoneName = 'example.test'): Promise<HostedFake> {
  const zone = parseName(zoneName)
  const sets = new Map<string, GandiSet>()

  const fail = (code: number, message: string, object = 'HTTPNotFound'): FakeAnswer => ({
    status: code,
    body: { code, message, object, cause: 'Not Found' },
  })
  const missing = fail(404, 'The resource could not be found.')
  const shown = (set: GandiSet) => {
    const name = encodeURIComponent(set.rrset_name)
    return { ...set, rrset_href: `${BASE}/domains/${zone}/records/${name}/${set.rrset_type}` }
  }

  function put({ params, body }: FakeRequest): FakeAnswer {
    const [, name = '', type = ''] = params
    const { rrset_ttl: ttl = 10_800, rrset_values: values = [] } = body as Partial<GandiSet>
    if (ttl < 300 || values.length === 0)
      return fail(400, 'rrset_ttl: 300 to 2592000', 'HTTPBadRequest')
    // What comes without quotes is quoted on the way in.
    const stored = values.map((one) =>
      type !== 'TXT' || readTxt(one) !== undefined ? one : presentTxt(one),
    )
    const set = { rrset_name: name, rrset_type: type, rrset_ttl: ttl, rrset_values: stored }
    sets.set(`${name}/${type}`, set)
    return {
      status: 201,
      body: { message: 'DNS Record Created' },
      headers: { location: shown(set).rrset_href },
    }
  }

  const inZone = (act: (request: FakeRequest) => FakeAnswer) => (request: FakeRequest) =>
    request.params[0] === zone ? act(request) : missing
  const inSet = (act: (set: GandiSet, key: string) => FakeAnswer) =>
    inZone(({ params }) => {
      const key = `${params[1]}/${params[2]}`
      const set = sets.get(key)
      const message = `Can't find the DNS record ${key} in the zone`
      return set === undefined ? fail(404, message, 'dns-record') : act(set, key)
    })
  const path = '/domains/:zone/records'
  const api = await createFakeApi({
    baseUrl: BASE,
    unknown: missing,
    refuse: ({ headers }) =>
      headers.authorization === `Bearer ${TOKEN}`
        ? undefined
        : fail(401, 'The server could not verify you.', 'HTTPUnauthorized'),
    routes: [
      {
        ...{ method: 'GET', path: '/domains/:zone', kind: 'read' },
        answer: inZone(() => ({
          status: 200,
          body: {
            fqdn: zone,
            automatic_snapshots: true,
            domain_href: `${BASE}/domains/${zone}`,
            domain_keys_href: `${BASE}/domains/${zone}/keys`,
            domain_records_href: `${BASE}/domains/${zone}/records`,
          },
        })),
      },
      {
        ...{ method: 'GET', path, kind: 'read' },
        answer: inZone(() => ({ status: 200, body: [...sets.values()].map(shown) })),
      },
      {
        ...{ method: 'GET', path: `${path}/:name/:type`, kind: 'read' },
        answer: inSet((set) => ({ status: 200, body: shown(set) })),
      },
      {
        ...{ method: 'POST', path: `${path}/:name/:type`, kind: 'write' },
        answer: inZone((request) =>
          sets.has(`${request.params[1]}/${request.params[2]}`)
            ? fail(409, 'A DNS record already exists', 'dns-record')
            : put(request),
        ),
      },
      { ...{ method: 'PUT', path: `${path}/:name/:type`, kind: 'write' }, answer: inZone(put) },
      {
        ...{ method: 'DELETE', path: `${path}/:name/:type`, kind: 'write' },
        answer: inSet((_, key) => {
          sets.delete(key)
          return { status: 204 }
        }),
      },
    ],
  })
  const store = (name: string, type: string, ttl: number, values: readonly string[]) =>
    sets.set(`${name}/${type}`, {
      ...{ rrset_name: name, rrset_type: type, rrset_ttl: ttl, rrset_values: values },
    })
  store('@', 'NS', 10_800, ['ns1.gandi.net.'])
  store('mail', 'A', 600, ['192.0.2.25'])
  const bystanders = JSON.stringify([...sets])
  const nameOf = (name: string) => (name === zone ? '@' : name.slice(0, -zone.length - 1))

  return {
    api,
    zone,
    secrets: [TOKEN],
    authorise: withHeaders({ authorization: `Bearer ${TOKEN}` }),
    load(answer) {
      for (const { rrset_name, rrset_type, rrset_ttl, rrset_values } of [
        answer,
      ].flat() as GandiSet[]) {
        if (rrset_name !== undefined) store(rrset_name, rrset_type, rrset_ttl, rrset_values)
      }
    },
    seed({ name, type, ttl, values }) {
      store(
        nameOf(name),
        type,
        ttl,
        values.map((one) => (type === 'TXT' ? presentTxt(one) : one)),
      )
    },
    look({ name, type }) {
      const set = sets.get(`${nameOf(name)}/${type}`)
      if (set === undefined) return null
      const values = set.rrset_values.map((one) => (type === 'TXT' ? (readTxt(one) ?? one) : one))
      return { ttl: set.rrset_ttl, values: values.sort() }
    },
    errorAnswer: (status, text) => fail(status, text, 'some-object'),
    bystander: () => JSON.stringify([...sets].slice(0, 2)) === bystanders,
  }
}

/** What cloud.yaml holds for it. */
export const gandiSettings = { type: 'gandi', token: TOKEN } as const
