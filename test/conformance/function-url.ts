import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RuntimeApi } from './runtime-api.ts'

/** An HTTP front that AWS has before a function, on loopback. */
export interface FunctionFront {
  readonly url: string
  close(): Promise<void>
}

/** With this header the tests say what address the front sees; no function gets it. */
export const SOURCE_HEADER = 'x-test-source'

/** An event in the form that a kind of front gives; see test/fixtures/lambda/README.md. */
export function eventOf(fixture: 'function-url' | 'http-api' | 'scheduled-rule' | 'scheduler') {
  return JSON.parse(readFileSync(`test/fixtures/lambda/${fixture}.json`, 'utf8'))
}

interface FunctionResult {
  readonly statusCode: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly isBase64Encoded?: boolean
}

/**
 * What a Function URL does, or an HTTP API: makes an event of a request, with the address that it sees
 * itself, and an answer of what the function gives. A body that is not text by its type is base64.
 */
export async function startFront(
  api: RuntimeApi,
  kind: 'function-url' | 'http-api' = 'function-url',
): Promise<FunctionFront> {
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const invoked = await api.invoke(await toEvent(request, kind))
    if (invoked.kind === 'error') {
      response.writeHead(502).end('Internal Server Error')
      return
    }
    const { statusCode, headers, body = '', isBase64Encoded } = invoked.body as FunctionResult
    response.writeHead(statusCode, headers)
    response.end(isBase64Encoded === true ? Buffer.from(body, 'base64') : body)
  }
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function toEvent(request: IncomingMessage, kind: 'function-url' | 'http-api') {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  const { [SOURCE_HEADER]: source, 'transfer-encoding': _, ...headers } = request.headers
  const url = new URL(request.url ?? '/', 'http://function.invalid')
  const shape = eventOf(kind)
  const { http } = shape.requestContext
  const sourceIp = typeof source === 'string' ? source : request.socket.remoteAddress
  const isText = /^(?:text\/|application\/(?:json|javascript|xml))/.test(
    headers['content-type'] ?? '',
  )
  return {
    ...shape,
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    headers: { ...shape.headers, ...headers, 'content-length': `${body.length}` },
    requestContext: {
      ...shape.requestContext,
      http: { ...http, method: request.method, path: url.pathname, sourceIp },
    },
    ...(body.length > 0 && { body: body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: body.length > 0 && !isText,
  }
}
