import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest, withHeaders } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'

interface BunnyRecord {
  readonly Id: number
  readonly Type: number
  readonly Name: string
  readonly Value: string
  readonly Ttl: number
  readonly Comment: string
  readonly Disabled: boolean
  readonly Weight: number
  readonly SmartRoutingType: number
}
type Body = Partial<BunnyRecord>

const ACCESS_KEY = 'bunny-01234567-89ab-cdef-0123-456789abcdef'
const ZONE_ID = 12_345
const NUMBERS: Readonly<Record<string, number>> = { A: 0, AAAA: 1, CNAME: 2, TXT: 3, MX: 4 }

/** From the description of the API alone: there is no recording of this service. */
export async function createBunnyFake(zoneName = 'example.test'): Promise<HostedFake> {
  const zone = parseName(zoneName)
  let records: BunnyRecord[] = []
  let count = 67_890

  const fail = (status: number, ErrorKey: string, Message: string, Field = ''): FakeAnswer => ({
    status,
    body: { ErrorKey, Field, Message },
  })
  const missing = fail(404, 'dnszone.record.not_found', 'The requested record was not found', 'Id')
  const shown = (record: BunnyRecord) => ({
    ...record,
    ...{ Priority: 0, Port: 0, Flags: 0, Tag: '', Accelerated: false, AcceleratedPullZoneId: 0 },
    ...{ LinkName: '', MonitorStatus: 0, MonitorType: 0, LatencyZone: null },
    ...{ GeolocationLatitude: 0, GeolocationLongitude: 0, EnviromentalVariables: [] },
    ...{ AutoSslIssuance: true, IPGeoLocationInfo: null, GeolocationInfo: null },
  })
  const shownZone = (Domain: string, Id: number) => ({
    ...{ Id, Domain, Records: Domain === zone ? records.map(shown) : [] },
    ...{ Nameserver1: 'kiki.bunny.net', Nameserver2: 'coco.bunny.net', LoggingEnabled: false },
  })

  function faultOf({ Type, Name, Value = '', Ttl = 300 }: Body): FakeAnswer | undefined {
    const invalid = (field: string) => fail(400, 'validation_error', 'It is not valid', field)
    if (typeof Type !== 'number') return invalid('Type')
    if (Name === '@' || Name?.endsWith(zone)) return invalid('Name')
    if (Ttl < 60) return invalid('Ttl')
    if (Type === 3 && (Value.includes('"') || Value.length > 255)) return invalid('Value')
    return undefined
  }
  /** What is left out gets its default. */
  const filled = (Id: number, body: Body): BunnyRecord => ({
    ...{ Id, Type: 0, Name: '', Value: '', Ttl: 300, Comment: '', Disabled: false },
    ...{ Weight: 100, SmartRoutingType: 0 },
    ...Object.fromEntries(
      Object.entries(body).filter(([key]) =>
        /^(?:Type|Name|Value|Ttl|Comment|Disabled|Weight|SmartRoutingType)$/.test(key),
      ),
    ),
  })

  function create(body: Body): FakeAnswer {
    const fault = faultOf(body)
    if (fault !== undefined) return fault
    const record = filled(++count, body)
    records.push(record)
    return { status: 201, body: shown(record) }
  }

  const inZone = (act: (request: FakeRequest) => FakeAnswer) => (request: FakeRequest) =>
    request.params[0] === String(ZONE_ID)
      ? act(request)
      : fail(404, 'dnszone.zone.not_found', 'The requested DNS zone was not found', 'Id')
  const path = '/dnszone/:zone/records'
  const api = await createFakeApi({
    baseUrl: 'https://api.bunny.net',
    unknown: { status: 404, body: { Message: 'No HTTP resource was found.' } },
    refuse: ({ headers }) =>
      headers.accesskey === ACCESS_KEY
        ? undefined
        : {
            status: 401,
            body: { Message: 'Authorization has been denied for this request.' },
          },
    routes: [
      {
        ...{ method: 'GET', path: '/dnszone', kind: 'read' },
        answer({ query }) {
          const perPage = Number(query.get('perPage') ?? 1000)
          if (perPage < 5 || perPage > 1000) return fail(400, 'validation_error', 'no', 'PerPage')
          const found = [shownZone(`sub.${zone}`, 7), shownZone(zone, ZONE_ID)].filter(
            ({ Domain }) => Domain.includes(query.get('search') ?? ''),
          )
          const page = Number(query.get('page') ?? 1)
          // One item a page, whatever is asked for: pages are to be followed.
          return {
            status: 200,
            body: {
              ...{ Items: found.slice(page - 1, page), CurrentPage: page },
              ...{ TotalItems: found.length, HasMoreItems: page < found.length },
            },
          }
        },
      },
      {
        ...{ method: 'GET', path: '/dnszone/:zone', kind: 'read' },
        answer: inZone(() => ({ status: 200, body: shownZone(zone, ZONE_ID) })),
      },
      {
        ...{ method: 'PUT', path, kind: 'write' },
        answer: inZone(({ body }) => create(body as Body)),
      },
      {
        ...{ method: 'POST', path: `${path}/:id`, kind: 'write' },
        answer: inZone(({ params, body }) => {
          const before = records.find(({ Id }) => String(Id) === params[1])
          if (before === undefined) return missing
          const fault = faultOf(body as Body)
          if (fault !== undefined) return fault
          const record = filled(before.Id, body as Body)
          records = records.map((one) => (one.Id === before.Id ? record : one))
          return { status: 204 }
        }),
      },
      {
        ...{ method: 'DELETE', path: `${path}/:id`, kind: 'write' },
        answer: inZone(({ params }) => {
          const rest = records.filter(({ Id }) => String(Id) !== params[1])
          if (rest.length === records.length) return missing
          records = rest
          return { status: 204 }
        }),
      },
    ],
  })
  create({ Type: NUMBERS.MX ?? 4, Name: '', Value: `mail.${zone}`, Comment: 'x' })
  create({ Type: NUMBERS.A ?? 0, Name: 'off', Value: '192.0.2.1', Disabled: true })
  const bystanders = JSON.stringify(records)
  const nameOf = (name: string) => (name === zone ? '' : name.slice(0, -zone.length - 1))
  const isOf = (name: string, type: string) => (one: BunnyRecord) =>
    one.Name === nameOf(name) && one.Type === NUMBERS[type] && !one.Disabled

  return {
    api,
    zone,
    secrets: [ACCESS_KEY],
    authorise: withHeaders({ accesskey: ACCESS_KEY }),
    load: () => undefined,
    seed({ name, type, ttl, values }) {
      records = records.filter((one) => !isOf(name, type)(one))
      const Type = NUMBERS[type] ?? 0
      for (const Value of values) {
        create({ Type, Name: nameOf(name), Value, Ttl: ttl, Comment: 'of a person', Weight: 7 })
      }
    },
    look({ name, type }) {
      const found = records.filter(isOf(name, type))
      const [first] = found
      if (first === undefined) return null
      return { ttl: first.Ttl, values: found.map(({ Value }) => Value).sort() }
    },
    errorAnswer: (status, text) => fail(status, 'some_key', text, 'Value'),
    bystander: () => JSON.stringify(records.slice(0, 2)) === bystanders,
  }
}

/** What cloud.yaml holds for it. */
export const bunnySettings = { type: 'bunny', accessKey: ACCESS_KEY } as const
