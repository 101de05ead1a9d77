import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'

interface NetcupRecord {
  readonly id: string
  readonly hostname: string
  readonly type: string
  readonly priority: string
  readonly destination: string
}
type Given = Partial<NetcupRecord> & { readonly deleterecord?: boolean }
interface Param {
  readonly customernumber?: string
  readonly apikey?: string
  readonly apipassword?: string
  readonly apisessionid?: string
  readonly domainname?: string
  readonly dnsrecordset?: { readonly dnsrecords: readonly Given[] }
}
interface Call {
  readonly action?: string
  readonly param?: Param
}

const CUSTOMER = '123456'
const KEY = 'netcup-key-0123456789abcdefghijkl'
const PASSWORD = 'netcup-password-0123456789abcdef'
const ZONE_TTL = 86_400
/** Of recorded requests, whose own one is masked. */
const RECORDED = 'session-of-the-recording'

/** https://ccp.netcup.net/run/webservice/servers/endpoint.php, in its JSON form. */
export async function createNetcupFake(
  zoneName = 'example.test',
): Promise<HostedFake & { sessions(): number; endSessions(): void }> {
  const zone = parseName(zoneName)
  const sessions = new Set([RECORDED])
  let records: NetcupRecord[] = []
  let count = 11_758_000
  let logins = 0

  const say = (
    [status, statuscode, shortmessage, longmessage]: readonly [string, number, string, string],
    responsedata: unknown = '',
    action = '',
  ): FakeAnswer => ({
    status: 200,
    body: {
      ...{ serverrequestid: 'VVT21k24FyQT0A2b2x11IsUM9M0j', clientrequestid: '', action, status },
      ...{ statuscode, shortmessage, longmessage, responsedata },
    },
  })
  const ok = (action: string, data: unknown) =>
    say(['success', 2000, 'Done', 'It was done successfully.'], data, action)
  const invalid = (text: string) => say(['error', 4013, 'Validation Error.', text])
  const shown = () => ({
    dnsrecords: records.map((one) => ({ ...one, deleterecord: false, state: 'unknown' })),
  })

  function login({ customernumber, apikey, apipassword }: Param): FakeAnswer {
    if (customernumber !== CUSTOMER || apikey !== KEY || apipassword !== PASSWORD) {
      return invalid('The login to the API failed.')
    }
    logins += 1
    const apisessionid = `session-${logins}-0123456789abcdef`
    sessions.add(apisessionid)
    return ok('login', { apisessionid })
  }

  function faultOf({ hostname = '', type = '', destination = '' }: Given): FakeAnswer | undefined {
    const isOutside = hostname === '' || hostname.endsWith('.') || hostname.endsWith(zone)
    if (isOutside || type === '' || destination === '') return invalid('The record is not valid.')
    return type === 'TXT' && (destination.length > 255 || /["\\]/.test(destination))
      ? invalid('The destination is not valid.')
      : undefined
  }

  /** All of them, or none. */
  function update(given: readonly Given[]): FakeAnswer {
    let after = records
    for (const one of given) {
      const fault = faultOf(one)
      if (fault !== undefined) return fault
      const { hostname = '', type = '', destination = '', priority = '0', id } = one
      const before = after.find((other) => other.id === id)
      if (id !== undefined && before?.hostname !== hostname) {
        return say(['error', 5031, 'Record not found', 'The record was not found.'])
      }
      if (one.deleterecord === true) {
        if (before?.destination !== destination || before.type !== type) {
          return invalid('The record to delete is another one.')
        }
        after = after.filter((other) => other.id !== id)
        continue
      }
      const record = { id: id ?? String(++count), hostname, type, priority, destination }
      after = [...after.filter((other) => other.id !== id), record]
    }
    records = after
    return ok('updateDnsRecords', shown())
  }

  function answer({ body }: FakeRequest): FakeAnswer {
    const { action = '', param = {} } = body as Call
    if (action === 'login') return login(param)
    if (param.customernumber !== CUSTOMER || param.apikey !== KEY) {
      return invalid('The api key is not valid.')
    }
    if (!sessions.has(param.apisessionid ?? '')) {
      const text = 'The session id is not in a valid format.'
      return say(['error', 4001, 'Api session id in invalid format', text])
    }
    if (action === 'logout') {
      sessions.delete(param.apisessionid ?? '')
      return ok(action, '')
    }
    if (param.domainname !== zone) {
      return say(['error', 5031, 'Domain not found', 'This domain was not found.'])
    }
    if (action === 'infoDnsRecords') return ok(action, shown())
    if (action === 'updateDnsRecords') return update(param.dnsrecordset?.dnsrecords ?? [])
    if (action !== 'infoDnsZone') return invalid('Unknown action.')
    const timers = { serial: '2026013101', refresh: '28800', retry: '7200', expire: '1209600' }
    return ok(action, { name: zone, ttl: String(ZONE_TTL), ...timers, dnssecstatus: false })
  }

  const api = await createFakeApi({
    baseUrl: 'https://ccp.netcup.net/run/webservice/servers',
    unknown: { status: 404, body: '<html>not found</html>' },
    refuse: ({ query }) => (query.has('JSON') ? undefined : { status: 200, body: '<soap/>' }),
    routes: [
      {
        ...{ method: 'POST', path: '/endpoint.php' },
        kind: (body) => ((body as Call).action === 'updateDnsRecords' ? 'write' : 'read'),
        answer,
      },
    ],
  })
  records.push({
    ...{ id: '405422', hostname: '@', type: 'MX', priority: '10' },
    destination: `mail.${zone}`,
  })
  const bystanders = JSON.stringify(records)
  const relative = (name: string) => (name === zone ? '@' : name.slice(0, -zone.length - 1))
  const isOf = (name: string, type: string) => (one: NetcupRecord) =>
    one.hostname === relative(name) && one.type === type

  return {
    api,
    zone,
    secrets: [KEY, PASSWORD],
    sessions: () => sessions.size - 1,
    endSessions: () => sessions.clear(),
    authorise({ method, body }) {
      const call = JSON.parse(body) as Call
      const own = { customernumber: CUSTOMER, apikey: KEY, apipassword: PASSWORD }
      const param = { ...own, apisessionid: RECORDED, domainname: zone, ...call.param }
      return { method, body: JSON.stringify({ ...call, param }) }
    },
    load(answered) {
      const { responsedata } = answered as { responsedata?: { dnsrecords?: NetcupRecord[] } }
      for (const { id, hostname, type, priority, destination } of responsedata?.dnsrecords ?? []) {
        records = records.filter((one) => one.id !== id)
        records.push({ id, hostname, type, priority, destination })
      }
    },
    seed({ name, type, values }) {
      records = records.filter((one) => !isOf(name, type)(one))
      for (const destination of values) {
        const own = { hostname: relative(name), type, priority: '0', destination }
        records.push({ id: String(++count), ...own })
      }
    },
    look({ name, type }) {
      const found = records.filter(isOf(name, type))
      const values = found.map(({ destination }) => destination).sort()
      return found.length === 0 ? null : { ttl: ZONE_TTL, values }
    },
    errorAnswer: (status, text) => ({ ...say(['error', 9999, 'Some error', text]), status }),
    errorInside: (text) => say(['error', 9999, 'Some error', text]),
    bystander: () => JSON.stringify(records.slice(0, 1)) === bystanders,
  }
}

/** What cloud.yaml holds for it. */
export const netcupSettings = {
  type: 'netcup',
  customer: CUSTOMER,
  apiKey: KEY,
  password: PASSWORD,
} as const
