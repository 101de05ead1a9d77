import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest, withHeaders } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'
import { presentTxt, readTxt } from './presentation.ts'

interface PdnsSet {
  readonly name: string
  readonly type: string
  readonly ttl: number
  readonly records: readonly { readonly content: string; readonly disabled: boolean }[]
  readonly comments: readonly object[]
}
interface Change extends Partial<PdnsSet> {
  readonly changetype?: string
}

const TOKEN = 'pdns-0123456789abcdefghijkl'
const URL_BASE = 'http://127.0.0.1:8081'
const ZONES = '/api/v1/servers/localhost/zones'
/** Beside every address that is seeded; not served, and not to be lost. */
const DISABLED = { A: '192.0.2.66', AAAA: '2001:db8::66', TXT: '"switched off"' }

/** https://doc.powerdns.com/authoritative/http-api/zone.html, as version 4.7 answers. */
export async function createPowerDnsFake(zoneName = 'example.test'): Promise<HostedFake> {
  const zone = `${parseName(zoneName)}.`
  const sets = new Map<string, PdnsSet>()
  const seeded = new Map<string, string>()
  let serial = 0

  const fail = (status: number, error: string): FakeAnswer => ({ status, body: { error } })
  const text = (status: number, body: string): FakeAnswer => ({ status, body })
  const keyOf = ({ name, type }: Pick<PdnsSet, 'name' | 'type'>) => `${name}/${type}`
  const shownZone = () => ({
    ...{ account: '', dnssec: false, id: zone, kind: 'Master', last_check: 0, masters: [] },
    ...{ name: zone, notified_serial: 0, serial, url: `${ZONES}/${zone}` },
  })
  const wholeZone = () => ({
    ...shownZone(),
    ...{ api_rectify: false, nsec3narrow: false, nsec3param: '', soa_edit: '', soa_edit_api: '' },
    rrsets: [...sets.values()],
  })

  function faultOf({ name = '', type = '', ttl, records, changetype }: Change) {
    if (!name.endsWith('.')) return fail(422, `DNS Name '${name}' is not canonical`)
    if (name !== zone && !name.endsWith(`.${zone}`)) {
      return fail(422, `RRset ${name} IN ${type}: Name is out of zone`)
    }
    if (changetype === 'DELETE') return undefined
    if (changetype !== 'REPLACE') return fail(422, 'Changetype not understood')
    if (ttl === undefined) return fail(422, "Key 'ttl' not an Integer or not present")
    const contents = (records ?? []).map(({ content }) => content)
    if (new Set(contents).size !== contents.length) {
      return fail(422, `Duplicate record in RRset ${name} IN ${type}`)
    }
    const isQuoted = type !== 'TXT' || contents.every((one) => readTxt(one) !== undefined)
    return isQuoted ? undefined : fail(422, `Record ${name}/${type}: Not in expected format`)
  }

  /** All or none of them. */
  function patch({ body }: FakeRequest): FakeAnswer {
    const { rrsets } = body as { readonly rrsets: readonly Change[] }
    for (const change of rrsets) {
      const fault = faultOf(change)
      if (fault !== undefined) return fault
    }
    for (const { name = '', type = '', ttl = 0, records = [], comments, changetype } of rrsets) {
      const before = sets.get(keyOf({ name, type }))
      const set = { name, type, ttl, records, comments: comments ?? before?.comments ?? [] }
      if (changetype === 'DELETE' || records.length === 0) sets.delete(keyOf(set))
      else sets.set(keyOf(set), set)
    }
    serial += 1
    return { status: 204 }
  }

  const inZone = (act: (request: FakeRequest) => FakeAnswer) => (request: FakeRequest) =>
    request.params[0] === zone ? act(request) : text(404, 'Not Found')
  const api = await createFakeApi({
    baseUrl: URL_BASE,
    unknown: text(404, 'Not Found'),
    refuse: ({ headers }) =>
      headers['x-api-key'] === TOKEN ? undefined : text(401, 'Unauthorized'),
    routes: [
      {
        ...{ method: 'GET', path: ZONES, kind: 'read' },
        answer({ query }) {
          const name = query.get('zone') ?? zone
          if (!name.endsWith('.')) return fail(422, `DNS Name '${name}' is not canonical`)
          return { status: 200, body: name === zone ? [shownZone()] : [] }
        },
      },
      {
        ...{ method: 'GET', path: `${ZONES}/:zone`, kind: 'read' },
        answer: inZone(() => ({ status: 200, body: wholeZone() })),
      },
      { ...{ method: 'PATCH', path: `${ZONES}/:zone`, kind: 'write' }, answer: inZone(patch) },
    ],
  })

  return {
    api,
    zone: parseName(zoneName),
    secrets: [TOKEN],
    authorise: withHeaders({ 'x-api-key': TOKEN }),
    load(answer) {
      const { rrsets = [] } = answer as { rrsets?: PdnsSet[] }
      for (const set of rrsets) sets.set(keyOf(set), set)
    },
    seed({ name, type, ttl, values }) {
      const key = { name: `${name}.`, type }
      const records = values.map((value) => ({
        content: type === 'TXT' ? presentTxt(value) : value,
        disabled: false,
      }))
      const disabled = { content: DISABLED[type], disabled: true }
      const comments = [{ account: 'me', content: 'left there', modified_at: 1_700_000_000 }]
      sets.set(keyOf(key), { ...key, ttl, records: [...records, disabled], comments })
      seeded.set(keyOf(key), disabled.content)
    },
    look({ name, type }) {
      const set = sets.get(keyOf({ name: `${name}.`, type }))
      const served = (set?.records ?? []).filter(({ disabled }) => !disabled)
      if (set === undefined || served.length === 0) return null
      const values = served.map(({ content }) =>
        type === 'TXT' ? (readTxt(content) ?? content) : content,
      )
      return { ttl: set.ttl, values: values.sort() }
    },
    errorAnswer: (status, words) => fail(status, words),
    bystander: () =>
      [...seeded].every(([key, disabled]) => {
        const set = sets.get(key)
        const isThere = set?.records.some((one) => one.disabled && one.content === disabled)
        return isThere === true && set?.comments.length === 1
      }),
  }
}

/** What cloud.yaml holds for it. */
export const powerdnsSettings = { type: 'powerdns', url: `${URL_BASE}/`, token: TOKEN } as const
