import { type Fqdn, parseName, type RRKey, type RRset } from '../../shared/rrset.ts'
import {
  type ApplyResult,
  type Capabilities,
  type Change,
  type DnsProvider,
  ProviderError,
  type ProviderErrorKind,
  type Zone,
} from '../domain/dns-provider.ts'
import { encodeQuery, encodeUpdate, recordSize, TYPE, type WireRecord } from './dns-message.ts'
import type { DnsDialer } from './dns-transport.ts'
import { defineProvider } from './provider-type.ts'
import { type ObservedEdit, readDiffWrite } from './read-diff-write.ts'
import { observe, observeContent } from './rfc2136-observe.ts'
import { type FoundRecord, prerequisitesOf, readZoneName, updatesOf } from './rfc2136-records.ts'
import { RCODE, Rfc2136Session, type SignedAnswer } from './rfc2136-session.ts'
import { type Rfc2136Settings, rfc2136SettingsSchema } from './rfc2136-settings.ts'
import { isWorthTransferring, transferZone } from './zone-transfer.ts'

/** What the adapter needs from outside. */
export interface Rfc2136Dependencies {
  readonly now: () => Date
  readonly dial: DnsDialer
}

type Edit = ObservedEdit<readonly FoundRecord[]>
type Look = typeof observe

interface RenderedEdit {
  readonly prerequisites: readonly WireRecord[]
  readonly updates: readonly WireRecord[]
}

/** Permissions change rarely, and asking for one that is refused costs a connection. */
const TRANSFER_AGAIN_MS = 3_600_000
const MAX_TTL = 2 ** 31 - 1
/** Below the 65,535 bytes of a TCP message, with room for header, zone and TSIG. */
const MAX_UPDATE_BYTES = 60_000
const CAPABILITIES: Capabilities = {
  types: ['A', 'AAAA', 'TXT'],
  granularity: 'rrset',
  readable: true,
  maxBatch: 500,
  atomic: true,
  compareAndSet: 'prerequisite',
  ttl: { min: 0, max: MAX_TTL },
  txt: { maxBytes: 50_000, quotes: true },
  publish: 'sync',
  prefixUpdate: false,
}

const UPDATE_FAULTS: Readonly<Record<number, readonly [ProviderErrorKind, string]>> = {
  [RCODE.SERVFAIL]: ['transient', 'failed'],
  [RCODE.NOTIMP]: ['invalid', 'takes no updates'],
  [RCODE.REFUSED]: ['forbidden', 'does not let this key change these records'],
  [RCODE.NOTAUTH]: ['zone-not-found', 'is not the primary of this zone'],
  [RCODE.NOTZONE]: ['invalid', 'finds a name that is not in this zone'],
}

/**
 * A name server that takes signed UPDATE messages (RFC 2136, RFC 8945). Reads at the same server
 * over TCP; every update carries as prerequisite what was read, so a change by somebody else in
 * between is never overwritten unseen.
 */
export function createRfc2136Provider(
  id: string,
  settings: Rfc2136Settings,
  { now, dial }: Rfc2136Dependencies,
): DnsProvider {
  /** When to try a transfer again, after the server would not. */
  let transferAt = 0

  async function look(session: Rfc2136Session, zone: Zone, keys: readonly RRKey[]) {
    const at = now().getTime()
    if (isWorthTransferring(keys) && at >= transferAt) {
      const content = await transferZone(session, zone)
      if (content !== undefined) return observeContent(content, zone, keys)
      transferAt = at + TRANSFER_AGAIN_MS
    }
    return observe(session, zone, keys)
  }

  async function withSession<T>(use: (session: Rfc2136Session) => Promise<T>): Promise<T> {
    const session = new Rfc2136Session(settings, dial, now)
    try {
      return await use(session)
    } finally {
      session.close()
    }
  }

  return {
    id,
    caps: CAPABILITIES,
    normalise,
    findZone: (name) => withSession((session) => findZone(session, name)),
    read: (zone, keys) =>
      withSession(async (session) => {
        const found = await look(session, zone, keys)
        return found.map((one) => {
          if (one instanceof ProviderError) throw one
          return one.set
        })
      }),
    apply: (zone, changes) => withSession((session) => apply(session, zone, changes, look)),
  }
}

/** Any name server that takes dynamic updates: BIND, Knot DNS, PowerDNS, dynv6. */
export const rfc2136 = defineProvider({
  settings: rfc2136SettingsSchema,
  title: 'RFC 2136',
  tier: 1,
  docs: 'https://www.rfc-editor.org/rfc/rfc2136',
  caps: CAPABILITIES,
  limits: [],
  create: createRfc2136Provider,
})

function normalise(set: RRset): RRset {
  return { ...set, ttl: Math.min(Math.max(Math.trunc(set.ttl), 0), MAX_TTL) }
}

/** The records of each edit, made once: to measure them and to send them. */
function createRenderer(): (edit: Edit) => RenderedEdit {
  const made = new Map<Edit, RenderedEdit>()
  return (edit) => {
    const known = made.get(edit)
    if (known !== undefined) return known
    const rendered = { prerequisites: prerequisitesOf(edit), updates: updatesOf(edit) }
    made.set(edit, rendered)
    return rendered
  }
}

function apply(
  session: Rfc2136Session,
  zone: Zone,
  changes: readonly Change[],
  look: Look,
): Promise<ApplyResult> {
  const render = createRenderer()
  return readDiffWrite<readonly FoundRecord[]>(
    {
      normalise,
      txt: CAPABILITIES.txt,
      observe: (pending) => look(session, zone, pending),
      pack: (edits) => pack(edits, zone, render),
      write: async (edits, sending) => {
        sending()
        const [answer] = await session.exchange([
          (id) =>
            encodeUpdate(
              id,
              zone.name,
              edits.flatMap((edit) => render(edit).prerequisites),
              edits.flatMap((edit) => render(edit).updates),
            ),
        ])
        checkUpdate(answer, zone)
      },
    },
    changes,
  )
}

async function findZone(session: Rfc2136Session, name: Fqdn): Promise<Zone> {
  const [answer] = await session.exchange([(id) => encodeQuery(id, name, TYPE.SOA)])
  const found = answer?.packet.flag_aa === true ? readZoneName(answer.packet) : undefined
  const labels = name.split('.')
  const ancestors = labels.map((_, index) => labels.slice(index).join('.'))
  const zone = ancestors.find((ancestor) => ancestor === found)
  if (zone !== undefined) return { name: parseName(zone), id: zone }
  throw new ProviderError('zone-not-found', `the DNS server holds no zone for ${name}`)
}

function checkUpdate(answer: SignedAnswer | undefined, zone: Zone): void {
  const rcode = answer?.rcode ?? RCODE.FORMERR
  if (rcode === RCODE.NOERROR) return
  const { NXDOMAIN, YXDOMAIN, YXRRSET, NXRRSET } = RCODE
  if (rcode === NXDOMAIN || rcode === YXDOMAIN || rcode === YXRRSET || rcode === NXRRSET) {
    throw new ProviderError('conflict', `records in ${zone.name} changed while they were written`)
  }
  const [kind, message] = UPDATE_FAULTS[rcode] ?? [
    'protocol',
    `answered with response code ${rcode}`,
  ]
  throw new ProviderError(
    kind,
    `could not confirm an update of ${zone.name}: the DNS server ${message}`,
  )
}

function pack(edits: readonly Edit[], zone: Zone, render: (edit: Edit) => RenderedEdit): Edit[][] {
  const sizeOf = (records: readonly WireRecord[]): number =>
    records.reduce((sum, record) => sum + recordSize(record, zone.name), 0)
  const groups: Edit[][] = []
  let room = 0
  for (const edit of edits) {
    const { prerequisites, updates } = render(edit)
    const size = sizeOf(prerequisites) + sizeOf(updates)
    const group = groups.at(-1)
    if (group === undefined || size > room || group.length >= CAPABILITIES.maxBatch) {
      groups.push([edit])
      room = MAX_UPDATE_BYTES - size
    } else {
      group.push(edit)
      room -= size
    }
  }
  return groups
}
