import { type Address, parseAddress } from '../../shared/ipv6.ts'
import { inNamespace, run, tryRun } from './command.ts'
import { waitFor } from './deadline.ts'
import type { Home } from './home.ts'
import { HOME, namespacePrefix } from './lab-names.ts'
import { NO_DAD, setKernel } from './namespaces.ts'
import { type Router, startRouter } from './router.ts'

/** One address of the uplink, as `ip` shows it. */
export interface UplinkAddress {
  readonly address: Address
  readonly isTentative: boolean
  readonly isTemporary: boolean
  readonly isDeprecated: boolean
}

interface ShownAddress {
  readonly local: string
  readonly scope: string
  readonly tentative?: boolean
  readonly temporary?: boolean
  readonly deprecated?: boolean
}

/** Reads the global addresses of the uplink. */
export async function readUplink({ lab }: Home): Promise<readonly UplinkAddress[]> {
  const show = ['ip', '-6', '-json', 'address', 'show', 'dev', HOME.uplink]
  const [link] = JSON.parse(await run(inNamespace(lab.namespaces.home, show)))
  const shown: readonly ShownAddress[] = link.addr_info
  return shown
    .filter(({ scope }) => scope === 'global')
    .map(({ local, tentative = false, temporary = false, deprecated = false }) => ({
      address: parseAddress(local),
      isTentative: tentative,
      isTemporary: temporary,
      isDeprecated: deprecated,
    }))
}

/** A machine on the home's LAN. */
export interface Neighbour {
  readonly namespace: string
  /** Its link-local address there. */
  readonly linkLocal: string
  remove(): Promise<void>
}

/** Joins another machine to the LAN, on a link `lan` of its own; the lab removes it, if nobody else does. */
export async function joinLan({ lab }: Home, name: string): Promise<Neighbour> {
  const namespace = `${namespacePrefix(lab.directory.id)}${name}`
  await run(['ip', 'netns', 'add', namespace])
  await setKernel(namespace, { ...NO_DAD, 'ipv6/conf/all/forwarding': '1' })
  const port = `to-${name}`
  await run(['ip', '-n', lab.namespaces.router, '-batch', '-'], {
    input: `link add ${port} type veth peer name lan netns ${namespace}
link set ${port} master lan up\n`,
  })
  await run(['ip', '-n', namespace, '-batch', '-'], { input: 'link set lo up\nlink set lan up\n' })
  return {
    namespace,
    linkLocal: await linkLocalOf(namespace, 'lan'),
    remove: async () => {
      await tryRun(['ip', '-n', lab.namespaces.router, 'link', 'delete', port])
      await run(['ip', 'netns', 'delete', namespace])
    },
  }
}

/** Waits until a link has a link-local address that can be used, and returns it. */
export async function linkLocalOf(namespace: string, device: string): Promise<string> {
  const show = ['ip', '-n', namespace, '-6', '-json', 'address', 'show', 'dev', device]
  return waitFor(`a link-local address on ${device}`, async () => {
    const [link] = JSON.parse(await run(show))
    const shown: readonly ShownAddress[] = link?.addr_info ?? []
    return shown.find(({ scope, tentative }) => scope === 'link' && !tentative)?.local
  })
}

/**
 * A second router on the LAN, with prefixes of its own: what comes from the home by it goes on through
 * the first one, and what goes to its prefixes from the internet comes by the first one.
 */
export async function joinRouter(home: Home, name: string): Promise<Router & Neighbour> {
  const { lab } = home
  const neighbour = await joinLan(home, name)
  const { namespace } = neighbour
  const first = await linkLocalOf(lab.namespaces.router, 'lan')
  await run(['ip', '-n', namespace, 'route', 'add', 'default', 'via', first, 'dev', 'lan'])
  const namespaces = { router: namespace, home: lab.namespaces.home }
  const router = await startRouter(lab.directory, namespaces, { name })
  return {
    ...neighbour,
    ...router,
    announce: async (prefixes, options) => {
      for (const { prefix } of prefixes) {
        const route = ['ip', '-n', lab.namespaces.router, 'route', 'replace', prefix, 'dev', 'lan']
        await run(route)
      }
      return router.announce(prefixes, options)
    },
    remove: async () => {
      // With a goodbye: otherwise the home counts it among its routers for half an hour.
      await router.stop('SIGTERM')
      await neighbour.remove()
    },
  }
}
