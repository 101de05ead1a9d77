import { randomUUID } from 'node:crypto'
import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest, withHeaders } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'
import { presentTxt, readTxt } from './presentation.ts'

interface IonosRecord {
  readonly id: string
  readonly name: string
  readonly type: string
  readonly content: string
  readonly ttl: number
  readonly disabled: boolean
  readonly prio?: number
}
type Given = Partial<IonosRecord>

const TOKEN = '0123456789abcdef0123456789abcdef.S3cret-0123456789abcdefghijkl'
const AT = '2026-01-31T12:00:00.000Z'
/** The service switches off what stands in the way of its own products. */
const DISABLED = { A: '192.0.2.66', AAAA: '2001:db8::66', TXT: '"switched off"' }

/** https://developer.hosting.ionos.com/docs/dns */
export async function createIonosFake(zoneName = 'example.test'): Promise<HostedFake> {
  const zone = parseName(zoneName)
  const zoneId = randomUUID()
  let records: IonosRecord[] = []
  const seeded = new Set<string>()

  const fail = (status: number, code: string, message: string): FakeAnswer => ({
    status,
    body: [{ code, message }],
  })
  const shown = ({ prio, ...rest }: IonosRecord) => ({
    ...{ ...rest, rootName: zone, changeDate: AT },
    ...(rest.type === 'MX' ? { prio: prio ?? 0 } : {}),
  })
  const keyOf = ({ name, type }: Given) => `${name} ${type}`

  function faultOf({ name = '', type = '', content = '', ttl = 3600 }: Given) {
    const isInside = name === zone || name.endsWith(`.${zone}`)
    if (!isInside || type === '' || content === '') {
      return fail(400, 'INVALID_RECORD', 'Invalid record')
    }
    return ttl < 60 ? fail(400, 'INVALID_RECORD', 'TTL must be at least 60') : undefined
  }

  /** A record with the same content takes the place of the one that was there. */
  function add({ name = '', type = '', content = '', ttl = 3600, disabled = false }: Given) {
    const isBare = type === 'TXT' && readTxt(content) === undefined
    const own = isBare ? `"${content}"` : content
    const record = { id: randomUUID(), name, type, content: own, ttl, disabled }
    records = records.filter((one) => keyOf(one) !== keyOf(record) || one.content !== own)
    records.push(record)
    return record
  }

  function post({ body }: FakeRequest): FakeAnswer {
    const given = body as readonly Given[]
    const fault = given.map(faultOf).find((one) => one !== undefined)
    return fault ?? { status: 201, body: given.map(add).map(shown) }
  }

  function patch({ body }: FakeRequest): FakeAnswer {
    const given = body as readonly Given[]
    const fault = given.map(faultOf).find((one) => one !== undefined)
    if (fault !== undefined) return fault
    const keys = given.map(keyOf)
    records = records.filter((one) => !keys.includes(keyOf(one)))
    for (const one of given) add(one)
    return { status: 200 }
  }

  const inZone = (act: (request: FakeRequest) => FakeAnswer) => (request: FakeRequest) =>
    request.params[0] === zoneId ? act(request) : fail(404, 'ZONE_NOT_FOUND', 'Zone not found')
  const shownZone = { name: zone, id: zoneId, type: 'NATIVE' }
  const path = '/zones/:zone'
  const api = await createFakeApi({
    baseUrl: 'https://api.hosting.ionos.com/dns/v1',
    unknown: fail(404, 'NOT_FOUND', 'not found'),
    refuse: ({ headers }) =>
      headers['x-api-key'] === TOKEN
        ? undefined
        : fail(401, 'UNAUTHORIZED', 'The customer is not authorized to do this operation.'),
    routes: [
      {
        ...{ method: 'GET', path: '/zones', kind: 'read' },
        answer: () => ({ status: 200, body: [shownZone] }),
      },
      {
        ...{ method: 'GET', path, kind: 'read' },
        answer: inZone(({ query }) => {
          const types = query.get('recordType')?.split(',')
          const found = records.filter(
            ({ name, type }) =>
              (query.get('recordName') ?? name) === name && (types?.includes(type) ?? true),
          )
          return { status: 200, body: { ...shownZone, records: found.map(shown) } }
        }),
      },
      { ...{ method: 'PATCH', path, kind: 'write' }, answer: inZone(patch) },
      { ...{ method: 'POST', path: `${path}/records`, kind: 'write' }, answer: inZone(post) },
      {
        ...{ method: 'DELETE', path: `${path}/records/:id`, kind: 'write' },
        answer: inZone(({ params }) => {
          const left = records.filter(({ id }) => id !== params[1])
          if (left.length === records.length) return fail(404, 'RECORD_NOT_FOUND', 'not found')
          records = left
          return { status: 200 }
        }),
      },
    ],
  })
  records.push({
    ...{ id: randomUUID(), name: zone, type: 'MX', content: 'mx00.ionos.de', ttl: 3600, prio: 10 },
    disabled: false,
  })
  const bystanders = JSON.stringify(records)

  return {
    api,
    zone,
    secrets: [TOKEN, TOKEN.slice(TOKEN.indexOf('.') + 1)],
    authorise: withHeaders({ 'x-api-key': TOKEN }),
    load(answer) {
      const { records: given = [] } = answer as { records?: IonosRecord[] }
      if (given.length > 0) records = [...given]
    },
    seed({ name, type, ttl, values }) {
      records = records.filter((one) => one.name !== name || one.type !== type)
      for (const value of values) {
        add({ name, type, ttl, content: type === 'TXT' ? presentTxt(value) : value })
      }
      add({ name, type, ttl: 7200, content: DISABLED[type], disabled: true })
      seeded.add(keyOf({ name, type }))
    },
    look({ name, type }) {
      const found = records.filter((one) => one.name === name && one.type === type && !one.disabled)
      const [first] = found
      if (first === undefined) return null
      const values = found.map(({ content }) =>
        type === 'TXT' ? (readTxt(content) ?? content) : content,
      )
      return { ttl: first.ttl, values: values.sort() }
    },
    errorAnswer: (status, text) => fail(status, 'SOME_CODE', text),
    bystander: () =>
      JSON.stringify(records.filter(({ id }) => bystanders.includes(id))) === bystanders &&
      [...seeded].every((key) =>
        records.some((one) => keyOf(one) === key && one.disabled && one.ttl === 7200),
      ),
  }
}

/** What cloud.yaml holds for it. */
export const ionosSettings = { type: 'ionos', token: TOKEN } as const
