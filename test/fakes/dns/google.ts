import { createVerify, generateKeyPairSync } from 'node:crypto'
import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest, withHeaders } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'
import { presentTxt, readTxt } from './presentation.ts'

interface GoogleSet {
  readonly name: string
  readonly type: string
  readonly ttl: number
  readonly rrdatas: readonly string[]
}

const PROJECT = 'named-archway-209418'
const EMAIL = `dns@${PROJECT}.iam.gserviceaccount.com`
const TOKEN = 'ya29.c.0123456789-abcdefghijklmnopqrstuvwxyz'
const KEYS = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})
const AT = '2026-01-31T12:00:00.000Z'

/** https://cloud.google.com/dns/docs/reference/rest/v1 */
export async function createGoogleFake(zoneName = 'example.test'): Promise<HostedFake> {
  const zone = `${parseName(zoneName)}.`
  const zoneId = '699036609868956548'
  const sets = new Map<string, GoogleSet>()
  const changes: { readonly id: string; readonly body: object; polls: number }[] = []
  let pageLimit = 100

  const fail = (status: number, reason: string, message: string): FakeAnswer => ({
    status,
    body: { error: { code: status, message, errors: [{ message, domain: 'global', reason }] } },
  })
  const keyOf = ({ name, type }: Pick<GoogleSet, 'name' | 'type'>) => `${name} ${type}`
  const shown = (set: GoogleSet) => ({ kind: 'dns#resourceRecordSet', ...set })
  const shownZone = (id: string, visibility: string) => ({
    ...{ kind: 'dns#managedZone', id, name: `zone-${visibility}`, dnsName: zone, description: '' },
    ...{ nameServers: ['ns-cloud-c1.googledomains.com.'], creationTime: AT, visibility },
  })

  /** A JWT grant (RFC 7523) that is signed with the key of the account and lives for an hour. */
  function grantToken({ body }: FakeRequest): FakeAnswer {
    const { grant_type: type, assertion = '' } = body as Record<string, string>
    const refusal = { status: 400, body: { error: 'invalid_grant', error_description: 'Bad JWT' } }
    const [header = '', claims = '', signature = ''] = assertion.split('.')
    const isSigned = createVerify('RSA-SHA256')
      .update(`${header}.${claims}`)
      .verify(KEYS.publicKey, Buffer.from(signature, 'base64url'))
    if (!isSigned || type !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') return refusal
    const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    const { iss, aud, scope, iat, exp } = read(claims)
    const isFine =
      read(header).alg === 'RS256' &&
      iss === EMAIL &&
      aud === 'https://oauth2.googleapis.com/token' &&
      scope === 'https://www.googleapis.com/auth/ndev.clouddns.readwrite' &&
      exp > iat &&
      exp - iat <= 3600
    if (!isFine) return refusal
    return { status: 200, body: { access_token: TOKEN, token_type: 'Bearer', expires_in: 3599 } }
  }

  function faultOf({ name, type, ttl, rrdatas }: GoogleSet): FakeAnswer | undefined {
    const isInside = name === zone || name.endsWith(`.${zone}`)
    const isQuoted = type !== 'TXT' || rrdatas.every((one) => readTxt(one) !== undefined)
    return isInside && isQuoted && ttl >= 0 && rrdatas.length > 0
      ? undefined
      : fail(400, 'invalid', `Invalid value for 'entity.change.additions' ${name}`)
  }

  /** Everything or nothing: what is deleted must be there, and be exactly so. */
  function change({ body }: FakeRequest): FakeAnswer {
    const { additions = [], deletions = [] } = body as {
      readonly additions?: readonly GoogleSet[]
      readonly deletions?: readonly GoogleSet[]
    }
    if (additions.length > 1000 || deletions.length > 1000) return fail(400, 'invalid', 'too many')
    const after = new Map(sets)
    for (const set of deletions) {
      const found = after.get(keyOf(set))
      if (found === undefined) return fail(404, 'notFound', `${keyOf(set)} does not exist`)
      const own = JSON.stringify([set.ttl, [...set.rrdatas].sort()])
      if (own !== JSON.stringify([found.ttl, [...found.rrdatas].sort()])) {
        return fail(412, 'conditionNotMet', `Precondition not met for ${keyOf(set)}`)
      }
      after.delete(keyOf(set))
    }
    for (const { name, type, ttl, rrdatas } of additions) {
      const set = { name, type, ttl, rrdatas }
      const fault = faultOf(set)
      if (fault !== undefined) return fault
      if (after.has(keyOf(set))) return fail(409, 'alreadyExists', `${keyOf(set)} already exists`)
      after.set(keyOf(set), set)
    }
    sets.clear()
    for (const [key, set] of after) sets.set(key, set)
    const id = String(changes.length + 1)
    const made = {
      ...{ kind: 'dns#change', id, startTime: AT },
      ...(additions.length === 0 ? {} : { additions: additions.map(shown) }),
      ...(deletions.length === 0 ? {} : { deletions: deletions.map(shown) }),
    }
    changes.push({ id, body: made, polls: 0 })
    return { status: 200, body: { ...made, status: 'pending' } }
  }

  function list({ query }: FakeRequest): FakeAnswer {
    const wanted = [...sets.values()].filter(
      ({ name, type }) =>
        (query.get('name') ?? name) === name && (query.get('type') ?? type) === type,
    )
    const start = Number(query.get('pageToken') ?? 0)
    const end = start + pageLimit
    const rrsets = wanted.slice(start, end).map(shown)
    const next = end < wanted.length ? { nextPageToken: String(end) } : {}
    return { status: 200, body: { kind: 'dns#resourceRecordSetsListResponse', rrsets, ...next } }
  }

  const inZone = (act: (request: FakeRequest) => FakeAnswer) => (request: FakeRequest) =>
    request.params[0] === zoneId ? act(request) : fail(404, 'notFound', 'zone not found')
  const path = '/managedZones/:zone'
  const api = await createFakeApi({
    baseUrl: `https://dns.googleapis.com/dns/v1/projects/${PROJECT}`,
    otherUrls: {
      'https://oauth2.googleapis.com/token': '/token',
      // As it was called when it was recorded.
      [`https://content.googleapis.com/dns/v1/projects/${PROJECT}`]: '',
    },
    unknown: fail(404, 'notFound', 'not found'),
    refuse: ({ headers, body }) =>
      headers.authorization === `Bearer ${TOKEN}` || Object.hasOwn(Object(body), 'assertion')
        ? undefined
        : fail(401, 'authError', 'Invalid Credentials'),
    routes: [
      { ...{ method: 'POST', path: '/token', kind: 'read' }, answer: grantToken },
      {
        ...{ method: 'GET', path: '/managedZones', kind: 'read' },
        answer({ query }) {
          const found = (query.get('dnsName') ?? zone) === zone
          const managedZones = [shownZone('17', 'private'), shownZone(zoneId, 'public')]
          const body = { kind: 'dns#managedZonesListResponse' }
          return { status: 200, body: found ? { ...body, managedZones } : body }
        },
      },
      { ...{ method: 'GET', path: `${path}/rrsets`, kind: 'read' }, answer: inZone(list) },
      { ...{ method: 'POST', path: `${path}/changes`, kind: 'write' }, answer: inZone(change) },
      {
        ...{ method: 'GET', path: `${path}/changes/:id`, kind: 'read' },
        answer: inZone(({ params }) => {
          const found = changes.find(({ id }) => id === params[1])
          if (found === undefined) return fail(404, 'notFound', 'change not found')
          found.polls += 1
          return {
            status: 200,
            body: { ...found.body, status: found.polls > 1 ? 'done' : 'pending' },
          }
        }),
      },
    ],
  })
  const put = (set: GoogleSet) => void sets.set(keyOf(set), set)
  put({ name: zone, type: 'NS', ttl: 21_600, rrdatas: ['ns-cloud-c1.googledomains.com.'] })
  put({ name: `mail.${zone}`, type: 'A', ttl: 300, rrdatas: ['192.0.2.25'] })
  const bystanders = JSON.stringify([...sets.values()])

  return {
    api,
    zone: parseName(zoneName),
    secrets: [TOKEN, ...KEYS.privateKey.split('\n').filter((line) => line.length > 60)],
    authorise: withHeaders({ authorization: `Bearer ${TOKEN}` }),
    load(answer) {
      const { rrsets = [] } = answer as { rrsets?: GoogleSet[] }
      for (const { name, type, ttl, rrdatas } of rrsets) put({ name, type, ttl, rrdatas })
    },
    seed({ name, type, ttl, values }) {
      const rrdatas = values.map((value) => (type === 'TXT' ? presentTxt(value) : value))
      put({ name: `${name}.`, type, ttl, rrdatas })
    },
    look({ name, type }) {
      const set = sets.get(keyOf({ name: `${name}.`, type }))
      if (set === undefined) return null
      const values = set.rrdatas.map((one) => (type === 'TXT' ? (readTxt(one) ?? one) : one))
      return { ttl: set.ttl, values: values.sort() }
    },
    errorAnswer: (status, text) => fail(status, 'someReason', text),
    pageSize(size) {
      pageLimit = size
    },
    bystander: () =>
      JSON.stringify(
        [...sets.values()].filter((set) => bystanders.includes(JSON.stringify(set))),
      ) === bystanders,
  }
}

/** What cloud.yaml holds for it. */
export const googleSettings = {
  type: 'google',
  secret: JSON.stringify({
    ...{ type: 'service_account', project_id: PROJECT, client_email: EMAIL },
    private_key: KEYS.privateKey,
  }),
} as const
