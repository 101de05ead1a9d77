import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a handler gave, or the error that it threw. */
export type Invoked =
  | { readonly kind: 'response'; readonly body: unknown }
  | { readonly kind: 'error'; readonly message: string }

/** The Runtime API of AWS Lambda for the instances of one function, each of which has one event at a time. */
export interface RuntimeApi {
  /** `host:port`, as `AWS_LAMBDA_RUNTIME_API` has it. */
  readonly address: string
  /** Gives the event to the next instance that asks. */
  invoke(event: unknown): Promise<Invoked>
  /** Until an instance has started and waits for an event. */
  idle(): Promise<void>
  /** What an instance said when its initialisation failed. */
  initError(): string | undefined
  close(): Promise<void>
}

interface Event {
  readonly id: string
  readonly event: unknown
  readonly resolve: (invoked: Invoked) => void
}

const BASE = '/2018-06-01/runtime'
/** The timeout of the function. */
const TIMEOUT_MS = 15_000

/** https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html */
export async function startRuntimeApi(): Promise<RuntimeApi> {
  const events: Event[] = []
  const instances: ServerResponse[] = []
  const running = new Map<string, Event>()
  const waiting: (() => void)[] = []
  let failure: string | undefined

  function match(): void {
    while (events.length > 0 && instances.length > 0) {
      const [event, instance] = [events.shift(), instances.shift()]
      if (event === undefined || instance === undefined) return
      running.set(event.id, event)
      instance.writeHead(200, {
        'content-type': 'application/json',
        'lambda-runtime-aws-request-id': event.id,
        'lambda-runtime-deadline-ms': `${Date.now() + TIMEOUT_MS}`,
        'lambda-runtime-invoked-function-arn':
          'arn:aws:lambda:eu-central-1:123456789012:function:reprefix',
      })
      instance.end(JSON.stringify(event.event))
    }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.slice(BASE.length) ?? ''
    if (path === '/invocation/next') {
      instances.push(response)
      // An instance that has ended takes no event.
      response.once('close', () => {
        if (instances.includes(response)) instances.splice(instances.indexOf(response), 1)
      })
      for (const go of waiting.splice(0)) go()
      match()
      return
    }
    const body: unknown = JSON.parse(await textOf(request))
    const [, id = '', outcome] = /^\/invocation\/([^/]+)\/(response|error)$/.exec(path) ?? []
    if (path === '/init/error') failure = messageIn(body)
    else if (outcome === 'response') running.get(id)?.resolve({ kind: 'response', body })
    else running.get(id)?.resolve({ kind: 'error', message: messageIn(body) })
    running.delete(id)
    response.writeHead(202).end()
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    address: `127.0.0.1:${port}`,
    invoke: (event) =>
      new Promise((resolve) => {
        events.push({ id: randomUUID(), event, resolve })
        match()
      }),
    idle: () =>
      new Promise((resolve) => {
        if (instances.length > 0) resolve()
        else waiting.push(resolve)
      }),
    initError: () => failure,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The whole body of a request as text. */
async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

function messageIn(body: unknown): string {
  return typeof body === 'object' && body !== null && 'errorMessage' in body
    ? String(body.errorMessage)
    : JSON.stringify(body)
}
