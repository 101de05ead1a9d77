import type { Prefix } from '../../../shared/ipv6.ts'
import { type Fqdn, parseName } from '../../../shared/rrset.ts'
import type { RateRule } from '../http/request-budget.ts'

/** What a host shall have: at most one address of each family. */
export interface HostAddresses {
  readonly A?: string | undefined
  readonly AAAA?: string | undefined
}

/** How one service wants to be told; every address that it shall hold is said in so many words. */
export interface Dyndns2Service {
  readonly url: string
  /** Where all its names are, for services that give away names of their own. */
  readonly parent?: Fqdn
  query(host: Fqdn, addresses: HostAddresses): Readonly<Record<string, string>>
  /** Where the service says how many requests it takes of one zone. */
  readonly limits?: readonly RateRule[]
  /** Moves hosts to another prefix; each keeps its interface identifier, and its IPv4 address. */
  move?(hosts: readonly Fqdn[], prefix: Prefix): Readonly<Record<string, string>>
  /** True when one request takes one address, and leaves the other family alone. */
  readonly isApart?: boolean
  /** Whether a host can be brought to have only these addresses. */
  readonly removes?: (addresses: HostAddresses) => boolean
}

/** Parameters without those that have no value: an empty one is no address. */
function given(parameters: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).flatMap(([name, value]) =>
      value === undefined || value === '' ? [] : [[name, value]],
    ),
  )
}

/** Both in one list, because a family that is left out is deleted at Dyn and those like it. */
const listed: Dyndns2Service['query'] = (hostname, { A, AAAA }) =>
  given({ hostname, myip: [A, AAAA].filter((one) => one !== undefined).join(',') })

const paired: Dyndns2Service['query'] = (hostname, { A, AAAA }) =>
  given({ hostname, myip: A, myipv6: AAAA })

/** How a service of one's own choice takes addresses. */
export const ADDRESS_FORMS = { list: listed, pair: paired } as const

/** Services that check name and password of HTTP. */
export const PASSWORD_SERVICES = {
  dyn: { url: 'https://members.dyndns.org/v3/update', query: listed },
  noip: { url: 'https://dynupdate.no-ip.com/nic/update', query: listed },
  strato: { url: 'https://dyndns.strato.com/nic/update', query: listed },
  // One account of theirs is one host; the name is sent for the log of the service.
  inwx: { url: 'https://dyndns.inwx.com/nic/update', query: paired },
  desec: {
    url: 'https://update.dedyn.io/update',
    // An empty value deletes; one that is left out is the address of whoever asks.
    query: (hostname, { A = '', AAAA = '' }) => ({ hostname, myipv4: A, myipv6: AAAA }),
    // https://desec.readthedocs.io/en/latest/rate-limits.html
    limits: [{ count: 2, perMs: 120_000 }],
    // https://desec.readthedocs.io/en/latest/dyndns/update-api.html: all hosts, or none of them.
    move: (hosts, prefix) => ({ hostname: hosts.join(), myipv4: 'preserve', myipv6: prefix }),
    removes: () => true,
  },
} as const satisfies Readonly<Record<string, Dyndns2Service>>

/** Services that take a token in the query. */
export const TOKEN_SERVICES = {
  duckdns: {
    url: 'https://www.duckdns.org/update',
    parent: parseName('duckdns.org'),
    query(host, { A, AAAA }) {
      const domains = host.split('.').at(-3) ?? ''
      // Clears both at once, and only both.
      if (A === undefined && AAAA === undefined) return { domains, clear: 'true', verbose: 'true' }
      return given({ domains, ip: A, ipv6: AAAA, verbose: 'true' })
    },
    removes: ({ A, AAAA }) => A === undefined && AAAA === undefined,
  },
  dynv6: {
    url: 'https://dynv6.com/api/update',
    query: (zone, { A, AAAA }) => given({ zone, ipv4: A, ipv6: AAAA }),
  },
} as const satisfies Readonly<Record<string, Dyndns2Service>>

/** Each record has a key of its own there, and A and AAAA of one name may share one. */
export const HURRICANE: Dyndns2Service = {
  url: 'https://dyn.dns.he.net/nic/update',
  query: (hostname, { A, AAAA }) => given({ hostname, myip: A ?? AAAA }),
  isApart: true,
}

/** Services that publish the address of whoever asks: here that is the cloud, and not the host. */
const CALLERS_ADDRESS = ['dy.fi', 'www.dy.fi']

/** Why a service cannot be used from here; undefined when it can. */
export function refusalOfUrl(url: string): string | undefined {
  if (!URL.canParse(url)) return 'is not a URL'
  const { protocol, username, password, search, hash, hostname } = new URL(url)
  if (CALLERS_ADDRESS.includes(hostname)) {
    return `cannot be used: ${hostname} takes no address and publishes the one of whoever asks, which would be this server's; run a client of that service on the host itself`
  }
  if (protocol !== 'https:') return 'must begin with https://, the password is sent to it'
  if (username !== '' || password !== '' || search !== '' || hash !== '') {
    return 'must have no user, no query and no fragment: what is missing there is added'
  }
  return undefined
}
