import { createHmac } from 'node:crypto'
import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'

interface InwxRecord {
  readonly id: number
  readonly name: string
  readonly type: string
  readonly content: string
  readonly ttl: number
  readonly prio: number
}
type Params = Partial<InwxRecord> & Readonly<Record<string, string | number>>

const USER = 'alice'
const PASSWORD = 'inwx-Password0123456789'
/** Of recorded requests, which logged in with each of them. */
const RECORDED = 'domrobot=recorded'
const READS = ['account.login', 'account.unlock', 'domain.info', 'nameserver.info']

/** RFC 6238, from its text. */
function totp(secret: Buffer, step: number): string {
  const counter = Buffer.alloc(8)
  counter.writeUInt32BE(step, 4)
  const mac = createHmac('sha1', secret).update(counter).digest()
  const number = mac.readUInt32BE((mac.at(-1) ?? 0) & 15) & 0x7fffffff
  return String(number % 1_000_000).padStart(6, '0')
}

/** https://www.inwx.de/en/help/apidoc, in its JSON form. */
export async function createInwxFake(
  zoneName = 'example.test',
  second?: { readonly secret: Buffer; readonly step: () => number },
): Promise<HostedFake & { endSessions(): void; logins(): number }> {
  const zone = parseName(zoneName)
  let records: InwxRecord[] = []
  let count = 16_000
  let logins = 0
  let lastTan = ''
  const sessions = new Map<string, 'open' | 'locked'>([[RECORDED, 'open']])

  const say = (code: number, msg: string, resData?: object): FakeAnswer => ({
    status: 200,
    body: {
      ...{ code, msg },
      ...(resData === undefined ? {} : { resData }),
      ...{ svTRID: '20260131-1830942-ote', runtime: 0.0768 },
    },
  })
  const ok = (resData?: object) => say(1000, 'Command completed successfully', resData)
  const missing = say(2303, 'Object does not exist')
  const exists = say(2302, 'Object exists')
  const stranger = say(2200, 'Authentication error')

  function login({ user, pass }: Params): FakeAnswer {
    logins += 1
    if (user !== USER || pass !== PASSWORD) return stranger
    const cookie = `domrobot=session${logins}x0123456789`
    sessions.set(cookie, second === undefined ? 'open' : 'locked')
    return {
      ...ok({ customerId: 4711, accountId: 4711, tfa: second === undefined ? '0' : 'GOOGLE-AUTH' }),
      headers: { 'set-cookie': `${cookie}; path=/; secure; HttpOnly` },
    }
  }

  function unlock(cookie: string, { tan }: Params): FakeAnswer {
    if (second === undefined || !sessions.has(cookie)) return stranger
    const due = totp(second.secret, second.step())
    if (tan !== due || tan === lastTan) return stranger
    lastTan = due
    sessions.set(cookie, 'open')
    return ok()
  }

  function faultOf({ name = '', type, content = '', ttl = 3600 }: Params, id?: number) {
    if (name !== zone && !name.endsWith(`.${zone}`))
      return say(2005, 'Parameter value syntax error')
    if (ttl < 300) return say(2004, 'Parameter value range error')
    if (type === 'TXT' && /["`]|^$| $/.test(content))
      return say(2005, 'Parameter value syntax error')
    const same = records.some(
      (one) => one.id !== id && one.name === name && one.type === type && one.content === content,
    )
    return same ? exists : undefined
  }

  const METHODS: Readonly<Record<string, (params: Params) => FakeAnswer>> = {
    'domain.info': ({ domain }) => (domain === zone ? ok({ domain: zone }) : missing),
    'nameserver.info'(params) {
      if (params.domain !== zone) return missing
      const keys = ['name', 'type', 'content'] as const
      const found = records.filter((one) =>
        keys.every((key) => (params[key] ?? one[key]) === one[key]),
      )
      return ok({
        ...{ roId: 2238, domain: zone, type: 'MASTER', cleanup: { status: 'OK', tstamp: 0 } },
        ...(found.length === 0 ? {} : { count: found.length, record: found }),
      })
    },
    'nameserver.createRecord'(params) {
      if (params.domain !== zone) return missing
      const fault = faultOf(params)
      if (fault !== undefined) return fault
      const { name = '', type = '', content = '', ttl = 3600 } = params
      records.push({ id: ++count, name, type, content, ttl, prio: 0 })
      return ok({ id: count })
    },
    'nameserver.updateRecord'({ id, ...given }) {
      const before = records.find((one) => one.id === id)
      if (before === undefined) return missing
      const after = { ...before, ...given }
      const fault = faultOf(after, id)
      if (fault !== undefined) return fault
      records = records.map((one) => (one.id === id ? after : one))
      return ok()
    },
    'nameserver.deleteRecord'({ id }) {
      const rest = records.filter((one) => one.id !== id)
      if (rest.length === records.length) return missing
      records = rest
      return ok()
    },
  }

  const methodOf = (body: unknown) => String(Object(body).method)
  function answer({ headers, body }: FakeRequest): FakeAnswer {
    const { params = {} } = Object(body) as { readonly params?: Params }
    const cookie = headers.cookie ?? ''
    const method = methodOf(body)
    if (method === 'account.login') return login(params)
    if (method === 'account.unlock') return unlock(cookie, params)
    if (sessions.get(cookie) !== 'open') return stranger
    return METHODS[method]?.(params) ?? say(2000, 'Unknown command')
  }

  const api = await createFakeApi({
    baseUrl: 'https://api.domrobot.com',
    unknown: { status: 404, body: 'not found' },
    refuse: () => undefined,
    routes: [
      {
        ...{ method: 'POST', path: '/jsonrpc/' },
        kind: (body) => (READS.includes(methodOf(body)) ? 'read' : 'write'),
        answer,
      },
    ],
  })
  const add = (name: string, type: string, content: string) =>
    records.push({ id: ++count, name, type, content, ttl: 86_400, prio: 0 })
  add(zone, 'SOA', 'ns.ote.inwx.de hostmaster.inwx.de 2018091801')
  add(zone, 'NS', 'ns.ote.inwx.de')
  const bystanders = JSON.stringify(records)

  return {
    api,
    zone,
    secrets: [PASSWORD],
    authorise: ({ method, body }) => ({ method, headers: { cookie: RECORDED }, body }),
    load(body) {
      const { resData } = Object(body) as { readonly resData?: { record?: InwxRecord[] } }
      for (const one of resData?.record ?? []) {
        records = records.filter(({ id }) => id !== one.id)
        records.push(one)
        count = Math.max(count, one.id)
      }
    },
    seed({ name, type, ttl, values }) {
      records = records.filter((one) => one.name !== name || one.type !== type)
      for (const content of values) {
        records.push({ id: ++count, name, type, content, ttl, prio: 0 })
      }
    },
    look({ name, type }) {
      const found = records.filter((one) => one.name === name && one.type === type)
      const [first] = found
      if (first === undefined) return null
      return { ttl: first.ttl, values: found.map(({ content }) => content).sort() }
    },
    errorAnswer(status, text) {
      const codes: Readonly<Record<number, number>> = {
        ...{ 401: 2200, 403: 2201, 404: 2303, 409: 2302, 422: 2005, 429: 2502, 500: 2400 },
      }
      return say(codes[status] ?? 2999, text)
    },
    errorInside: (text) => say(2999, text),
    bystander: () => JSON.stringify(records.slice(0, 2)) === bystanders,
    endSessions: () => sessions.clear(),
    logins: () => logins,
  }
}

/** What cloud.yaml holds for it. */
export const inwxSettings = { type: 'inwx', username: USER, password: PASSWORD } as const
