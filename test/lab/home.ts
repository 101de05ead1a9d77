import { ReprefixError } from '../../shared/errors.ts'
import type { Prefix } from '../../shared/ipv6.ts'
import { type AgentOptions, type AgentProcess, prepareAgent } from './agent-process.ts'
import { type CloudProcess, startCloud } from './cloud-process.ts'
import { inNamespace, tryRun } from './command.ts'
import { waitFor } from './deadline.ts'
import type { Lab } from './lab.ts'
import { HOME, INTERNET, type LabContainer, labContainers } from './lab-names.ts'
import type { ProbeEvent } from './probe-protocol.ts'
import { type Prober, startProber } from './prober.ts'
import type { ProgramEvent } from './program-events.ts'
import { usable } from './router.ts'

/** A lab with everything of reprefix running: numbered from its first prefix, reachable by name. */
export interface Home {
  readonly lab: Lab
  readonly cloud: CloudProcess
  readonly agent: AgentProcess
  readonly prober: Prober
  /** The container that the prober watches. */
  readonly watched: LabContainer
}

/** The stages of setting up. */
export type HomeStage = 'cloud' | 'enrolment' | 'reachable'

/** Who wants to know of what. */
export interface HomeOptions {
  readonly prefix: Prefix
  /** How the agent differs from a usual one. */
  readonly agent?: Pick<AgentOptions, 'environment' | 'isOneFile'>
  /** The cloud is reached over IPv6, and believes reports only from inside the prefix they report. */
  readonly requiresSource?: boolean
  /** Names enrolled beside those of the lab's containers, for containers that are started later. */
  readonly spareNames?: number
  /** When the prober counts a request as lost, if not at its usual limit. */
  readonly lostAfterMs?: number
  /**
   * How often the prober asks, if not every 20 ms. Those requests come whether or not earlier ones were
   * answered: what a busy machine withstands for seconds overwhelms it in minutes.
   */
  readonly probeEveryMs?: number
  readonly onEvent?: (program: 'agent' | 'cloud', event: ProgramEvent) => void
  readonly onProbe?: (event: ProbeEvent) => void
  /** Told when the first prefix was advertised, in milliseconds since the epoch. */
  readonly onAnnounced?: (at: number) => void
  /** Runs one stage of setting up; `describe` tells what came of it. */
  readonly stage?: <T>(
    name: HomeStage,
    work: () => Promise<T>,
    describe: (result: T) => string,
  ) => Promise<T>
}

const FIRST_REACH_MS = 60_000
const SPARE_NAMES = 2

/** The host's first IPv6 address is tentative for a second or two; nothing goes out from it until then. */
function untilReached(lab: Lab): Promise<unknown> {
  const ask = ['busybox', 'ping6', '-c', '1', '-w', '1', INTERNET.cloudIPv6]
  return waitFor('way from the home server to the cloud', async () =>
    (await tryRun(inNamespace(lab.namespaces.home, ask))).code === 0 ? true : undefined,
  )
}

/** Starts cloud, agent and prober in a lab and waits until the first container is reachable by name. */
export async function startHome(lab: Lab, options: HomeOptions): Promise<Home> {
  const stage = options.stage ?? ((_name, work) => work())
  const { onEvent = () => {}, onProbe = () => {} } = options
  const [watched] = lab.containers
  if (watched === undefined) throw new ReprefixError('LAB_FAILED', 'the lab has no container')
  const announcedAt = await lab.router.announce([usable(options.prefix)])
  options.onAnnounced?.(announcedAt)
  const cloud = await stage(
    'cloud',
    () => {
      const { requiresSource = false } = options
      return startCloud(lab, { requiresSource, onEvent: (event) => onEvent('cloud', event) })
    },
    ({ url }) => url,
  )
  const names = labContainers(lab.containers.length + (options.spareNames ?? SPARE_NAMES)).map(
    ({ domain }) => domain,
  )
  const agent = await stage(
    'enrolment',
    async () => {
      const prepared = await prepareAgent(lab, {
        ...options.agent,
        cloud: cloud.url,
        onEvent: (event) => onEvent('agent', event),
      })
      if (options.requiresSource) await untilReached(lab)
      await prepared.enrol(await cloud.addHost(names))
      return prepared
    },
    () => `may set ${names.length} names, addresses below ${HOME.range}`,
  )
  const prober = await startProber(lab, watched, onProbe, {
    ...(options.lostAfterMs === undefined ? {} : { lostAfterMs: options.lostAfterMs }),
    ...(options.probeEveryMs === undefined ? {} : { everyMs: options.probeEveryMs }),
  })
  await stage(
    'reachable',
    async () => {
      prober.begin(options.prefix)
      await agent.start()
      const reached = await prober.reachable(FIRST_REACH_MS)
      await prober.end()
      await agent.event('first receipt', ({ event }) => event === 'receipt')
      return reached
    },
    ({ address }) => `${watched.domain} is ${address}`,
  )
  return { lab, cloud, agent, prober, watched }
}
