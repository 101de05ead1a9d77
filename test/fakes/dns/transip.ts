import { createVerify, generateKeyPairSync } from 'node:crypto'
import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest, withHeaders } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'

interface Entry {
  readonly name: string
  readonly expire: number
  readonly type: string
  readonly content: string
}

const LOGIN = 'alice'
const TOKEN = 'eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzUxMiJ9.0123456789.abcdefghijklmnop'
const KEYS = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})
const API = 'https://api.transip.nl/v6'

/** https://api.transip.nl/rest/docs.html#domains-dns */
export async function createTransipFake(
  zoneName = 'example.test',
): Promise<HostedFake & { tokens(): number; revoke(): void }> {
  const zone = parseName(zoneName)
  const self = `${API}/domains/${zone}`
  const nonces = new Set<string>()
  let entries: readonly Entry[] = []
  let tokens = 0
  let isRevoked = false

  const ok = (body: unknown, status = 200): FakeAnswer => ({ status, body })
  const fail = (status: number, error: string): FakeAnswer => ({ status, body: { error } })
  const isSame = (a: Entry, b: Entry) =>
    a.name === b.name && a.expire === b.expire && a.type === b.type && a.content === b.content

  /** A request that is signed with the key of the account, and that nobody has sent before. */
  function authenticate({ headers, text, body }: FakeRequest): FakeAnswer {
    const signature = Buffer.from(String(headers.signature ?? ''), 'base64')
    if (!createVerify('RSA-SHA512').update(text).verify(KEYS.publicKey, signature)) {
      return fail(401, 'The signature is invalid')
    }
    const { login, nonce = '', ...rest } = body as Record<string, unknown>
    if (login !== LOGIN) return fail(401, 'Authentication failed, no such account')
    if (typeof nonce !== 'string' || !/^\w{6,32}$/.test(nonce) || nonces.has(nonce)) {
      return fail(406, 'The nonce is invalid')
    }
    nonces.add(nonce)
    if (!/^\d+ minutes$/.test(String(rest.expiration_time)) || rest.global_key !== true) {
      return fail(406, 'The token cannot be used from here')
    }
    tokens += 1
    isRevoked = false
    return ok({ token: TOKEN }, 201)
  }

  function faultOf({ name, expire, type, content }: Entry): FakeAnswer | undefined {
    if (name === '' || name.endsWith(zone)) return fail(406, `Invalid DNS entry name '${name}'`)
    if (!/^(?:A|AAAA|CNAME|MX|NS|TXT|SRV|CAA)$/.test(type)) {
      return fail(406, `Invalid DNS entry type '${type}'`)
    }
    if (!(expire >= 60 && expire <= 86_400)) return fail(406, `Invalid DNS entry TTL '${expire}'`)
    const isText = type !== 'TXT' || !(/["\\]/.test(content) || content.length > 1024)
    return isText ? undefined : fail(406, `Invalid DNS entry content '${content}'`)
  }

  const inZone =
    (act: (given: Entry) => FakeAnswer) =>
    ({ params, body }: FakeRequest): FakeAnswer => {
      if (params[0] !== zone) return fail(404, `Domain with name '${params[0]}' not found`)
      const given = (body as { dnsEntry?: Entry } | undefined)?.dnsEntry
      const { name = '', expire = 0, type = '', content = '' } = given ?? {}
      return act({ name, expire, type, content })
    }
  const path = '/domains/:domain/dns'
  const api = await createFakeApi({
    baseUrl: API,
    unknown: fail(404, 'Unknown resource'),
    refuse: ({ headers, path: at }) => {
      if (at === '/auth') return undefined
      return headers.authorization === `Bearer ${TOKEN}` && !isRevoked
        ? undefined
        : fail(401, 'Your access token has been revoked')
    },
    routes: [
      { ...{ method: 'POST', path: '/auth', kind: 'read' }, answer: authenticate },
      {
        ...{ method: 'GET', path: '/domains/:domain', kind: 'read' },
        answer: inZone(() =>
          ok({
            domain: {
              ...{ name: zone, authCode: 'x', isTransferLocked: false, isWhitelabel: false },
              ...{ registrationDate: '2020-01-05', renewalDate: '2023-01-05', tags: [] },
              ...{ cancellationDate: '', cancellationStatus: '', hasActionRunning: false },
              ...{ isDnsOnly: false, supportsLocking: false, hasAutoDns: false },
            },
            _links: [{ rel: 'self', link: self }],
          }),
        ),
      },
      {
        ...{ method: 'GET', path, kind: 'read' },
        answer: inZone(() =>
          ok({ dnsEntries: entries, _links: [{ rel: 'self', link: `${self}/dns` }] }),
        ),
      },
      {
        ...{ method: 'POST', path, kind: 'write' },
        answer: inZone((given) => {
          const fault = faultOf(given)
          if (fault !== undefined) return fault
          entries = [...entries, given]
          return ok([], 201)
        }),
      },
      {
        ...{ method: 'PATCH', path, kind: 'write' },
        answer: inZone((given) => {
          const { name, expire, type, content } = given
          const found = entries.filter((one) => isSame(one, { ...given, content: one.content }))
          if (found.length !== 1) {
            const count = found.length === 0 ? 'No' : 'Multiple'
            return fail(406, `${count} matches found for DNS entry '${name} ${expire} ${type}'`)
          }
          const fault = faultOf(given)
          if (fault !== undefined) return fault
          entries = entries.map((one) => (one === found[0] ? { ...one, content } : one))
          return ok(undefined, 204)
        }),
      },
      {
        ...{ method: 'DELETE', path, kind: 'write' },
        answer: inZone((given) => {
          const at = entries.findIndex((one) => isSame(one, given))
          if (at < 0) return fail(404, `DNS entry '${given.name}' not found`)
          entries = entries.filter((_, index) => index !== at)
          return ok(undefined, 204)
        }),
      },
    ],
  })
  entries = [
    { name: '@', expire: 86_400, type: 'MX', content: `10 mail.${zone}.` },
    { name: 'mail', expire: 300, type: 'A', content: '192.0.2.25' },
  ]
  const bystanders = JSON.stringify(entries)
  const nameOf = (name: string) => (name === zone ? '@' : name.slice(0, -zone.length - 1))
  const isOf = (name: string, type: string) => (one: Entry) =>
    one.name === nameOf(name) && one.type === type

  return {
    api,
    zone,
    secrets: [TOKEN, ...KEYS.privateKey.split('\n').filter((line) => line.length > 60)],
    authorise: withHeaders({ authorization: `Bearer ${TOKEN}` }),
    load(answer) {
      const { dnsEntries = [] } = answer as { dnsEntries?: readonly Entry[] }
      if (dnsEntries.length > 0) entries = dnsEntries
    },
    seed({ name, type, ttl, values }) {
      const own = values.map((content) => ({ name: nameOf(name), expire: ttl, type, content }))
      entries = [...entries.filter((one) => !isOf(name, type)(one)), ...own]
    },
    look({ name, type }) {
      const found = entries.filter(isOf(name, type))
      const [first] = found
      if (first === undefined) return null
      return { ttl: first.expire, values: found.map(({ content }) => content).sort() }
    },
    errorAnswer: (status, text) => fail(status, text),
    bystander: () => JSON.stringify(entries.slice(0, 2)) === bystanders,
    tokens: () => tokens,
    revoke() {
      isRevoked = true
    },
  }
}

/** What cloud.yaml holds for it. */
export const transipSettings = {
  type: 'transip',
  login: LOGIN,
  privateKey: KEYS.privateKey,
} as const
