import { createHash } from 'node:crypto'
import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'
import { presentTxt, readTxt } from './presentation.ts'

interface OvhRecord {
  readonly id: number
  readonly fieldType: string
  readonly subDomain: string
  readonly target: string
  readonly ttl: number
}
type Body = Partial<OvhRecord>

const APPLICATION = 'ovhApplicationKey'
const SECRET = 'ovhApplicationSecret0123456789ab'
const CONSUMER = 'ovhConsumerKey0123456789abcdefgh'
const BASE = 'https://eu.api.ovh.com/1.0'
/** Ten minutes ahead of whoever asks. */
const NOW = Date.parse('2026-01-31T12:10:00Z') / 1000
const MAX_SKEW = 120

/** https://eu.api.ovh.com/console/?section=%2Fdomain */
export async function createOvhFake(zoneName = 'example.test'): Promise<HostedFake> {
  const zone = parseName(zoneName)
  let records: readonly OvhRecord[] = []
  /** What the name servers serve. */
  let published = records
  let count = 1_553_659_739

  const ok = (body: unknown): FakeAnswer => ({ status: 200, body })
  const fail = (status: number, message: string): FakeAnswer => ({
    status,
    body: { class: 'Client::Error', message },
  })
  const denied = (status: number, errorCode: string, message: string): FakeAnswer => ({
    status,
    body: { errorCode, httpCode: `${status}`, message },
  })
  const missing = fail(404, 'This service does not exist')
  const sign = (method: string, url: string, body: string, at: string) =>
    `$1$${createHash('sha1')
      .update([SECRET, CONSUMER, method, url, body, at].join('+'))
      .digest('hex')}`

  function refuse({ method, url, headers, text }: FakeRequest): FakeAnswer | undefined {
    if (url === `${BASE}/auth/time`) return undefined
    const at = String(headers['x-ovh-timestamp'])
    if (headers['x-ovh-application'] !== APPLICATION) {
      return denied(403, 'INVALID_KEY', 'This application key is invalid')
    }
    if (headers['x-ovh-consumer'] !== CONSUMER) {
      return denied(403, 'NOT_CREDENTIAL', 'This credential does not exist')
    }
    if (!(Math.abs(Number(at) - NOW) <= MAX_SKEW)) {
      return denied(400, 'QUERY_TIME_OUT', 'Query out of time')
    }
    return headers['x-ovh-signature'] === sign(method, url, text, at)
      ? undefined
      : denied(400, 'INVALID_SIGNATURE', 'Invalid signature')
  }

  function faultOf({ fieldType = '', subDomain = '', target = '', ttl = 0 }: Body) {
    if (subDomain === '@' || subDomain.endsWith(zone)) return fail(400, 'Invalid subDomain')
    if (ttl !== 0 && ttl < 60) return fail(400, 'Invalid ttl: it must be 0, or at least 60')
    if (fieldType.startsWith('A') && subDomain.includes('_')) {
      return fail(400, `Invalid domain name ${subDomain}, underscore not allowed`)
    }
    // What was sent without quotes is kept like that, as the recorded answers show.
    if (fieldType === 'TXT' && target.includes('"') && readTxt(target) === undefined) {
      return fail(400, 'Invalid target')
    }
    return undefined
  }

  function create(body: Body): FakeAnswer {
    const fault = faultOf(body)
    if (fault !== undefined) return fault
    const { fieldType = '', subDomain = '', target = '', ttl = 0 } = body
    const record = { target, ttl, zone, fieldType, id: ++count, subDomain }
    records = [...records, record]
    return ok(record)
  }

  const inZone = (act: (request: FakeRequest) => FakeAnswer) => (request: FakeRequest) =>
    request.params[0] === zone ? act(request) : missing
  const inRecord = (act: (record: OvhRecord, body: Body) => FakeAnswer) =>
    inZone(({ params, body }) => {
      const record = records.find((one) => String(one.id) === params[1])
      return record === undefined
        ? fail(404, 'The requested object (id) does not exist')
        : act(record, body as Body)
    })
  const path = '/domain/zone/:zone/record'
  const api = await createFakeApi({
    baseUrl: BASE,
    unknown: fail(404, 'Got an invalid (or empty) URL'),
    refuse,
    routes: [
      { ...{ method: 'GET', path: '/auth/time', kind: 'read' }, answer: () => ok(NOW) },
      ...['/domain/zone', '/domain/zone/'].map((all) => ({
        ...{ method: 'GET', path: all, kind: 'read' as const },
        answer: () => ok([zone]),
      })),
      {
        ...{ method: 'GET', path: '/domain/zone/:zone/status', kind: 'read' },
        answer: inZone(() => ok({ warnings: null, errors: null, isDeployed: true })),
      },
      {
        ...{ method: 'GET', path, kind: 'read' },
        answer: inZone(({ query }) => {
          const keys = ['fieldType', 'subDomain'] as const
          const isAskedFor = (one: OvhRecord) =>
            keys.every((key) => (query.get(key) ?? one[key]) === one[key])
          return ok(records.filter(isAskedFor).map(({ id }) => id))
        }),
      },
      { ...{ method: 'GET', path: `${path}/:id`, kind: 'read' }, answer: inRecord(ok) },
      {
        ...{ method: 'POST', path, kind: 'write' },
        answer: inZone(({ body }) => create(body as Body)),
      },
      {
        ...{ method: 'PUT', path: `${path}/:id`, kind: 'write' },
        answer: inRecord((before, { subDomain, target, ttl, fieldType }) => {
          if (fieldType !== undefined) return fail(400, 'fieldType cannot be changed')
          const record = {
            ...before,
            subDomain: subDomain ?? before.subDomain,
            target: target ?? before.target,
            ttl: ttl ?? before.ttl,
          }
          const fault = faultOf(record)
          if (fault !== undefined) return fault
          records = records.map((one) => (one.id === before.id ? record : one))
          return ok(null)
        }),
      },
      {
        ...{ method: 'DELETE', path: `${path}/:id`, kind: 'write' },
        answer: inRecord(({ id }) => {
          records = records.filter((one) => one.id !== id)
          return ok(null)
        }),
      },
      {
        ...{ method: 'POST', path: '/domain/zone/:zone/refresh', kind: 'write' },
        answer: inZone(() => {
          published = records
          return ok(null)
        }),
      },
    ],
  })
  create({ fieldType: 'NS', subDomain: '', target: 'dns10.ovh.net.', ttl: 0 })
  create({ fieldType: 'MX', subDomain: '', target: '1 mx1.mail.ovh.net.', ttl: 0 })
  const bystanders = JSON.stringify(records)
  published = records
  const nameOf = (name: string) => (name === zone ? '' : name.slice(0, -zone.length - 1))
  const isOf = (name: string, type: string) => (one: OvhRecord) =>
    one.subDomain === nameOf(name) && one.fieldType === type

  return {
    api,
    zone,
    secrets: [APPLICATION, SECRET, CONSUMER],
    authorise: ({ method, url, body }) => ({
      method,
      headers: {
        'x-ovh-application': APPLICATION,
        'x-ovh-consumer': CONSUMER,
        'x-ovh-timestamp': String(NOW),
        'x-ovh-signature': sign(method, url, body, String(NOW)),
      },
      ...(body === '' ? {} : { body }),
    }),
    load(answer) {
      // The lists before the first write hold ids only, and of nothing that is there.
      if (typeof answer === 'object' && answer !== null && 'fieldType' in answer) {
        records = [...records, answer as OvhRecord]
      }
    },
    seed({ name, type, ttl, values }) {
      const seeded = values.map((value) => ({
        ...{ id: ++count, zone, fieldType: type, subDomain: nameOf(name), ttl },
        target: type === 'TXT' ? presentTxt(value) : value,
      }))
      const put = (all: readonly OvhRecord[]) => [
        ...all.filter((one) => !isOf(name, type)(one)),
        ...seeded,
      ]
      records = put(records)
      published = put(published)
    },
    look({ name, type }) {
      const found = published.filter(isOf(name, type))
      const [first] = found
      if (first === undefined) return null
      const values = found.map(({ target }) =>
        type === 'TXT' ? (readTxt(target) ?? target) : target,
      )
      return { ttl: first.ttl, values: values.sort() }
    },
    errorAnswer: (status, text) => fail(status, text),
    bystander: () => JSON.stringify(published.slice(0, 2)) === bystanders,
  }
}

/** What cloud.yaml holds for it. */
export const ovhSettings = {
  type: 'ovh',
  applicationKey: APPLICATION,
  applicationSecret: SECRET,
  consumerKey: CONSUMER,
} as const
