import { setTimeout as sleep } from 'node:timers/promises'
import { isReprefixError, messageOf, ReprefixError } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import type { EndpointRecipe, NetworkRecipe } from '../domain/docker-recipes.ts'
import {
  attachmentOf,
  ipv6SubnetsOf,
  type SettledAttachment,
  type SettleNetwork,
  type SettlePlan,
} from '../domain/settle-plan.ts'
import { mapBounded } from './bounded.ts'
import type { DockerControl } from './docker.ts'
import { decodeSettleNetwork, hasFailedToStart } from './settle-decode.ts'
import { type AttachedEndpoint, readEndpoint, readEndpoints } from './settle-endpoints.ts'
import type { SettleJournal, SettleRecord } from './settle-journal.ts'

/** What became of a settle. */
export type SettleOutcome =
  | { readonly kind: 'settled'; readonly attachments: number; readonly notes: readonly string[] }
  /** The new network was impossible; the former one is back. */
  | { readonly kind: 'restored'; readonly reason: string; readonly notes: readonly string[] }
  /** Some containers are still without the network; the journal stays, and a resume tries again. */
  | { readonly kind: 'incomplete'; readonly missing: readonly string[] }

/** Carries out the settle of one network, and what is left of one after a crash. */
export interface Settler {
  /** The settle that was begun and has not ended. */
  unfinished(): Promise<SettleRecord | null>
  carryOut(plan: SettlePlan): Promise<SettleOutcome>
  resume(record: SettleRecord): Promise<SettleOutcome>
}

/** What a settler works through. */
export interface SettlerParts {
  readonly control: DockerControl
  readonly journal: SettleJournal
  readonly log: Logger
}

/** The daemon does one after the other in the end; a few at once save the time between them. */
const CONCURRENCY = 8
/** Containers may come to the old network while it is being emptied, or end just before their turn. */
const MAX_CLEARINGS = 6
const STOP_TIMEOUT_MS = 5000
const STOP_POLL_MS = 20

/**
 * Makes networks anew by what is there, not by what was done: each run looks which network has the name
 * and which containers are on it, and does what is missing. So the same code begins, resumes after a
 * kill between any two calls, and goes back to the former network when the new one turns out to be
 * impossible. Processes are not touched: only interfaces go and come.
 *
 * DOCKER_UNREACHABLE leaves the journal as it is, for a resume when Docker is back.
 */
export function createSettler({ control, journal, log }: SettlerParts): Settler {
  async function readNetwork(name: string): Promise<SettleNetwork | null> {
    const value = await control.inspectNetwork(name)
    return value === null ? null : decodeSettleNetwork(value)
  }

  async function resume(record: SettleRecord): Promise<SettleOutcome> {
    let known = record
    const keep = async (next: SettleRecord): Promise<SettleRecord> => {
      known = next
      await journal.write(next)
      return next
    }
    try {
      return await bring(known, keep)
    } catch (cause) {
      if (!isReprefixError(cause, 'DOCKER_REFUSED') || known.goal === 'before') throw cause
      const reason = messageOf(cause)
      log.warn(
        { event: 'settle-back', network: known.plan.network, reason },
        `network ${known.plan.network} could not be made anew: ${reason}; going back`,
      )
      return bring(await keep({ ...known, goal: 'before', reason }), keep)
    }
  }

  async function bring(
    record: SettleRecord,
    keep: (next: SettleRecord) => Promise<SettleRecord>,
  ): Promise<SettleOutcome> {
    const { network: name } = record.plan
    let current = record
    let network = await readNetwork(name)
    if (network !== null && isFormer(network, record)) {
      current = await clear(network, current, keep)
      network = null
      current = await keep({ ...current, phase: 'removed' })
    }
    if (network === null) {
      await control.createNetwork(current.plan[current.goal])
      network = await readNetwork(name)
      if (network === null) {
        throw new ReprefixError('DOCKER_REFUSED', `network ${name} is gone just after it was made`)
      }
      current = await keep({ ...current, phase: 'created' })
    }
    const results = await connectAll(network, current)
    const missing = results.flatMap((result) => ('missing' in result ? [result.missing] : []))
    if (missing.length > 0) return { kind: 'incomplete', missing }
    await journal.clear()
    const notes = results.flatMap((result) => ('note' in result ? [result.note] : []))
    const { reason, plan } = current
    if (current.goal === 'before') return { kind: 'restored', reason: reason ?? '', notes }
    return { kind: 'settled', attachments: plan.attachments.length, notes }
  }

  /**
   * Empties the network and removes it. Containers that came since the plan was made join it, and those
   * that have ended since are remembered as to be started before they are stopped.
   */
  async function clear(
    network: SettleNetwork,
    record: SettleRecord,
    keep: (next: SettleRecord) => Promise<SettleRecord>,
  ): Promise<SettleRecord> {
    let current = record
    for (let attempt = 1; ; attempt++) {
      const endpoints = await readEndpoints(control, current.plan.network)
      const seen = withSeen(current, endpoints)
      if (seen !== current) current = await keep(seen)
      try {
        await takeOff(endpoints, current.plan.network)
        await control.removeNetwork(network.id)
        return current
      } catch (cause) {
        if (!isReprefixError(cause, 'DOCKER_REFUSED') || attempt === MAX_CLEARINGS) throw cause
      }
    }
  }

  /** Those that run come last, so that they are off for the shortest time. */
  async function takeOff(endpoints: readonly AttachedEndpoint[], name: string): Promise<void> {
    const stopped = endpoints.filter(({ isRunning }) => !isRunning)
    const running = endpoints.filter(({ isRunning }) => isRunning)
    for (const group of [stopped, running]) {
      await mapBounded(group, CONCURRENCY, async ({ containerId, isRestarting }) => {
        if (isRestarting) await stop(containerId, name)
        await disconnect(name, containerId)
      })
    }
  }

  /** Docker answers before the trying has ended; until then it lets nothing be disconnected. */
  async function stop(containerId: string, name: string): Promise<void> {
    await control.stop(containerId)
    const deadline = performance.now() + STOP_TIMEOUT_MS
    while (performance.now() < deadline) {
      const endpoint = await readEndpoint(control, containerId, name)
      if (endpoint === null || !(endpoint.isRestarting || endpoint.isRunning)) return
      await sleep(STOP_POLL_MS)
    }
  }

  /** A container that is gone, or off the network, by the time it is asked for is what was wanted. */
  async function disconnect(name: string, containerId: string): Promise<void> {
    try {
      await control.disconnect(name, containerId)
    } catch (cause) {
      if (!isReprefixError(cause, 'DOCKER_REFUSED')) throw cause
      if ((await readEndpoint(control, containerId, name)) !== null) throw cause
    }
  }

  async function connectAll(network: SettleNetwork, { plan, goal }: SettleRecord) {
    const { attachments } = plan
    const isOurs = isAs(network, plan[goal])
    const groups = [
      attachments.filter(({ isRunning, isFixed }) => isRunning && isFixed),
      attachments.filter(({ isRunning, isFixed }) => isRunning && !isFixed),
      attachments.filter(({ isRunning }) => !isRunning),
    ]
    const results: Connected[] = []
    const connected: SettledAttachment[] = []
    for (const group of groups) {
      await mapBounded(group, CONCURRENCY, async (attachment) => {
        const wanted = isOurs ? attachment[goal] : withoutAddresses(attachment[goal])
        const result = await connectOne(network, attachment, wanted)
        results.push(result)
        if (!('missing' in result)) connected.push(attachment)
      })
    }
    // Last, so that none takes the address of one that has yet to be connected.
    const alive = connected.filter(({ isRunning, isRestarting }) => isRunning || isRestarting)
    return [...results, ...(await mapBounded(alive, CONCURRENCY, startAgain))]
  }

  async function connectOne(
    { id: networkId, recipe: { Name: name } }: SettleNetwork,
    attachment: SettledAttachment,
    wanted: EndpointRecipe,
  ): Promise<Connected> {
    const { containerId, containerName } = attachment
    try {
      if ((await control.inspectContainer(containerId)) === null) return {}
      const found = await readEndpoint(control, containerId, name)
      if (found !== null && isOn(found, networkId, wanted)) return {}
      // What a stopped container remembers of the former network keeps it from starting.
      if (found !== null) await disconnect(name, containerId)
      return await connect(name, attachment, wanted)
    } catch (cause) {
      if (!isReprefixError(cause, 'DOCKER_REFUSED')) throw cause
      if ((await control.inspectContainer(containerId)) === null) return {}
      return { missing: `container ${containerName}: ${messageOf(cause)}` }
    }
  }

  /** Without its addresses rather than not at all: connected is what counts most. */
  async function connect(
    name: string,
    { containerId, containerName }: SettledAttachment,
    wanted: EndpointRecipe,
  ): Promise<Connected> {
    try {
      await control.connect(name, containerId, wanted)
      return {}
    } catch (cause) {
      if (!isReprefixError(cause, 'DOCKER_REFUSED')) throw cause
      await control.connect(name, containerId, withoutAddresses(wanted))
      return { note: `container ${containerName} got other addresses: ${messageOf(cause)}` }
    }
  }

  /**
   * Only what was stopped for the change, and what Docker itself tried to start while it had no network
   * and has given up: a container that was alive before.
   */
  async function startAgain(attachment: SettledAttachment): Promise<Connected> {
    const { containerId, containerName, isRestarting } = attachment
    const value = await control.inspectContainer(containerId)
    if (value === null || !(isRestarting || hasFailedToStart(value))) return {}
    try {
      await control.start(containerId)
      return {}
    } catch (cause) {
      if (!isReprefixError(cause, 'DOCKER_REFUSED')) throw cause
      return { note: `container ${containerName} was not started again: ${messageOf(cause)}` }
    }
  }

  return {
    unfinished: () => journal.read(),
    carryOut: async (plan) => {
      const record: SettleRecord = { v: 1, plan, goal: 'after', phase: 'begun' }
      await journal.write(record)
      return resume(record)
    },
    resume,
  }
}

type Connected = { readonly note?: string } | { readonly missing: string }

/** True for the network that is to be replaced. One that somebody else has made since is left alone. */
function isFormer(network: SettleNetwork, { plan, goal }: SettleRecord): boolean {
  return !isAs(network, plan[goal]) && isAs(network, goal === 'after' ? plan.before : plan.after)
}

/** Everything but the IPv6 subnets is the same before and after. */
function isAs(network: SettleNetwork, recipe: NetworkRecipe): boolean {
  return ipv6SubnetsOf(network.recipe).join() === ipv6SubnetsOf(recipe).join()
}

function withoutAddresses({ IPAMConfig: _, ...rest }: EndpointRecipe): EndpointRecipe {
  return rest
}

/** The same record where nothing is new. */
function withSeen(record: SettleRecord, endpoints: readonly AttachedEndpoint[]): SettleRecord {
  const { plan } = record
  const newcomers = endpoints.filter(({ containerId }) =>
    plan.attachments.every((known) => known.containerId !== containerId),
  )
  const ended = plan.attachments.filter(
    ({ containerId, isRestarting }) =>
      !isRestarting &&
      endpoints.some((seen) => seen.containerId === containerId && seen.isRestarting),
  )
  if (newcomers.length + ended.length === 0) return record
  const attachments = [
    ...plan.attachments.map((known) =>
      ended.includes(known) ? { ...known, isRestarting: true } : known,
    ),
    ...newcomers.map((endpoint) => attachmentOf(endpoint, plan)),
  ]
  return { ...record, plan: { ...plan, attachments } }
}

/** Whether a container has its place already; a stopped one remembers it without having it. */
function isOn(endpoint: AttachedEndpoint, networkId: string, wanted: EndpointRecipe): boolean {
  if (endpoint.isRunning) return endpoint.networkId === networkId
  const asked = endpoint.recipe.IPAMConfig?.IPv6Address
  const isThisNetwork = endpoint.networkId === '' || endpoint.networkId === networkId
  return isThisNetwork && asked === wanted.IPAMConfig?.IPv6Address
}
