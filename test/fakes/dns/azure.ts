import { randomUUID } from 'node:crypto'
import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest, withHeaders } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'

type Properties = Readonly<Record<string, unknown>> & { readonly TTL: number }
interface AzureSet {
  readonly name: string
  readonly type: string
  readonly etag: string
  readonly properties: Properties
}

const TENANT = '11111111-2222-3333-4444-555555555555'
const CLIENT = '66666666-7777-8888-9999-000000000000'
const SECRET = 'abC8Q~client-secret.0123456789_xyz'
const TOKEN = 'eyJ0eXAiOiJKV1Qi.0123456789-access.token_of_azure'
const SCOPE = '/subscriptions/SUBSCRIPTION_ID/resourceGroups/dns-test'
const NETWORK = `https://management.azure.com${SCOPE}/providers/Microsoft.Network`
const LISTS = { A: 'ARecords', AAAA: 'AAAARecords', TXT: 'TXTRecords' } as const
const FIELDS = { A: 'ipv4Address', AAAA: 'ipv6Address', TXT: 'value' } as const

/** https://learn.microsoft.com/rest/api/dns/record-sets */
export async function createAzureFake(zoneName = 'example.test'): Promise<HostedFake> {
  const zone = parseName(zoneName)
  const sets = new Map<string, AzureSet>()
  const seeded = new Set<string>()
  let pageLimit = 100

  const fail = (status: number, code: string, message: string): FakeAnswer => ({
    status,
    body: { error: { code, message } },
  })
  const id = (rest: string) => `${SCOPE}/providers/Microsoft.Network/dnszones/${zone}${rest}`
  const shown = ({ name, type, etag, properties }: AzureSet) => ({
    ...{ id: id(`/${type}/${name}`), name, type: `Microsoft.Network/dnszones/${type}`, etag },
    properties: {
      fqdn: name === '@' ? `${zone}.` : `${name}.${zone}.`,
      ...properties,
      ...{ targetResource: {}, provisioningState: 'Succeeded' },
    },
  })
  const shownZone = () => ({
    ...{ id: id(''), name: zone, type: 'Microsoft.Network/dnszones', etag: randomUUID() },
    ...{ location: 'global', tags: {} },
    properties: {
      ...{ maxNumberOfRecordSets: 10_000, maxNumberOfRecordsPerRecordSet: null },
      ...{ nameServers: ['ns1-05.azure-dns.com.'], numberOfRecordSets: sets.size },
      zoneType: 'Public',
    },
  })

  function grantToken({ body, params }: FakeRequest): FakeAnswer {
    const given = body as Record<string, string>
    const isFine =
      params[0] === TENANT &&
      given.grant_type === 'client_credentials' &&
      given.client_id === CLIENT &&
      given.client_secret === SECRET &&
      given.scope === 'https://management.azure.com/.default'
    if (isFine) {
      return { status: 200, body: { token_type: 'Bearer', expires_in: 3599, access_token: TOKEN } }
    }
    return {
      status: 401,
      body: { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid client secret' },
    }
  }

  function faultOf(type: string, { TTL, TXTRecords = [] }: Properties): FakeAnswer | undefined {
    const texts = TXTRecords as readonly { readonly value: readonly string[] }[]
    const isTooLong = texts.some(({ value }) => value.some((one) => one.length > 255))
    return TTL >= 1 && !isTooLong
      ? undefined
      : fail(400, 'BadRequest', `The record set of type ${type} is not valid`)
  }

  /** The conditions of a request (RFC 9110 §13.1). */
  function refusalOf(found: AzureSet | undefined, { headers }: FakeRequest) {
    const wanted = headers['if-match']
    const isHeld = wanted === undefined || found?.etag === wanted
    const isFresh = headers['if-none-match'] !== '*' || found === undefined
    return isHeld && isFresh
      ? undefined
      : fail(412, 'PreconditionFailed', 'The condition of the request is not met')
  }

  const inSet =
    (act: (key: string, found: AzureSet | undefined, request: FakeRequest) => FakeAnswer) =>
    (request: FakeRequest) => {
      const [, type, name] = request.params
      const key = `${type}/${name}`
      const found = sets.get(key)
      return refusalOf(found, request) ?? act(key, found, request)
    }

  function put(key: string, found: AzureSet | undefined, request: FakeRequest): FakeAnswer {
    const { properties } = request.body as { readonly properties: Properties }
    const [, type = '', name = ''] = request.params
    const before = request.method === 'PATCH' ? found?.properties : {}
    const set = { name, type, etag: randomUUID(), properties: { ...before, ...properties } }
    const fault = faultOf(type, set.properties)
    if (fault !== undefined) return fault
    sets.set(key, set)
    return { status: found === undefined ? 201 : 200, body: shown(set) }
  }

  function list({ query, params }: FakeRequest): FakeAnswer {
    const type = params[1]
    const wanted = [...sets.values()].filter((set) => type === undefined || set.type === type)
    const start = Number(query.get('$skipToken') ?? 0)
    const end = start + pageLimit
    const link = `${NETWORK}/dnsZones/${zone}/recordsets?api-version=2018-05-01&$skipToken=${end}`
    return {
      status: 200,
      body: {
        value: wanted.slice(start, end).map(shown),
        ...(end < wanted.length ? { nextLink: link } : {}),
      },
    }
  }

  const inZone = (act: (request: FakeRequest) => FakeAnswer) => (request: FakeRequest) =>
    request.params[0] === zone
      ? act(request)
      : fail(404, 'ResourceNotFound', `The Resource 'dnsZones/${request.params[0]}' was not found`)
  const one = '/dnsZones/:zone/:type/:name'
  const api = await createFakeApi({
    baseUrl: NETWORK,
    otherUrls: {
      // Paths are the same whatever their case.
      [`${NETWORK}/dnszones`]: '/dnsZones',
      'https://login.microsoftonline.com': '/login',
    },
    unknown: fail(404, 'InvalidResourceType', 'The resource type could not be found'),
    refuse({ headers, body, query }) {
      if (Object.hasOwn(Object(body), 'client_secret')) return undefined
      if (headers.authorization !== `Bearer ${TOKEN}`) {
        return fail(401, 'InvalidAuthenticationToken', 'The access token is invalid.')
      }
      return query.get('api-version') === '2018-05-01'
        ? undefined
        : fail(400, 'MissingApiVersionParameter', 'The api-version is required')
    },
    routes: [
      {
        ...{ method: 'POST', path: '/login/:tenant/oauth2/v2.0/token', kind: 'read' },
        answer: grantToken,
      },
      {
        ...{ method: 'GET', path: '/dnsZones', kind: 'read' },
        answer: () => ({ status: 200, body: { value: [shownZone()] } }),
      },
      {
        ...{ method: 'GET', path: '/dnsZones/:zone', kind: 'read' },
        answer: inZone(() => ({ status: 200, body: shownZone() })),
      },
      {
        ...{ method: 'GET', path: '/dnsZones/:zone/recordsets', kind: 'read' },
        answer: inZone(list),
      },
      { ...{ method: 'GET', path: '/dnsZones/:zone/:type', kind: 'read' }, answer: inZone(list) },
      { ...{ method: 'PUT', path: one, kind: 'write' }, answer: inZone(inSet(put)) },
      { ...{ method: 'PATCH', path: one, kind: 'write' }, answer: inZone(inSet(put)) },
      {
        ...{ method: 'DELETE', path: one, kind: 'write' },
        answer: inZone(inSet((key) => ({ status: sets.delete(key) ? 200 : 204 }))),
      },
    ],
  })
  const add = (name: string, type: string, properties: Properties) =>
    void sets.set(`${type}/${name}`, { name, type, etag: randomUUID(), properties })
  add('@', 'NS', { TTL: 172_800, NSRecords: [{ nsdname: 'ns1-05.azure-dns.com.' }] })
  const bystanders = JSON.stringify([...sets.values()])
  const relative = (name: string) => (name === zone ? '@' : name.slice(0, -zone.length - 1))

  return {
    api,
    zone,
    secrets: [TOKEN, SECRET],
    authorise: withHeaders({ authorization: `Bearer ${TOKEN}` }),
    load(answer) {
      const { value = [] } = answer as { value?: AzureSet[] }
      for (const { name, type, properties } of value) {
        const { fqdn: _, targetResource: __, provisioningState: ___, ...own } = properties
        const short = type.split('/')[2]
        if (short !== undefined) add(name, short, own as Properties)
      }
    },
    seed({ name, type, ttl, values }) {
      const records = values.map((value) => ({
        [FIELDS[type]]: type === 'TXT' ? value.match(/.{1,200}/gsu) : value,
      }))
      const metadata = { 'left-there': 'by somebody' }
      add(relative(name), type, { TTL: ttl, metadata, [LISTS[type]]: records })
      seeded.add(`${type}/${relative(name)}`)
    },
    look({ name, type }) {
      const set = sets.get(`${type}/${relative(name)}`)
      if (set === undefined) return null
      const records = set.properties[LISTS[type]] as readonly Record<string, string | string[]>[]
      const values = records.map((one) => [one[FIELDS[type]]].flat().join(''))
      return { ttl: set.properties.TTL, values: values.sort() }
    },
    errorAnswer: (status, text) => fail(status, 'SomeCode', text),
    pageSize(size) {
      pageLimit = size
    },
    bystander: () =>
      JSON.stringify([...sets.values()].slice(0, 1)) === bystanders &&
      [...seeded].every((key) => sets.get(key)?.properties.metadata !== undefined),
  }
}

/** What cloud.yaml holds for it. */
export const azureSettings = {
  type: 'azure',
  tenant: TENANT,
  client: CLIENT,
  secret: SECRET,
  subscription: 'SUBSCRIPTION_ID',
  resourceGroup: 'dns-test',
} as const
