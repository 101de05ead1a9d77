import Docker from 'dockerode'
import { messageOf, ReprefixError } from '../../shared/errors.ts'

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

const TIMEOUT_MS = 5000

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

/** Speaks to the daemon at a Unix socket. Every failure is DOCKER_UNREACHABLE or COMMAND_FAILED. */
export function createDockerApi(socketPath: string): DockerApi {
  const docker = new Docker({ socketPath })

  function fault(what: string, cause: unknown): ReprefixError {
    const status = statusOf(cause)
    if (status !== undefined) {
      return new ReprefixError(
        'DOCKER_UNREACHABLE',
        `failed to read ${what} from Docker (${status}): ${messageOf(cause)}`,
        { cause },
      )
    }
    return new ReprefixError(
      'DOCKER_UNREACHABLE',
      `Docker does not answer at ${socketPath} (${messageOf(cause)}): start it with "systemctl start docker",` +
        ' or correct docker.socket in the settings',
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
