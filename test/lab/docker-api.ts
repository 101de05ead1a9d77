import { request } from 'node:http'
import { ReprefixError } from '../../shared/errors.ts'

/** A small machine that starts fifty containers at once starts the last of them late. */
const ANSWER_MS = 180_000

/** A client of Docker's HTTP API on one socket, without a command line client to install. */
export interface DockerApi {
  readonly socket: string
  /** Sends a request and returns the decoded answer. Throws `LAB_FAILED` on any status from 300 up. */
  call(method: string, path: string, body?: unknown): Promise<unknown>
}

interface Answer {
  readonly status: number
  readonly text: string
}

function send(socket: string, method: string, path: string, body: unknown): Promise<Answer> {
  const isTar = Buffer.isBuffer(body)
  const payload = body === undefined ? undefined : isTar ? body : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath: socket,
        method,
        path,
        headers:
          payload === undefined
            ? {}
            : {
                'content-type': isTar ? 'application/x-tar' : 'application/json',
                'content-length': Buffer.byteLength(payload),
              },
        timeout: ANSWER_MS,
      },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
        )
      },
    )
    outgoing.on('timeout', () =>
      outgoing.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)),
    )
    outgoing.on('error', reject)
    outgoing.end(payload)
  })
}

function decode(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text // plain text (/_ping) or a stream of JSON lines (image import)
  }
}

/** Makes a client for the daemon behind `socket`. */
export function dockerApi(socket: string): DockerApi {
  return {
    socket,
    call: async (method, path, body) => {
      let answer: Answer
      try {
        answer = await send(socket, method, path, body)
      } catch (cause) {
        throw new ReprefixError('LAB_FAILED', `Docker: ${method} ${path}: no answer`, { cause })
      }
      if (answer.status >= 300) {
        const said = answer.text.trim()
        throw new ReprefixError('LAB_FAILED', `Docker: ${method} ${path}: ${said}`)
      }
      return decode(answer.text)
    },
  }
}
