import { lookup } from 'node:dns/promises'
import { connect, type Socket } from 'node:net'
import type { Address } from '../../shared/ipv6.ts'

/** One address to connect to, and the own one to connect from where that is not the kernel's choice. */
export interface Route {
  readonly address: string
  readonly family: number
  readonly source?: Address
}

/** Where to connect, and from where. */
export interface ConnectOptions {
  readonly host: string
  readonly port: number
  /** Own addresses to connect from over IPv6, the best first; asked again before each attempt. */
  readonly sources: () => readonly Address[]
  readonly signal: AbortSignal
  /** Replaceable in tests. */
  readonly dial?: (route: Route, port: number, signal: AbortSignal) => Promise<Socket>
  readonly resolve?: (host: string) => Promise<readonly Route[]>
}

type Attempt = (signal: AbortSignal) => Promise<Socket>

/** Another address is tried beside one that has not answered for so long (RFC 8305 §5). */
const ATTEMPT_DELAY_MS = 250
/** A tentative address cannot be bound; duplicate address detection ends within two seconds. */
const BIND_RETRY_MS = 50

/**
 * Connects to a host, over IPv6 from one of `sources`: own addresses inside the new prefix, so that
 * the request proves it. Left to itself the kernel might take an address of the dead prefix right
 * after a flash renumbering, and nothing would ever come back. Several addresses are tried side by
 * side (RFC 8305). Where no source can be bound yet, IPv4 comes next; then the binding again and again,
 * and beside it IPv6 from wherever the kernel likes.
 * @throws the fault of the last attempt when all have failed, or the reason of `signal`
 */
export async function connectFrom(options: ConnectOptions): Promise<Socket> {
  const { port, sources, dial = dialRoute, resolve = resolveHost } = options
  const routes = await resolve(options.host)
  const plain = (route: Route): Attempt[] => [(signal) => dial(route, port, signal)]
  const bound =
    (route: Route): Attempt =>
    async (signal) => {
      let unbindable: unknown = new Error('no own address to connect from')
      for (const source of sources()) {
        try {
          return await dial({ ...route, source }, port, signal)
        } catch (cause) {
          if (!isUnbindable(cause)) throw cause
          unbindable = cause
        }
      }
      throw unbindable
    }
  const sixth = routes.filter(({ family }) => family === 6)
  if (sixth.length === 0 || sources().length === 0) {
    return firstOf(routes.flatMap(plain), options.signal)
  }
  const attempts = [
    ...sixth.map(bound),
    ...routes.filter(({ family }) => family !== 6).flatMap(plain),
    ...sixth.slice(0, 1).map((route) => untilBindable(bound(route))),
    ...sixth.flatMap(plain),
  ]
  return firstOf(attempts, options.signal)
}

/** Starts one attempt after the other, the next at once when one fails; the first connection wins. */
function firstOf(attempts: readonly Attempt[], signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const losers = new AbortController()
    let started = 0
    let running = 0
    let timer: NodeJS.Timeout | undefined

    function settle(finish: () => void): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      finish()
      losers.abort()
    }
    const onAbort = (): void => settle(() => reject(signal.reason))

    function start(): void {
      clearTimeout(timer)
      const attempt = attempts[started]
      if (attempt === undefined || losers.signal.aborted) return
      started += 1
      running += 1
      timer = setTimeout(start, ATTEMPT_DELAY_MS)
      attempt(losers.signal).then(
        (socket) => {
          if (losers.signal.aborted) socket.destroy()
          else settle(() => resolve(socket))
        },
        (cause: unknown) => {
          running -= 1
          if (losers.signal.aborted) return
          if (started < attempts.length) start()
          else if (running === 0) settle(() => reject(cause))
        },
      )
    }

    if (signal.aborted || attempts.length === 0) {
      reject(signal.aborted ? signal.reason : new Error('the host has no address'))
      return
    }
    signal.addEventListener('abort', onAbort)
    start()
  })
}

/** The same attempt, again and again while its source is not to be had yet. */
function untilBindable(attempt: Attempt): Attempt {
  return async (signal) => {
    for (;;) {
      try {
        return await attempt(signal)
      } catch (cause) {
        if (!isUnbindable(cause) || signal.aborted) throw cause
      }
      await new Promise((resolve) => setTimeout(resolve, BIND_RETRY_MS))
      signal.throwIfAborted()
    }
  }
}

function isUnbindable(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'EADDRNOTAVAIL'
}

async function resolveHost(host: string): Promise<readonly Route[]> {
  return lookup(host, { all: true, verbatim: true })
}

function dialRoute({ address, family, source }: Route, port: number, signal: AbortSignal) {
  return new Promise<Socket>((resolve, reject) => {
    const from = source === undefined ? {} : { localAddress: source }
    const socket = connect({ host: address, port, family, noDelay: true, ...from })
    const onAbort = (): void => {
      socket.destroy()
      reject(signal.reason)
    }
    const onError = (cause: Error): void => {
      signal.removeEventListener('abort', onAbort)
      reject(cause)
    }
    signal.addEventListener('abort', onAbort)
    socket.once('error', onError)
    socket.once('connect', () => {
      signal.removeEventListener('abort', onAbort)
      socket.off('error', onError)
      resolve(socket)
    })
  })
}
