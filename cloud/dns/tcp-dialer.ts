import { connect, type Socket } from 'node:net'
import { messageOf } from '../../shared/errors.ts'
import { ProviderError } from '../domain/dns-provider.ts'
import { concat, uint16 } from './dns-message.ts'
import type { DnsConnection, DnsDialer } from './dns-transport.ts'
import type { ServerAddress } from './rfc2136-settings.ts'

const TIMEOUT_MS = 5000

interface Waiter {
  readonly resolve: (answer: Uint8Array) => void
  readonly reject: (error: ProviderError) => void
  /** Takes every answer, not only the first. */
  readonly isStream?: boolean
}

/** DNS over TCP on Node (RFC 1035 §4.2.2); `timeoutMs` bounds connecting and each exchange. */
export function createTcpDialer(timeoutMs = TIMEOUT_MS): DnsDialer {
  return (server) =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: server.host, port: server.port, noDelay: true })
      const timer = setTimeout(() => {
        socket.destroy(new Error(`no connection within ${timeoutMs} ms`))
      }, timeoutMs)
      socket.once('error', (error) => {
        clearTimeout(timer)
        reject(unreachable(server, 'failed to connect to', error))
      })
      socket.once('connect', () => {
        clearTimeout(timer)
        socket.removeAllListeners('error')
        resolve(new TcpConnection(socket, server, timeoutMs))
      })
    })
}

class TcpConnection implements DnsConnection {
  readonly #socket: Socket
  readonly #server: ServerAddress
  readonly #timeoutMs: number
  readonly #waiters = new Map<number, Waiter>()
  #buffer: Uint8Array = new Uint8Array()
  #fault: ProviderError | undefined

  constructor(socket: Socket, server: ServerAddress, timeoutMs: number) {
    this.#socket = socket
    this.#server = server
    this.#timeoutMs = timeoutMs
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the server closed the connection')))
  }

  async exchange(messages: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
    if (this.#fault !== undefined) throw this.#fault
    const answers = messages.map(
      (message) =>
        new Promise<Uint8Array>((resolve, reject) => {
          this.#waiters.set(idOf(message), { resolve, reject })
        }),
    )
    this.#socket.write(concat(messages.flatMap((message) => [uint16(message.length), message])))
    return this.#patiently(Promise.all(answers))
  }

  /** Gives the server so long, and the connection up after that. */
  async #patiently<T>(work: Promise<T>): Promise<T> {
    const timer = setTimeout(() => {
      this.#socket.destroy(new Error(`no answer within ${this.#timeoutMs} ms`))
    }, this.#timeoutMs)
    try {
      return await work
    } finally {
      clearTimeout(timer)
    }
  }

  async *stream(message: Uint8Array): AsyncGenerator<Uint8Array> {
    if (this.#fault !== undefined) throw this.#fault
    const answers: Uint8Array[] = []
    let fault: ProviderError | undefined
    let wake = (): void => undefined
    const id = idOf(message)
    this.#waiters.set(id, {
      isStream: true,
      resolve: (answer) => {
        answers.push(answer)
        wake()
      },
      reject: (error) => {
        fault = error
        wake()
      },
    })
    this.#socket.write(concat([uint16(message.length), message]))
    try {
      for (;;) {
        const answer = answers.shift()
        if (answer !== undefined) yield answer
        else if (fault !== undefined) throw fault
        else await this.#patiently(new Promise<void>((resolve) => (wake = resolve)))
      }
    } finally {
      this.#waiters.delete(id)
    }
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(chunk: Uint8Array): void {
    this.#buffer = concat([this.#buffer, chunk])
    for (;;) {
      const [high, low] = this.#buffer
      if (high === undefined || low === undefined) return
      const end = 2 + high * 256 + low
      if (this.#buffer.length < end) return
      const message = this.#buffer.slice(2, end)
      this.#buffer = this.#buffer.slice(end)
      const id = idOf(message)
      const waiter = this.#waiters.get(id)
      waiter?.resolve(message)
      if (waiter?.isStream !== true) this.#waiters.delete(id)
    }
  }

  #fail(error: Error): void {
    this.#fault ??= unreachable(this.#server, 'could not confirm an exchange with', error)
    for (const { reject } of this.#waiters.values()) reject(this.#fault)
    this.#waiters.clear()
  }
}

function idOf(message: Uint8Array): number {
  return (message[0] ?? 0) * 256 + (message[1] ?? 0)
}

function unreachable(server: ServerAddress, what: string, cause: unknown): ProviderError {
  const place = server.host.includes(':') ? `[${server.host}]` : server.host
  return new ProviderError(
    'transient',
    `${what} the DNS server ${place} port ${server.port}: ${messageOf(cause)}`,
    { cause },
  )
}
