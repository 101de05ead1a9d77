import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { signatureFault } from './dns/sigv4.ts'

/** A Parameter Store on loopback that gives one function its parameters. */
export interface ParameterStore {
  /** What the function has in its environment to reach it. */
  readonly environment: Readonly<Record<string, string>>
  /** The names in each request so far. */
  asked(): readonly (readonly string[])[]
  /** Answers the next requests like this instead. */
  answerNext(...answers: readonly Answer[]): void
  close(): Promise<void>
}

interface Answer {
  readonly status: number
  readonly body: string
}

const KEY = { id: 'ASIAPARAMETERS000001', secret: 'of-the-role-of-the-function' }
const REGION = 'eu-central-1'
const MAX_NAMES = 10

/** https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html */
export async function startParameterStore(
  parameters: Readonly<Record<string, string>>,
): Promise<ParameterStore> {
  const asked: (readonly string[])[] = []
  const answers: Answer[] = []

  function answer(request: IncomingMessage, text: string): Answer {
    const { host = '' } = request.headers
    const fault = signatureFault(
      {
        ...{ method: request.method ?? '', url: '/', path: '/', query: new URLSearchParams() },
        ...{ params: [], headers: request.headers, body: text, text },
      },
      '/',
      { ...KEY, service: 'ssm', host },
    )
    if (fault !== undefined) return refusal(fault)
    if (request.headers['x-amz-target'] !== 'AmazonSSM.GetParameters') {
      return refusal('UnknownOperationException')
    }
    const { Names, WithDecryption } = JSON.parse(text)
    if (!WithDecryption || Names.length > MAX_NAMES) return refusal('ValidationException')
    asked.push(Names)
    const next = answers.shift()
    if (next !== undefined) return next
    const known = Names.filter((name: string) => Object.hasOwn(parameters, name))
    const body = {
      Parameters: known.map((Name: string) => ({
        Name,
        Type: 'SecureString',
        Value: parameters[Name],
      })),
      InvalidParameters: Names.filter((name: string) => !known.includes(name)),
    }
    return { status: 200, body: JSON.stringify(body) }
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { status, body } = answer(request, Buffer.concat(chunks).toString('utf8'))
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    environment: {
      REPREFIX_PARAMETERS: '/reprefix/',
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: KEY.id,
      AWS_SECRET_ACCESS_KEY: KEY.secret,
      AWS_SESSION_TOKEN: 'session-of-the-role',
      AWS_ENDPOINT_URL_SSM: `http://127.0.0.1:${port}`,
    },
    asked: () => asked,
    answerNext: (...next) => void answers.push(...next),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function refusal(name: string): Answer {
  return { status: 400, body: JSON.stringify({ __type: `com.amazonaws.ssm#${name}` }) }
}
