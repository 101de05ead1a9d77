import { type Fqdn, parseName, type RRKey } from '../../shared/rrset.ts'
import { ProviderError, type Zone } from '../domain/dns-provider.ts'
import { encodeQuery, encodeUpdate, TYPE } from './dns-message.ts'
import type { Observation } from './read-diff-write.ts'
import { existenceOf, type FoundRecord, type FoundRRset, readAnswer } from './rfc2136-records.ts'
import { RCODE, type Rfc2136Session, type SignedAnswer } from './rfc2136-session.ts'
import type { ZoneContent } from './zone-transfer.ts'

/** What the server holds for one key, or why that cannot be told. */
export type Rfc2136Observation = Observation<readonly FoundRecord[]> | ProviderError

/** Reads keys out of a transferred zone, where wildcards and delegations are what they are. */
export function observeContent(
  content: ZoneContent,
  zone: Zone,
  keys: readonly RRKey[],
): readonly Rfc2136Observation[] {
  return keys.map((key) => {
    const one = content.find(key)
    if (one instanceof ProviderError) return one
    return one.isAlias ? aliasFault(key, zone) : { set: one.set, detail: one.records }
  })
}

/**
 * Asks for each key, and for the wildcards above it: a server answers for a name that does not
 * exist from `*` (RFC 4592), and such an answer must not be taken for the name's own records. Where
 * that may have happened, an UPDATE that has conditions only tells the truth.
 */
export async function observe(
  session: Rfc2136Session,
  zone: Zone,
  keys: readonly RRKey[],
): Promise<readonly Rfc2136Observation[]> {
  const wildcards = [...new Set(keys.flatMap(({ name }) => wildcardsAbove(name, zone.name)))]
  const answers = await session.exchange([
    ...keys.map(
      ({ name, type }) =>
        (id: number) =>
          encodeQuery(id, name, TYPE[type]),
    ),
    ...wildcards.map((name) => (id: number) => encodeQuery(id, name, TYPE.TXT)),
  ])
  // NOERROR tells that the wildcard exists, whatever types it has.
  const present = wildcards.filter((_, i) => answers[keys.length + i]?.rcode === RCODE.NOERROR)
  const found = keys.map((key, index) => decode(answers[index], key, zone))
  const doubtful = keys.flatMap((key, index) => {
    const one = found[index]
    if (one === undefined || one instanceof ProviderError || isAbsent(one)) return []
    const isShadowed = wildcardsAbove(key.name, zone.name).some((name) => present.includes(name))
    return isShadowed ? [{ key, type: one.isAlias ? TYPE.CNAME : TYPE[key.type] }] : []
  })
  const synthesised = await findSynthesised(session, zone, doubtful)
  return found.map((one, index) => {
    const key = keys[index]
    if (one instanceof ProviderError) return one
    const verdict = key === undefined ? undefined : synthesised.get(key)
    if (verdict instanceof ProviderError) return verdict
    if (verdict === true) return { set: null, detail: [] }
    return one.isAlias ? aliasFault(key, zone) : { set: one.set, detail: one.records }
  })
}

/** For each doubtful key: true when it has no records of its own, false when it has. */
async function findSynthesised(
  session: Rfc2136Session,
  zone: Zone,
  doubtful: readonly { readonly key: RRKey; readonly type: number }[],
): Promise<ReadonlyMap<RRKey, boolean | ProviderError>> {
  const answers = await session.exchange(
    doubtful.map(
      ({ key, type }) =>
        (id: number) =>
          encodeUpdate(id, zone.name, [existenceOf(key.name, type)], []),
    ),
  )
  const verdicts = new Map<RRKey, boolean | ProviderError>()
  for (const [index, { key }] of doubtful.entries()) {
    const rcode = answers[index]?.rcode
    const kind = rcode === RCODE.REFUSED ? 'forbidden' : 'protocol'
    const message = `the DNS server does not tell whether ${key.name} exists beside its wildcard (response code ${rcode})`
    const isKnown = rcode === RCODE.NOERROR || rcode === RCODE.NXRRSET
    verdicts.set(key, isKnown ? rcode === RCODE.NXRRSET : new ProviderError(kind, message))
  }
  return verdicts
}

function decode(
  answer: SignedAnswer | undefined,
  key: RRKey,
  zone: Zone,
): FoundRRset | ProviderError {
  if (answer === undefined) return new ProviderError('protocol', `no answer about ${key.name}`)
  const { rcode, packet } = answer
  if (rcode === RCODE.SERVFAIL) {
    return new ProviderError('transient', `the DNS server failed to answer about ${key.name}`)
  }
  if (rcode === RCODE.REFUSED) {
    return new ProviderError('forbidden', `the DNS server refuses to answer about ${key.name}`)
  }
  if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) {
    return new ProviderError('protocol', `response code ${rcode} for ${key.name}`)
  }
  if (!packet.flag_aa) {
    return new ProviderError(
      'zone-not-found',
      `the DNS server is not authoritative for ${key.name}: it does not hold ${zone.name}, or has delegated this part`,
    )
  }
  return readAnswer(packet, key)
}

function isAbsent({ set, isAlias }: FoundRRset): boolean {
  return set === null && !isAlias
}

function aliasFault(key: RRKey | undefined, zone: Zone): ProviderError {
  return new ProviderError(
    'invalid',
    `${key?.name} is an alias (CNAME) in ${zone.name}: remove it before it can have ${key?.type} records`,
  )
}

/** `*.b.zone` and `*.zone` for `a.b.zone`; a wildcard's own name has none. */
function wildcardsAbove(name: Fqdn, zone: Fqdn): Fqdn[] {
  if (name === zone || name.startsWith('*.')) return []
  const labels = name.slice(0, -zone.length - 1).split('.')
  return labels.map((_, index) => parseName(['*', ...labels.slice(index + 1), zone].join('.')))
}
