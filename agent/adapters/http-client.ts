import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Address } from '../../shared/ipv6.ts'
import { connectFrom } from './cloud-connection.ts'

/** What a server answered, untrusted. A redirect is an answer like any other: it is not followed. */
export interface HttpAnswer {
  readonly status: number
  /** The Retry-After header. */
  readonly retryAfter: string | null
  readonly text: string
}

/** Posts a signed document; rejects when there is no answer, whose fate is then unknown. */
export type HttpPost = (url: string, body: string, signal: AbortSignal) => Promise<HttpAnswer>

/** Asks for a document; rejects when there is no answer. */
export type HttpGet = (url: string, signal: AbortSignal) => Promise<HttpAnswer>

const MAX_ANSWER_BYTES = 1024 * 1024

/**
 * Posts over a connection of its own, made from one of `sources` where it leads over IPv6; see
 * {@link connectFrom}. Node's HTTP client and not its `fetch`, which can choose no source address and
 * keeps megabytes. Certificates are checked as everywhere in Node.
 */
export function createHttpPost(sources: () => readonly Address[]): HttpPost {
  return async (url, body, signal) => {
    const target = new URL(url)
    const socket = await connectTo(target, sources, signal)
    return exchange(target, { ...POST, body }, socket, signal)
  }
}

/** Gets over a connection of its own, from whatever address. */
export function createHttpGet(): HttpGet {
  return async (url, signal) => {
    const target = new URL(url)
    const socket = await connectTo(target, () => [], signal)
    return exchange(target, { method: 'GET', headers: {}, body: '' }, socket, signal)
  }
}

async function connectTo(target: URL, sources: () => readonly Address[], signal: AbortSignal) {
  const isTls = target.protocol === 'https:'
  const host = target.hostname.replace(/^\[|\]$/g, '')
  const port = target.port === '' ? (isTls ? 443 : 80) : Number(target.port)
  const socket = await connectFrom({ host, port, sources, signal })
  const servername = isIP(host) === 0 ? { servername: host } : {}
  return isTls ? connectTls({ socket, host, ...servername }) : socket
}

const POST = {
  method: 'POST',
  headers: { 'content-type': 'application/jose', accept: 'application/json' },
} as const

interface Outgoing {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

function exchange(
  target: URL,
  { method, headers, body }: Outgoing,
  socket: Socket,
  signal: AbortSignal,
) {
  return new Promise<HttpAnswer>((resolve, reject) => {
    const open = target.protocol === 'https:' ? httpsRequest : httpRequest
    const length = method === 'GET' ? {} : { 'content-length': Buffer.byteLength(body) }
    const request: ClientRequest = open(target, {
      method,
      headers: { ...headers, ...length, connection: 'close' },
      createConnection: () => socket,
      signal,
    })
    request.once('error', (cause) => {
      socket.destroy()
      reject(signal.aborted ? signal.reason : cause)
    })
    request.once('response', (response) => {
      readText(response).then((text) => {
        const { statusCode = 0, headers } = response
        resolve({ status: statusCode, retryAfter: headers['retry-after'] ?? null, text })
      }, reject)
    })
    request.end(body)
  })
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response) {
    const part = Buffer.from(chunk)
    bytes += part.length
    if (bytes > MAX_ANSWER_BYTES) {
      response.destroy()
      throw new Error('an answer of more than 1 MiB')
    }
    chunks.push(part)
  }
  return Buffer.concat(chunks).toString('utf8')
}
