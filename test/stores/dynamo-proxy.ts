import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** What becomes of one request on its way. */
export type Trouble =
  | 'lose-request'
  | 'lose-answer'
  | 'hang'
  /** Answers in place of DynamoDB, which never hears of it. */
  | { readonly status: number; readonly body: Record<string, unknown> }
  /** Passes on what `change` makes of the answer. */
  | { readonly change: (answer: Record<string, unknown>) => Record<string, unknown> }

/** One request that reached DynamoDB, with what it cost there. */
export interface Request {
  readonly operation: string
  readonly input: Record<string, unknown>
  readonly capacity: number
}

/** A way to DynamoDB on which requests and answers are seen, counted, lost and falsified. */
export interface DynamoProxy {
  readonly endpoint: string
  readonly requests: Request[]
  /** What happens to the next requests of an operation, one after the other. */
  trouble(operation: string, ...troubles: readonly Trouble[]): void
  close(): Promise<void>
}

/** Starts a proxy on loopback in front of an emulator. */
export async function startDynamoProxy(target: string): Promise<DynamoProxy> {
  const requests: Request[] = []
  const planned = new Map<string, Trouble[]>()

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const operation = String(request.headers['x-amz-target']).replace(/^.*\./, '')
    const input = JSON.parse(await textOf(request))
    const trouble = planned.get(operation)?.shift()
    if (trouble === 'hang') return
    if (trouble === 'lose-request') return void request.socket.destroy()
    if (typeof trouble === 'object' && 'status' in trouble) {
      return send(response, trouble.status, trouble.body)
    }
    const answer = await fetch(target, {
      method: 'POST',
      headers: passedOn(request),
      body: JSON.stringify({ ...input, ReturnConsumedCapacity: 'TOTAL' }),
    })
    const { ConsumedCapacity: consumed, ...body } = JSON.parse(await answer.text())
    requests.push({ operation, input, capacity: capacityOf(consumed) })
    if (trouble === 'lose-answer') return void request.socket.destroy()
    const change = typeof trouble === 'object' ? trouble.change : undefined
    send(response, answer.status, change === undefined ? body : change(body))
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error) => {
      send(response, 500, { __type: 'ProxyFault', message: String(error) })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    endpoint: `http://127.0.0.1:${port}`,
    requests,
    trouble(operation, ...troubles) {
      planned.set(operation, [...troubles])
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

/** What the emulator asks for; the signature is of another request by now, which it does not look at. */
function passedOn({ headers }: IncomingMessage): Record<string, string> {
  const names = ['content-type', 'x-amz-target', 'x-amz-date', 'authorization']
  return Object.fromEntries(names.map((name) => [name, String(headers[name])]))
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}

function send(response: ServerResponse, status: number, body: Record<string, unknown>): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' })
  response.end(JSON.stringify(body))
}

/** Capacity units of one answer: of one table, or of a list of tables. */
function capacityOf(consumed: unknown): number {
  const tables: readonly { readonly CapacityUnits?: number }[] = [consumed ?? []].flat()
  return tables.reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0)
}
