import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'

interface Host {
  A?: string | undefined
  AAAA?: string | undefined
  TXT?: string | undefined
}
/** How a service understands what it is asked. */
interface Dialect {
  readonly url: string
  readonly auth: 'basic' | 'token' | 'password'
  readonly hostOf: (query: URLSearchParams) => string
  /** What a host has after the request; undefined when it names no address at all. */
  readonly after: (query: URLSearchParams, before: Host) => Host | undefined
  readonly words: readonly [changed: string, same: string, unknown: string, unauthorised: string]
}
type Dyndns2Name = 'dyn' | 'desec' | 'he' | 'inwx' | 'duckdns' | 'dynv6'

const USER = 'alice'
const SECRET = 'dyn-Secret_0123456789'
const TTL = 60
/** What a service sees of whoever asks; published by mistake, it would be here. */
const CALLER = '198.51.100.99'

const filled = (text: string | null) => (text === null || text === '' ? undefined : text)
const hostname = (query: URLSearchParams) => query.get('hostname') ?? ''
const familyOf = (address: string) => (address.includes(':') ? 'AAAA' : 'A')
const classic = ['good', 'nochg', 'nohost', 'badauth'] as const

function afterPair(query: URLSearchParams, before: Host, [v4, v6]: readonly [string, string]) {
  if (!query.has(v4) && !query.has(v6)) return undefined
  return {
    ...before,
    ...(query.has(v4) ? { A: filled(query.get(v4)) } : {}),
    ...(query.has(v6) ? { AAAA: filled(query.get(v6)) } : {}),
  }
}

/** The upper half of one address and the lower half of another. */
function moved(host: string, prefix: string): string {
  const groups = (text: string) => {
    const [head = '', tail] = text.split('::').map((half) => half.split(':').filter(Boolean))
    const missing = 8 - head.length - (tail?.length ?? 0)
    return tail === undefined ? [...head] : [...head, ...Array(missing).fill('0'), ...tail]
  }
  const text = [...groups(prefix).slice(0, 4), ...groups(host).slice(4)].join(':')
  return new URL(`http://[${text}]`).hostname.slice(1, -1)
}

const DIALECTS: Readonly<Record<Dyndns2Name, Dialect>> = {
  dyn: {
    ...{ url: 'https://members.dyndns.org/v3/update', auth: 'basic', hostOf: hostname },
    words: classic,
    after(query) {
      const list = filled(query.get('myip'))?.split(',')
      // The family that is not named is gone.
      return list && Object.fromEntries(list.map((one) => [familyOf(one), one]))
    },
  },
  desec: {
    ...{ url: 'https://update.dedyn.io/update', auth: 'basic', hostOf: hostname, words: classic },
    after(query, before) {
      const [v4, v6] = [query.get('myipv4'), filled(query.get('myipv6'))]
      const isPrefix = v6?.endsWith('/64') === true
      return {
        A: v4 === 'preserve' ? before.A : v4 === null ? CALLER : filled(v4),
        // Where there is no address, there is none to be moved.
        AAAA: isPrefix ? before.AAAA && moved(before.AAAA, v6.slice(0, -3)) : v6,
      }
    },
  },
  he: {
    ...{ url: 'https://dyn.dns.he.net/nic/update', auth: 'password', hostOf: hostname },
    words: classic,
    after(query, before) {
      const address = filled(query.get('myip'))
      return address === undefined || address.includes(',')
        ? undefined
        : { ...before, [familyOf(address)]: address }
    },
  },
  inwx: {
    ...{ url: 'https://dyndns.inwx.com/nic/update', auth: 'basic', hostOf: hostname },
    words: classic,
    after: (query, before) => afterPair(query, before, ['myip', 'myipv6']),
  },
  duckdns: {
    ...{ url: 'https://www.duckdns.org/update', auth: 'token' },
    hostOf: (query) => `${query.get('domains') ?? ''}.duckdns.org`,
    words: ['UPDATED', 'NOCHANGE', 'KO', 'KO'],
    after(query, before) {
      const isClear = query.get('clear') === 'true'
      if (query.has('txt'))
        return { ...before, TXT: isClear ? undefined : (query.get('txt') ?? '') }
      return isClear ? { TXT: before.TXT } : afterPair(query, before, ['ip', 'ipv6'])
    },
  },
  dynv6: {
    ...{ url: 'https://dynv6.com/api/update', auth: 'token' },
    hostOf: (query) => query.get('zone') ?? '',
    words: [
      'addresses updated',
      'addresses unchanged',
      'zone not found',
      'invalid authentication token',
    ],
    after: (query, before) => afterPair(query, before, ['ipv4', 'ipv6']),
  },
}

/** https://help.dyn.com/remote-access-api/, with the manners of one service. */
export async function createDyndns2Fake(
  service: Dyndns2Name,
  zoneName = 'example.test',
): Promise<
  HostedFake & {
    queries(): readonly string[]
    dnsShows(before: boolean): void
    /** Hosts of the zone that nobody has added. */
    readonly missing: Set<string>
  }
> {
  const zone = parseName(zoneName)
  const dialect = DIALECTS[service]
  const hosts = new Map<string, Host>()
  /** What DNS shows while it is late. */
  let shown: ReadonlyMap<string, Host> | undefined
  /** Updates in a row that changed nothing; the second one blocks the host. */
  const idle = new Map<string, number>()
  const queries: string[] = []
  const missing = new Set<string>()
  const isOpen = service === 'desec' || service === 'dynv6'
  const [changed, same, unknown, unauthorised] = dialect.words

  const say = (body: string, status = 200): FakeAnswer => ({
    status,
    body,
    headers: { 'content-type': 'text/plain' },
  })

  function refuse({ headers, query }: FakeRequest): FakeAnswer | undefined {
    const agent = String(headers['user-agent'] ?? '')
    if (!/^reprefix\/\S+/.test(agent)) return say('badagent')
    const basic = `Basic ${Buffer.from(`${USER}:${SECRET}`).toString('base64')}`
    const isKnown =
      dialect.auth === 'basic'
        ? headers.authorization === basic
        : query.get(dialect.auth) === SECRET
    return isKnown ? undefined : say(unauthorised, isOpen ? 401 : 200)
  }

  function update({ query }: FakeRequest): FakeAnswer {
    queries.push(query.toString())
    const given = dialect.hostOf(query)
    const names = service === 'desec' ? given.split(',') : [given]
    if (!names.every((one) => one.includes('.'))) return say('notfqdn')
    const isOwn = (one: string) => (one === zone || one.endsWith(`.${zone}`)) && !missing.has(one)
    if (!names.every(isOwn)) return say(unknown, isOpen ? 404 : 200)
    const changes = names.map((name) => {
      const before = hosts.get(name) ?? {}
      return { name, before, after: dialect.after(query, before) ?? { ...before, A: CALLER } }
    })
    for (const one of changes) hosts.set(one.name, one.after)
    const isSame = changes.every(({ before, after }) =>
      (['A', 'AAAA', 'TXT'] as const).every((type) => before[type] === after[type]),
    )
    const { name = '', after = {} } = changes[0] ?? {}
    const count = isSame ? (idle.get(name) ?? 0) + 1 : 0
    idle.set(name, count)
    if (service === 'duckdns') {
      const { A = '', AAAA = '' } = query.has('clear') ? {} : after
      const told = query.has('txt') ? [query.get('txt') ?? ''] : [A, AAAA]
      return say(['OK', ...told, isSame ? same : changed].join('\n'))
    }
    if (count > 1 && !isOpen) return say('abuse')
    const told = dialect.auth === 'token' ? '' : ` ${[after.A, after.AAAA].filter(Boolean).join()}`
    return say(`${isSame ? same : changed}${told}`)
  }

  const api = await createFakeApi({
    baseUrl: dialect.url,
    unknown: say('not here', 404),
    refuse,
    routes: [{ ...{ method: 'GET', path: '/', kind: 'write' }, answer: update }],
  })
  hosts.set(`mail.${zone}`, { A: '192.0.2.25', AAAA: '2001:db8::25' })
  const bystander = JSON.stringify(hosts.get(`mail.${zone}`))

  return {
    api,
    zone,
    secrets: [SECRET, Buffer.from(`${USER}:${SECRET}`).toString('base64')],
    authorise: ({ method }) => ({ method, headers: { 'user-agent': 'reprefix/0 (recorded)' } }),
    load: () => undefined,
    async lookup(name, type) {
      const address = (shown ?? hosts).get(name)?.[type]
      return address === undefined ? [] : [address]
    },
    seed({ name, type, values }) {
      hosts.set(name, { ...hosts.get(name), [type]: values[0] })
    },
    look({ name, type }) {
      const value = hosts.get(name)?.[type]
      return value === undefined ? null : { ttl: TTL, values: [value] }
    },
    errorAnswer: (status, text) => say(`out of order: ${text}`, status),
    errorInside: (text) => say(`surprise ${text}`),
    bystander: () => JSON.stringify(hosts.get(`mail.${zone}`)) === bystander,
    queries: () => queries,
    missing,
    dnsShows(before) {
      shown = before ? new Map([...hosts].map(([name, host]) => [name, { ...host }])) : undefined
    },
  }
}

const common = { type: 'dyndns2', zone: 'example.test' } as const

/** What cloud.yaml holds for services of each kind. */
export const dyndns2Settings = {
  basic: { ...common, username: USER, password: SECRET },
  token: { ...common, token: SECRET },
  password: { ...common, password: SECRET },
} as const
