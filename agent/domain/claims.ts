import { messageOf } from '../../shared/errors.ts'
import { type Address, type Prefix, splice } from '../../shared/ipv6.ts'
import { MAX_REPORT_NAMES } from '../../shared/report.ts'
import { canonicalValues, type Fqdn, parseName } from '../../shared/rrset.ts'
import type { PlacedContainer } from './container-placement.ts'
import type { ContainerState, Instant, Intent } from './model.ts'
import type { Problem } from './problem.ts'

/** On a container: the names to claim for it, separated by commas. */
export const DNS_LABEL = 'reprefix.dns'

/**
 * How long a name is claimed on after its last container has gone: a restart must not take it out of
 * the DNS, where its absence is cached as well.
 */
export const WITHDRAW_AFTER_MS = 60_000

const MAX_VALUES = 32

/** One name that this host claims, with all its addresses. */
export interface Claim {
  readonly name: Fqdn
  readonly type: 'AAAA'
  readonly values: readonly string[]
}

/** A name and its addresses below the prefix of one uplink. */
export interface NamedHosts {
  readonly name: Fqdn
  readonly uplink: string
  readonly hosts: readonly Address[]
}

/** A claimed name as remembered between passes. */
export interface RememberedClaim extends NamedHosts {
  /** Since when nothing has that name any more; `null` while something has. */
  readonly missingSince: Instant | null
}

/**
 * Collects the names of containers (label `reprefix.dns`, settings `endpoints`) and of other machines,
 * each with its addresses below the prefix of their uplinks: several containers with one name give it
 * several. Ordered by name, then by uplink.
 */
export function collectNames(
  containers: readonly ContainerState[],
  placed: readonly PlacedContainer[],
  intent: Intent,
): { readonly names: readonly NamedHosts[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = []
  const found = new Map<string, NamedHosts>()
  const add = (name: Fqdn, uplink: string, host: Address) => {
    const key = `${name} ${uplink}`
    const hosts = [...(found.get(key)?.hosts ?? []), host]
    found.set(key, { name, uplink, hosts: [...new Set(hosts)].sort() })
  }
  const addContainer = (container: ContainerState, names: readonly Fqdn[]) => {
    const places = placed.filter((place) => place.container.id === container.id)
    for (const name of names) for (const { uplink, host } of places) add(name, uplink, host)
  }
  for (const container of containers) {
    const label = readDnsLabel(container)
    problems.push(...label.problems)
    addContainer(container, label.names)
    const isNowhere = placed.every((place) => place.container.id !== container.id)
    if (label.names.length > 0 && isNowhere) problems.push(withoutNetwork(container))
  }
  for (const { container: name, address, uplink, dns } of intent.endpoints) {
    if (address !== undefined) {
      for (const claimed of dns) add(claimed, uplink ?? intent.uplink, address)
    }
    if (name === undefined) continue
    const container = containers.find((candidate) => candidate.name === name)
    if (container) addContainer(container, dns)
    else problems.push(missingContainer(name))
  }
  return { names: [...found.values()].toSorted(byName), problems }
}

/**
 * Brings the remembered claims up to date. A name that nothing has any more stays for
 * `WITHDRAW_AFTER_MS`, then it is forgotten, which withdraws it.
 */
export function rememberClaims(
  remembered: readonly RememberedClaim[],
  names: readonly NamedHosts[],
  now: Instant,
): readonly RememberedClaim[] {
  const present = names.map((named) => ({ ...named, missingSince: null }))
  const missing = remembered
    .filter((claim) => !names.some((named) => isSame(named, claim)))
    // A clock that was set back would otherwise keep the name for as long as it was set back.
    .map((claim) => ({ ...claim, missingSince: Math.min(claim.missingSince ?? now, now) }))
    .filter(({ missingSince }) => missingSince + WITHDRAW_AFTER_MS > now)
  return [...present, ...missing].toSorted(byName)
}

/**
 * The complete claim of this host, within what one report may hold. Addresses on an uplink that never
 * had a prefix (`null`) cannot be claimed yet; the names' other addresses are.
 */
export function claimAt(
  prefixOf: (uplink: string) => Prefix | null,
  remembered: readonly RememberedClaim[],
): { readonly claims: readonly Claim[]; readonly problems: readonly Problem[] } {
  const addresses = new Map<Fqdn, Address[]>()
  for (const { name, uplink, hosts } of remembered) {
    const prefix = prefixOf(uplink)
    if (prefix === null) continue
    addresses.set(name, [
      ...(addresses.get(name) ?? []),
      ...hosts.map((host) => splice(prefix, host)),
    ])
  }
  const all = [...addresses].map(([name, values]) => ({
    name,
    type: 'AAAA' as const,
    values: canonicalValues('AAAA', [...new Set(values)].slice(0, MAX_VALUES)),
  }))
  const claims = all.slice(0, MAX_REPORT_NAMES)
  const surplus = all.slice(MAX_REPORT_NAMES).map(({ name }) => name)
  if (surplus.length === 0) return { claims, problems: [] }
  const problem: Problem = {
    code: 'TOO_MANY_CLAIMS',
    where: 'claimed names',
    what: `one report holds ${MAX_REPORT_NAMES} names, so these are left out: ${surplus.join(', ')}`,
    remedy: 'claim fewer names from this host, or a wildcard',
  }
  return { claims, problems: [problem] }
}

function isSame(a: NamedHosts, b: NamedHosts): boolean {
  return a.name === b.name && a.uplink === b.uplink
}

function byName(a: NamedHosts, b: NamedHosts): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1
  return a.uplink < b.uplink ? -1 : 1
}

/** Untrusted text: what is no name is left out by itself. */
function readDnsLabel(container: ContainerState): { names: Fqdn[]; problems: Problem[] } {
  const names: Fqdn[] = []
  const problems: Problem[] = []
  for (const text of splitLabel(container.labels[DNS_LABEL])) {
    try {
      names.push(parseName(text))
    } catch (error) {
      problems.push({
        code: 'NAME_INVALID',
        where: `container ${container.name}, label ${DNS_LABEL}`,
        what: messageOf(error),
        remedy: 'write full domain names separated by commas, like www.example.org',
      })
    }
  }
  return { names, problems }
}

/** The parts of a label's value; an absent label has none. */
export function splitLabel(text: string | undefined): readonly string[] {
  return (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function withoutNetwork(container: ContainerState): Problem {
  return {
    code: 'CONTAINER_WITHOUT_NETWORK',
    where: `container ${container.name}, label ${DNS_LABEL}`,
    what: 'it has a name to claim, but no address on a numbered network',
    remedy: 'connect it to a network that is in docker.networks or has the label reprefix.subnet',
  }
}

function missingContainer(name: string): Problem {
  return {
    code: 'CONTAINER_MISSING',
    where: `settings, endpoints, container ${name}`,
    what: 'no container of that name is running',
    remedy: 'start it, or correct the name',
  }
}
