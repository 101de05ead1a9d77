import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'
import { escapeName, presentOctal, readOctal, renderXml, unescapeName } from './route53-text.ts'
import { signatureFault } from './sigv4.ts'
import { parseXml, type XmlTree } from './xml.ts'

interface ResourceSet {
  readonly Name: string
  readonly Type: string
  readonly TTL?: string
  readonly ResourceRecords?: readonly { readonly Value: string }[]
  readonly [more: string]: XmlTree | undefined
}
interface Change {
  readonly Action: 'CREATE' | 'DELETE' | 'UPSERT'
  readonly ResourceRecordSet: ResourceSet
}

const KEY = {
  id: 'AKIA0123456789ABCDEF',
  secret: 'aws/Secret+0123456789abcdefghijklmnop',
  service: 'route53',
  host: 'route53.amazonaws.com',
}
/** For recorded requests, whose signatures nobody knows any more. */
const RECORDED = 'recorded'
const BASE = 'https://route53.amazonaws.com/2013-04-01'
const ZONE_ID = 'Z040120927RX9CM38HPQQ'
const PRIVATE_ID = 'Z0PRIVATE0000000000'
const AT = '2026-01-31T12:00:00Z'
const CODES: Readonly<Record<number, string>> = {
  401: 'InvalidClientTokenId',
  403: 'AccessDenied',
  404: 'NoSuchHostedZone',
  409: 'PriorRequestNotComplete',
  429: 'Throttling',
  500: 'ServiceUnavailable',
}

/** https://docs.aws.amazon.com/Route53/latest/APIReference/ */
export async function createRoute53Fake(
  zoneName = 'example.test',
): Promise<HostedFake & { sizes(): readonly number[]; twins(): void }> {
  const zone = `${parseName(zoneName)}.`
  let sets = new Map<string, ResourceSet>()
  const changes = new Map<string, number>()
  let count = 0
  let pageLimit = 300
  let publicZones = 1
  /** Records in each batch that was sent, whatever became of it. */
  const sizes: number[] = []

  const ok = (name: string, tree: XmlTree): FakeAnswer => ({
    status: 200,
    body: `<?xml version="1.0"?>\n${renderXml(name, tree).replace('>', ' xmlns="https://route53.amazonaws.com/doc/2013-04-01/">')}`,
    headers: { 'content-type': 'text/xml' },
  })
  const fail = (status: number, Code: string, Message: string): FakeAnswer => ({
    ...ok('ErrorResponse', { Error: { Type: 'Sender', Code, Message }, RequestId: 'd9642252' }),
    status,
  })
  const invalid = (message: string) => fail(400, 'InvalidChangeBatch', `[${message}]`)
  const keyOf = ({ Name, Type, SetIdentifier = '' }: ResourceSet) =>
    `${unescapeName(Name)} ${Type} ${SetIdentifier}`
  /** The service goes by the last label first. */
  const orderOf = (set: ResourceSet) =>
    `${unescapeName(set.Name).split('.').reverse().join('\0')} ${set.Type}`
  const sorted = () => [...sets.values()].sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1))
  const valuesOf = (set: ResourceSet) => (set.ResourceRecords ?? []).map(({ Value }) => Value)

  function faultOf({ Name, Type, TTL }: ResourceSet, values: readonly string[]) {
    const name = unescapeName(Name)
    if (name !== zone && !name.endsWith(`.${zone}`)) {
      return `RRSet with DNS name ${name} is not permitted in zone ${zone}`
    }
    if (!/^\d+$/.test(TTL ?? '') || Number(TTL) > 2_147_483_647) return `Invalid TTL ${TTL}`
    const double = values.find((value, at) => values.indexOf(value) !== at)
    if (double !== undefined) return `Duplicate Resource Record: '${double}'`
    const broken = values.find(
      (value) => Type === 'TXT' && (readOctal(value) === undefined || value.length > 4000),
    )
    return broken === undefined
      ? undefined
      : `Invalid Resource Record: 'FATAL problem: InvalidCharacterString (Value should be enclosed in quotation marks) encountered with '${broken}''`
  }

  function step({ Action, ResourceRecordSet: set }: Change): string | undefined {
    const label = `resource record set [name='${set.Name}', type='${set.Type}']`
    const before = sets.get(keyOf(set))
    const fault = faultOf(set, valuesOf(set))
    if (fault !== undefined) return fault
    if (Action === 'DELETE') {
      if (before === undefined) return `Tried to delete ${label} but it was not found`
      const isSame =
        before.TTL === set.TTL &&
        before.HealthCheckId === set.HealthCheckId &&
        valuesOf(before).sort().join() === valuesOf(set).sort().join()
      if (!isSame) {
        return `Tried to delete ${label} but the values provided do not match the current values`
      }
      sets.delete(keyOf(set))
      return undefined
    }
    if (Action === 'CREATE' && before !== undefined) {
      return `Tried to create ${label} but it already exists`
    }
    sets.set(keyOf(set), { ...set, Name: escapeName(unescapeName(set.Name)) })
    return undefined
  }

  /** All changes or none. */
  function change({ body }: FakeRequest): FakeAnswer {
    const { ChangeResourceRecordSetsRequest: request } = parseXml(String(body)) as never as {
      ChangeResourceRecordSetsRequest: { ChangeBatch: { Comment?: string; Changes: Change[] } }
    }
    const { Changes, Comment } = request.ChangeBatch
    const weighed = Changes.flatMap(({ Action, ResourceRecordSet: set }) =>
      Action === 'UPSERT' ? [...valuesOf(set), ...valuesOf(set)] : valuesOf(set),
    )
    sizes.push(weighed.length)
    if (weighed.length > 1000) return invalid('Number of records limit of 1000 exceeded.')
    if (weighed.join('').length > 32_000) {
      return invalid('Number of characters limit of 32000 exceeded.')
    }
    const before = sets
    sets = new Map(sets)
    for (const one of Changes) {
      const fault = step(one)
      if (fault === undefined) continue
      sets = before
      return invalid(fault)
    }
    const id = `C${String(++count).padStart(20, '0')}`
    changes.set(id, 2)
    return ok('ChangeResourceRecordSetsResponse', {
      ChangeInfo: {
        ...{ Id: `/change/${id}`, Status: 'PENDING', SubmittedAt: AT },
        ...(Comment === undefined ? {} : { Comment }),
      },
    })
  }

  function list({ query }: FakeRequest): FakeAnswer {
    const start = { Name: query.get('name') ?? '', Type: query.get('type') ?? '' }
    const identifier = query.get('identifier') ?? ''
    const all = sorted()
    const first = all.findIndex(
      (set) =>
        orderOf(set) > orderOf(start) ||
        (orderOf(set) === orderOf(start) && `${set.SetIdentifier ?? ''}` >= identifier),
    )
    const from = start.Name === '' ? 0 : first < 0 ? all.length : first
    const size = Math.min(Number(query.get('maxitems') ?? 100), pageLimit)
    const next = all[from + size]
    return ok('ListResourceRecordSetsResponse', {
      ResourceRecordSets: all.slice(from, from + size) as readonly XmlTree[],
      IsTruncated: String(next !== undefined),
      MaxItems: String(size),
      ...(next === undefined ? {} : { NextRecordName: next.Name, NextRecordType: next.Type }),
      ...(next?.SetIdentifier === undefined ? {} : { NextRecordIdentifier: next.SetIdentifier }),
    })
  }

  const shownZone = (id: string, isPrivate: boolean) => ({
    ...{ Id: `/hostedzone/${id}`, Name: zone, CallerReference: '01f9750a' },
    Config: { ...(isPrivate ? {} : { Comment: 'Test' }), PrivateZone: String(isPrivate) },
    ResourceRecordSetCount: String(sets.size),
  })
  /** The zones from a name on, not only those of that name; private ones come first here. */
  function zones({ query }: FakeRequest): FakeAnswer {
    const name = query.get('dnsname')
    const other = { ...shownZone('Z0OTHER000000000000', false), Name: 'zzz.other.' }
    const isBefore = name !== null && (zone === unescapeName(name) || zone.endsWith(`.${name}`))
    const twins = Array.from({ length: publicZones }, () => shownZone(ZONE_ID, false))
    const own = [shownZone(PRIVATE_ID, true), ...twins]
    const found = name === null ? own.slice(1) : isBefore ? [...own, other] : [other]
    return ok('ListHostedZonesByNameResponse', {
      HostedZones: found,
      ...(name === null ? {} : { DNSName: name }),
      IsTruncated: 'false',
      MaxItems: query.get('maxitems') ?? '100',
    })
  }

  const inZone = (act: (request: FakeRequest) => FakeAnswer) => (request: FakeRequest) =>
    request.params[0] === ZONE_ID
      ? act(request)
      : fail(404, 'NoSuchHostedZone', `No hosted zone found with ID: ${request.params[0]}`)
  const path = '/hostedzone/:zone/rrset'
  const api = await createFakeApi({
    baseUrl: BASE,
    bodies: 'text',
    unknown: { status: 404, body: '<UnknownOperationException/>' },
    refuse(request) {
      if (request.headers.authorization === RECORDED) return undefined
      const fault = signatureFault(request, `/2013-04-01${request.path}`, KEY)
      return fault && fail(403, fault, 'The request signature does not match.')
    },
    routes: [
      { ...{ method: 'GET', path: '/hostedzonesbyname', kind: 'read' }, answer: zones },
      { ...{ method: 'GET', path, kind: 'read' }, answer: inZone(list) },
      { ...{ method: 'POST', path, kind: 'write' }, answer: inZone(change) },
      { ...{ method: 'POST', path: `${path}/`, kind: 'write' }, answer: inZone(change) },
      {
        ...{ method: 'GET', path: '/change/:id', kind: 'read' },
        answer({ params: [id = ''] }) {
          const left = changes.get(id)
          if (left === undefined) return fail(404, 'NoSuchChange', `no change ${id}`)
          changes.set(id, left - 1)
          const Status = left > 0 ? 'PENDING' : 'INSYNC'
          return ok('GetChangeResponse', {
            ChangeInfo: { Id: `/change/${id}`, Status, SubmittedAt: AT },
          })
        },
      },
    ],
  })

  const record = (Name: string, Type: string, TTL: string, ...values: string[]): ResourceSet => ({
    ...{ Name: escapeName(Name), Type, TTL },
    ResourceRecords: values.map((Value) => ({ Value })),
  })
  const put = (set: ResourceSet) => sets.set(keyOf(set), set)
  put(record(zone, 'NS', '172800', 'ns-831.awsdns-39.net.', 'ns-422.awsdns-52.com.'))
  put(record(zone, 'SOA', '900', 'ns-831.awsdns-39.net. a.amazon.com. 1 7200 900 1209600 86400'))
  const isLive = zoneName === 'example.test'
  if (isLive) {
    const AliasTarget = {
      ...{ HostedZoneId: 'Z35SXDOTRQ7X7K', DNSName: 'dualstack.lb.amazonaws.com.' },
      EvaluateTargetHealth: 'true',
    }
    put({ Name: `alias.${zone}`, Type: 'A', AliasTarget })
    put({
      ...record(`near.${zone}`, 'A', '60', '192.0.2.1'),
      SetIdentifier: 'eu',
      Region: 'eu-west-1',
    })
    put({
      ...record(`near.${zone}`, 'A', '60', '192.0.2.2'),
      SetIdentifier: 'us',
      Region: 'us-east-1',
    })
    put({ ...record(`checked.${zone}`, 'A', '60', '192.0.2.3'), HealthCheckId: 'abcdef11-2222' })
  }
  const bystanders = JSON.stringify([...sets.values()])
  const kept = [...sets.keys()]

  return {
    api,
    zone: parseName(zoneName),
    secrets: [KEY.secret],
    authorise: ({ method, body }) => ({
      ...{ method, headers: { authorization: RECORDED } },
      ...(body === '' ? {} : { body }),
    }),
    load(answer) {
      const { ListResourceRecordSetsResponse: found } = Object(answer)
      for (const set of found?.ResourceRecordSets ?? []) put(set)
    },
    seed({ name, type, ttl, values }) {
      const shown = values.map((value) => (type === 'TXT' ? presentOctal(value) : value))
      put(record(`${name}.`, type, String(ttl), ...shown))
    },
    look({ name, type }) {
      const set = sets.get(`${name}. ${type} `)
      if (set === undefined) return null
      const read = (value: string) => (type === 'TXT' ? (readOctal(value) ?? value) : value)
      return { ttl: Number(set.TTL), values: valuesOf(set).map(read).sort() }
    },
    errorAnswer: (status, text) => fail(status, CODES[status] ?? 'InvalidInput', text),
    pageSize(size) {
      pageLimit = size
    },
    sizes: () => sizes,
    twins() {
      publicZones = 2
    },
    bystander: () => JSON.stringify(kept.map((key) => sets.get(key))) === bystanders,
  }
}

/** What cloud.yaml holds for it. */
export const route53Settings = {
  type: 'route53',
  accessKeyId: KEY.id,
  secret: KEY.secret,
} as const
