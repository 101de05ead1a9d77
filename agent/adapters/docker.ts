import Docker from 'dockerode'
import { messageOf, ReprefixError } from '../../shared/errors.ts'
import type { EndpointRecipe, NetworkRecipe } from '../domain/docker-recipes.ts'

/** The calls made to the Docker daemon; all of them only read. */
export interface DockerApi {
  /** `GET /networks`, undecoded. */
  listNetworks(): Promise<unknown>
  /** `GET /containers/json`: running containers, undecoded. */
  listContainers(): Promise<unknown>
  /** `GET /containers/ID/json`, undecoded; `null` when the container is gone. */
  inspectContainer(id: string): Promise<unknown>
  /**
   * Follows `GET /events`: calls `onEvent` once when it is open, so that nothing falls between a read
   * and the first event, and then for each that may change what a pass reads. Resolves when the
   * stream ends or `signal` aborts.
   */
  followEvents(onEvent: () => void, signal: AbortSignal): Promise<void>
}

/** The calls that change what Docker keeps, and the reads that they are planned from. */
export interface DockerControl {
  /** `GET /info`, undecoded: version, live-restore, packet filter. */
  readInfo(): Promise<unknown>
  /** `GET /networks/NAME`, undecoded; `null` when there is none. */
  inspectNetwork(name: string): Promise<unknown>
  /** `GET /networks`, undecoded. */
  listNetworks(): Promise<unknown>
  /** Containers in any state that name this network, those never started included; undecoded. */
  listAttached(networkName: string): Promise<unknown>
  /** `GET /containers/ID/json`, undecoded; `null` when the container is gone. */
  inspectContainer(id: string): Promise<unknown>
  createNetwork(recipe: NetworkRecipe): Promise<void>
  removeNetwork(id: string): Promise<void>
  connect(network: string, container: string, endpoint: EndpointRecipe): Promise<void>
  /** By force, which is what takes a stopped container off a network that was made anew behind its back. */
  disconnect(network: string, container: string): Promise<void>
  /** For a container between two tries of its restart policy, which ends the trying. */
  stop(container: string): Promise<void>
  start(container: string): Promise<void>
}

const TIMEOUT_MS = 5000
/** A daemon that works on many endpoints at once answers the last of them late. */
const CHANGE_TIMEOUT_MS = 60_000

/** Events after which addresses, routes or claims may have to change. */
const EVENTS = {
  type: ['container', 'network'],
  event: ['start', 'die', 'rename', 'unpause', 'connect', 'disconnect', 'create', 'destroy'],
}

function statusOf(cause: unknown): number | undefined {
  return cause instanceof Error && 'statusCode' in cause && typeof cause.statusCode === 'number'
    ? cause.statusCode
    : undefined
}

function unanswered(socketPath: string, cause: unknown): ReprefixError {
  return new ReprefixError(
    'DOCKER_UNREACHABLE',
    `Docker does not answer at ${socketPath} (${messageOf(cause)}): start it with "systemctl start docker",` +
      ' or correct docker.socket in the settings',
    { cause },
  )
}

/** Speaks to the daemon at a Unix socket. Every failure is DOCKER_UNREACHABLE. */
export function createDockerApi(socketPath: string): DockerApi {
  const docker = new Docker({ socketPath })

  function fault(what: string, cause: unknown): ReprefixError {
    const status = statusOf(cause)
    if (status === undefined) return unanswered(socketPath, cause)
    return new ReprefixError(
      'DOCKER_UNREACHABLE',
      `failed to read ${what} from Docker (${status}): ${messageOf(cause)}`,
      { cause },
    )
  }

  async function ask<T>(what: string, call: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await call(AbortSignal.timeout(TIMEOUT_MS))
    } catch (cause) {
      throw fault(what, cause)
    }
  }

  return {
    listNetworks: () => ask('networks', (abortSignal) => docker.listNetworks({ abortSignal })),
    listContainers: () =>
      ask('containers', (abortSignal) => docker.listContainers({ abortSignal })),
    inspectContainer: (id) =>
      ask<unknown>(`container ${id}`, async (abortSignal) => {
        try {
          return await docker.getContainer(id).inspect({ abortSignal })
        } catch (cause) {
          if (statusOf(cause) === 404) return null
          throw cause
        }
      }),
    followEvents: async (onEvent, signal) => {
      let stream: NodeJS.ReadableStream
      try {
        stream = await docker.getEvents({ filters: JSON.stringify(EVENTS), abortSignal: signal })
      } catch (cause) {
        if (signal.aborted) return
        throw fault('events', cause)
      }
      onEvent()
      await new Promise<void>((resolve) => {
        stream.on('data', onEvent)
        for (const end of ['end', 'close', 'error']) stream.on(end, () => resolve())
      })
    },
  }
}

/** Docker answers 304 where the container is as it was asked to be. */
async function unlessAlready(call: () => Promise<unknown>): Promise<void> {
  try {
    await call()
  } catch (cause) {
    if (statusOf(cause) !== 304) throw cause
  }
}

/**
 * Speaks to the daemon at a Unix socket to change what it keeps. DOCKER_REFUSED when the daemon says no,
 * which means that it changed nothing; DOCKER_UNREACHABLE when it does not answer, after which nobody
 * knows. `onAnswer` is called whenever a call has ended, however it did.
 */
export function createDockerControl(
  socketPath: string,
  onAnswer: () => void = () => undefined,
): DockerControl {
  const docker = new Docker({ socketPath, timeout: CHANGE_TIMEOUT_MS })

  async function ask<T>(what: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (cause) {
      const status = statusOf(cause)
      if (status === undefined) throw unanswered(socketPath, cause)
      throw new ReprefixError('DOCKER_REFUSED', `could not ${what}: ${messageOf(cause)}`, { cause })
    } finally {
      onAnswer()
    }
  }

  async function unlessGone<T>(what: string, call: () => Promise<T>): Promise<T | null> {
    try {
      return await call()
    } catch (cause) {
      if (statusOf(cause) === 404) return null
      return ask(what, () => Promise.reject(cause))
    } finally {
      onAnswer()
    }
  }

  return {
    readInfo: () => ask('read Docker’s own facts', () => docker.info()),
    inspectNetwork: (name) =>
      unlessGone(`read network ${name}`, () => docker.getNetwork(name).inspect()),
    listNetworks: () => ask('read networks', () => docker.listNetworks()),
    listAttached: (name) =>
      ask(`read the containers on network ${name}`, () =>
        // By name: by id, containers that were created and never started are not listed.
        docker.listContainers({ all: true, filters: { network: [name] } }),
      ),
    inspectContainer: (id) =>
      unlessGone(`read container ${id}`, () => docker.getContainer(id).inspect()),
    createNetwork: (recipe) =>
      ask(`create network ${recipe.Name}`, async () => {
        await docker.createNetwork(recipe)
      }),
    removeNetwork: (id) =>
      ask(`remove network ${id}`, async () => {
        await docker.getNetwork(id).remove()
      }),
    connect: (network, container, endpoint) =>
      ask(`connect container ${container} to network ${network}`, async () => {
        await docker.getNetwork(network).connect({ Container: container, EndpointConfig: endpoint })
      }),
    disconnect: (network, container) =>
      ask(`disconnect container ${container} from network ${network}`, async () => {
        await docker.getNetwork(network).disconnect({ Container: container, Force: true })
      }),
    stop: (container) =>
      ask(`stop container ${container}`, () =>
        unlessAlready(() => docker.getContainer(container).stop()),
      ),
    start: (container) =>
      ask(`start container ${container}`, () =>
        unlessAlready(() => docker.getContainer(container).start()),
      ),
  }
}
