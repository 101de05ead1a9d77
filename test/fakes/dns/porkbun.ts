import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'

interface PorkbunRecord {
  readonly id: string
  readonly name: string
  readonly type: string
  readonly content: string
  readonly ttl: string
  readonly notes: string | null
}
interface Body {
  readonly name?: string
  readonly type?: string
  readonly content?: string
  readonly ttl?: string | number
}

const API_KEY = 'pk1_0123456789abcdef0123456789'
const SECRET_KEY = 'sk1_fedcba9876543210fedcba9876'

/** https://porkbun.com/api/json/v3/documentation */
export async function createPorkbunFake(zoneName = 'example.test'): Promise<HostedFake> {
  const zone = parseName(zoneName)
  let records: PorkbunRecord[] = []
  let count = 432_480_874

  const ok = (more: object = {}): FakeAnswer => ({
    status: 200,
    body: { status: 'SUCCESS', ...more },
  })
  const fail = (message: string, status = 400): FakeAnswer => ({
    status,
    body: { status: 'ERROR', message },
  })
  const shown = (record: PorkbunRecord) => ({ ...record, prio: record.type === 'NS' ? null : '0' })
  const fieldsOf = ({ name = '', type = '', content = '', ttl = 600 }: Body) => ({
    name: name === '' ? zone : `${name}.${zone}`,
    type,
    content,
    ttl: String(Math.max(Number(ttl), 600)),
  })
  const isThere = (fields: ReturnType<typeof fieldsOf>) =>
    records.some(
      (one) =>
        one.name === fields.name && one.type === fields.type && one.content === fields.content,
    )

  function create(fields: ReturnType<typeof fieldsOf>): FakeAnswer {
    if (isThere(fields)) return fail('Create error: We were unable to create the DNS record.')
    count += 1
    records.push({ id: String(count), ...fields, notes: null })
    return ok({ id: count })
  }

  function edit(id: string | undefined, fields: ReturnType<typeof fieldsOf>): FakeAnswer {
    const before = records.find((one) => one.id === id)
    if (before === undefined) return fail('Invalid record ID.')
    if (isThere(fields) && before.ttl === fields.ttl) {
      return fail('Edit error: We were unable to edit the DNS record.')
    }
    records = records.map((one) => (one.id === id ? { ...one, ...fields } : one))
    return ok()
  }

  function remove(id: string | undefined): FakeAnswer {
    const rest = records.filter((one) => one.id !== id)
    if (rest.length === records.length) return fail('Invalid record ID.')
    records = rest
    return ok()
  }

  const inZone = (act: (request: FakeRequest) => FakeAnswer) => (request: FakeRequest) =>
    request.params[0] === zone ? act(request) : fail('Invalid domain.')
  const api = await createFakeApi({
    baseUrl: 'https://api.porkbun.com/api/json/v3',
    unknown: { status: 404, body: '<html>Not found</html>' },
    refuse: ({ body }) => {
      const { apikey, secretapikey } = (body ?? {}) as Record<string, unknown>
      return apikey === API_KEY && secretapikey === SECRET_KEY
        ? undefined
        : fail('Invalid API key. (002)')
    },
    routes: [
      {
        ...{ method: 'POST', path: '/ping', kind: 'read' },
        answer: () => ok({ yourIp: '192.0.2.9', xForwardedFor: '192.0.2.9' }),
      },
      {
        ...{ method: 'POST', path: '/dns/retrieve/:zone', kind: 'read' },
        answer: inZone(() => ok({ cloudflare: 'enabled', records: records.map(shown) })),
      },
      {
        ...{ method: 'POST', path: '/dns/create/:zone', kind: 'write' },
        answer: inZone(({ body }) => create(fieldsOf(body as Body))),
      },
      {
        ...{ method: 'POST', path: '/dns/edit/:zone/:id', kind: 'write' },
        answer: inZone(({ params, body }) => edit(params[1], fieldsOf(body as Body))),
      },
      {
        ...{ method: 'POST', path: '/dns/delete/:zone/:id', kind: 'write' },
        answer: inZone(({ params }) => remove(params[1])),
      },
    ],
  })
  const rows = [
    { name: zone, type: 'NS', content: 'maceio.ns.porkbun.com', ttl: '86400' },
    { name: `mail.${zone}`, type: 'A', content: '192.0.2.25', ttl: '600' },
  ]
  for (const [index, row] of rows.entries()) records.push({ id: `${index}`, ...row, notes: 'ours' })
  const bystanders = JSON.stringify(records)

  return {
    api,
    zone,
    secrets: [API_KEY, SECRET_KEY],
    authorise: ({ method, body }) => ({
      method,
      body: JSON.stringify({
        ...JSON.parse(body === '' ? '{}' : body),
        ...{ apikey: API_KEY, secretapikey: SECRET_KEY },
      }),
    }),
    load(answer) {
      for (const one of (answer as { records?: PorkbunRecord[] }).records ?? []) {
        const { id, name, type, content, ttl, notes } = one
        records = records.filter((other) => other.id !== id)
        records.push({ id, name, type, content, ttl, notes })
        count = Math.max(count, Number(id))
      }
    },
    seed({ name, type, ttl, values }) {
      records = records.filter((one) => one.name !== name || one.type !== type)
      for (const content of values) create({ name, type, content, ttl: String(ttl) })
    },
    look({ name, type }) {
      const found = records.filter((one) => one.name === name && one.type === type)
      const [first] = found
      if (first === undefined) return null
      return { ttl: Number(first.ttl), values: found.map(({ content }) => content).sort() }
    },
    errorAnswer: (status, text) => fail(text, status),
    errorInside: (text) => fail(text, 200),
    bystander: () => JSON.stringify(records.slice(0, 2)) === bystanders,
  }
}

/** What cloud.yaml holds for it. */
export const porkbunSettings = { type: 'porkbun', apiKey: API_KEY, secretKey: SECRET_KEY } as const
