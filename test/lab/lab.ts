import { type DnsServer, startDnsServer } from './dns-server.ts'
import { favourContainers } from './favour.ts'
import { type HomeServer, type HomeServerOptions, startHomeServer } from './home-server.ts'
import { type LabContainer, labContainers } from './lab-names.ts'
import { createNamespaces, type Namespaces } from './namespaces.ts'
import { type Router, startRouter } from './router.ts'
import { createRunDirectory, type RunDirectory } from './run-directory.ts'
import { removeAbandonedLabs, removeLab } from './sweep.ts'

/** What a lab is made of. */
export interface LabOptions {
  /** How many containers the home server runs. */
  readonly containers: number
  /** Docker starts without network and containers: somebody else makes them. */
  readonly isUnfurnished?: boolean
  /** How its home server differs from a usual one. */
  readonly server?: HomeServerOptions
  /** Told what is being built. */
  readonly onProgress?: (what: string) => void
}

/** A home network on this machine. Everything of it is gone after `close`. */
export interface Lab {
  readonly directory: RunDirectory
  readonly namespaces: Namespaces
  readonly containers: readonly LabContainer[]
  readonly router: Router
  readonly dns: DnsServer
  readonly home: HomeServer
  /** Removes the lab. May be called at any time and more than once. */
  close(): void
}

const open = new Set<string>()
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

function closeAll(): void {
  for (const id of open) {
    removeLab(id)
    open.delete(id)
  }
}

let isGuarded = false

function guard(id: string): void {
  if (!isGuarded) {
    isGuarded = true
    process.on('exit', closeAll)
    for (const [signal, code] of Object.entries(SIGNALS)) {
      // `exit` listeners remove the labs; a lab half made when the signal came included.
      process.once(signal, () => process.exit(code))
    }
  }
  open.add(id)
}

/**
 * Builds a home network in network namespaces: router, home server with Docker, internet client, DNS
 * server and room for the cloud. Needs root and the packages of `packages.json`. Removes itself when
 * building fails, when the process ends and on SIGINT, SIGTERM and SIGHUP; what a killed process left
 * is removed by the next lab.
 */
export async function createLab(options: LabOptions): Promise<Lab> {
  removeAbandonedLabs()
  const directory = createRunDirectory()
  guard(directory.id)
  const close = (): void => {
    removeLab(directory.id)
    open.delete(directory.id)
  }
  try {
    const containers = labContainers(options.containers)
    options.onProgress?.('network namespaces')
    const namespaces = await createNamespaces(directory.id)
    options.onProgress?.('router, DNS server, Docker and containers')
    const [router, dns, home] = await Promise.all([
      startRouter(directory, namespaces),
      startDnsServer(
        directory,
        namespaces,
        labContainers(Math.max(options.containers, 20)).map(({ domain }) => domain),
      ),
      startHomeServer(
        directory,
        namespaces.home,
        options.isUnfurnished === true ? undefined : containers,
        options.server,
      ),
    ])
    favourContainers(directory.id)
    return { directory, namespaces, containers, router, dns, home, close }
  } catch (cause) {
    close()
    throw cause
  }
}
