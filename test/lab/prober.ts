import { join } from 'node:path'
import type { Address, Prefix } from '../../shared/ipv6.ts'
import { inNamespace, run } from './command.ts'
import { startDaemon } from './daemon.ts'
import { waitFor } from './deadline.ts'
import { pageOf } from './image.ts'
import type { Lab } from './lab.ts'
import { HOME, INTERNET, type LabContainer } from './lab-names.ts'
import type {
  Census,
  Counters,
  Named,
  ProbeCommand,
  ProbeEvent,
  ProbeTargets,
  Reachable,
  Sight,
} from './probe-protocol.ts'
import { nodeProgram } from './programs.ts'

/** The stranger on the internet, asking every 20 ms, or as told, while a window is open. */
export interface Prober {
  /** Opens a window: counts from zero, watches `oldAddress`, seeks the name inside `newPrefix`. */
  begin(newPrefix: Prefix, oldAddress?: Address): void
  /** Waits until this many requests have been sent to the published port in this window. */
  sent(requests: number): Promise<void>
  /** Waits until the DNS server gives the name an address inside the new prefix. */
  named(timeoutMs: number): Promise<Named>
  /** Waits until the page was fetched by name inside the new prefix. */
  reachable(timeoutMs: number): Promise<Reachable>
  /** Closes the window and returns its counters, every request judged. */
  end(): Promise<Counters>
  stop(): Promise<void>
}

/** Starts the prober in the client's namespace, watching one container. */
export async function startProber(
  lab: Lab,
  container: LabContainer,
  onEvent: (event: ProbeEvent) => void = () => {},
  pace: Pick<ProbeTargets, 'lostAfterMs' | 'everyMs'> = {},
): Promise<Prober> {
  const targets: ProbeTargets = {
    homeIPv4: HOME.serverIPv4,
    httpPort: container.httpPort,
    echoPort: container.echoPort,
    page: pageOf(container.name),
    dnsServer: INTERNET.dnsIPv4,
    name: container.domain,
    ...pace,
  }
  const place = (argv: readonly string[]) => inNamespace(lab.namespaces.client, argv)
  return startProberAt({ place, logFile: join(lab.directory.path, 'prober.log') }, targets, onEvent)
}

/** Where a prober runs. */
export interface ProberPlace {
  /** The argument vector that runs one there. */
  place(argv: readonly string[]): readonly string[]
  readonly logFile: string
}

/** Starts a prober in any place and with any targets, for example in one container watching another. */
export async function startProberAt(
  { place, logFile }: ProberPlace,
  targets: ProbeTargets,
  onEvent: (event: ProbeEvent) => void = () => {},
): Promise<Prober> {
  let isReady = false
  let window = 0
  let counters: Counters | undefined
  let reached: Reachable | undefined
  let named: Named | undefined
  const daemon = await startDaemon({
    name: 'prober',
    argv: place(nodeProgram('lab-prober.js', [JSON.stringify(targets)])),
    logFile,
    onLine: (line) => {
      const event = JSON.parse(line) as ProbeEvent
      if (event.kind === 'ready') isReady = true
      if (event.kind === 'counters') counters = event
      if (event.kind === 'named') named = event
      if (event.kind === 'reachable') reached = event
      onEvent(event)
    },
  })
  await waitFor('the established TCP connection', () => (isReady ? true : undefined), {
    hopeless: () => daemon.failure(),
  })
  const send = (command: ProbeCommand): void => daemon.send(JSON.stringify(command))
  const inWindow = (): Counters | undefined => (counters?.window === window ? counters : undefined)
  const hopeless = (): string | undefined => daemon.failure()
  return {
    begin: (newPrefix, oldAddress) => {
      window += 1
      const old = oldAddress === undefined ? {} : { oldAddress }
      send({ kind: 'begin', window, newPrefix, ...old })
    },
    sent: async (requests) => {
      const enough = (): true | undefined =>
        (inWindow()?.ipv4.sent ?? 0) >= requests ? true : undefined
      await waitFor(`${requests} probes`, enough, { timeoutMs: 60_000, hopeless })
    },
    named: (timeoutMs) =>
      waitFor(
        `${targets.name} in the new prefix`,
        () => (named?.window === window ? named : undefined),
        { timeoutMs, intervalMs: 5, hopeless },
      ),
    reachable: (timeoutMs) =>
      waitFor(
        `${targets.name} at its new address`,
        () => (reached?.window === window ? reached : undefined),
        { timeoutMs, intervalMs: 5, hopeless },
      ),
    end: () => {
      send({ kind: 'end' })
      return waitFor('the last probes', () => (inWindow()?.isFinal ? inWindow() : undefined), {
        hopeless,
      })
    },
    stop: async () => {
      await daemon.stop()
    },
  }
}

/** Asks the authoritative server for a name from the client's side and fetches the page there. */
export async function askFromOutside(lab: Lab, name: string): Promise<Sight> {
  const argv = nodeProgram('lab-prober.js', ['ask', INTERNET.dnsIPv4, name])
  return JSON.parse(await run(inNamespace(lab.namespaces.client, argv))) as Sight
}

/** Fetches every container's page by name inside `prefix`, all at once, from the client's side. */
export async function takeCensus(lab: Lab, prefix: Prefix): Promise<Census> {
  const names = lab.containers.map(({ domain }) => domain)
  const argv = nodeProgram('lab-prober.js', ['census', INTERNET.dnsIPv4, prefix, ...names])
  return JSON.parse(await run(inNamespace(lab.namespaces.client, argv))) as Census
}
