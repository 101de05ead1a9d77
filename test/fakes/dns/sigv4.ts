import { createHash, createHmac } from 'node:crypto'
import type { FakeRequest } from './fake-api.ts'

/** What the service knows about one access key. */
export interface SigningKey {
  readonly id: string
  readonly secret: string
  readonly service: string
  readonly host: string
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
const escapeQuery = (text: string) =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** What is wrong with a signature (AWS Signature Version 4); undefined when it fits. */
export function signatureFault(
  request: FakeRequest,
  path: string,
  key: SigningKey,
): 'MissingAuthenticationToken' | 'InvalidClientTokenId' | 'SignatureDoesNotMatch' | undefined {
  const { authorization = '' } = request.headers
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(.+), SignedHeaders=(.+), Signature=([0-9a-f]{64})$/.exec(
      authorization,
    )
  if (match === null) return 'MissingAuthenticationToken'
  const [, id = '', scope = '', signed = '', signature] = match
  if (id !== key.id) return 'InvalidClientTokenId'
  const body = typeof request.body === 'string' ? request.body : ''
  const headers = signed.split(';').map((name) => {
    const value = name === 'host' ? key.host : String(request.headers[name] ?? '')
    return `${name}:${value.trim()}\n`
  })
  const query = [...request.query]
    .map(([name, value]) => `${escapeQuery(name)}=${escapeQuery(value)}`)
    .sort()
  const canonical = [
    ...[request.method, path, query.join('&'), headers.join(''), signed],
    sha256(body),
  ].join('\n')
  const time = String(request.headers['x-amz-date'])
  const [day = '', region = '', service = ''] = scope.split('/')
  const date = hmac(`AWS4${key.secret}`, day)
  const signing = hmac(hmac(hmac(date, region), service), 'aws4_request')
  const due = hmac(signing, ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n'))
  return service === key.service && due.toString('hex') === signature
    ? undefined
    : 'SignatureDoesNotMatch'
}
