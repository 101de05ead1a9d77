import { importNoteSigner } from '../../shared/checkpoint.ts'
import { sha256 } from '../../shared/ed25519.ts'
import { parseEntry } from '../../shared/entry.ts'
import { ADMIN_TOKEN, startTestCloud } from '../fakes/test-cloud.ts'
import { toHex } from '../unit/shared/hex.ts'
import type { Read } from './shapes.ts'

/** A cloud whose log is read over HTTP. */
export interface ReadableCloud {
  get(path: string, isOperator: boolean): Promise<Response>
  /** The texts of its log. */
  entries(): Promise<readonly string[]>
}

/** Starts a cloud with that note key, and appends entries after its first one. */
export async function startReadableCloud(
  logKey: string,
  entries: readonly string[],
): Promise<ReadableCloud> {
  const cloud = await startTestCloud({}, { signer: await importNoteSigner(logKey) })
  for (const text of entries) {
    await cloud.log.append(async () => ({ entry: parseEntry(text), writes: [] }))
  }
  const operator = { authorization: `Bearer ${ADMIN_TOKEN}` }
  return {
    get: async (path, isOperator) =>
      cloud.app.request(`/v1/log/${path}`, { headers: isOperator ? operator : {} }),
    entries: async () => (await cloud.repository.range(0, 1000)).map(({ entry }) => entry),
  }
}

/** Makes one request; says of its answer what a vector says. */
export async function readOnce(
  cloud: ReadableCloud,
  path: string,
  isOperator: boolean,
): Promise<Omit<Read, 'name'>> {
  const response = await cloud.get(path, isOperator)
  const contentType = response.headers.get('content-type') ?? ''
  const cacheControl = response.headers.get('cache-control')
  const caching = cacheControl === null ? {} : { cacheControl }
  const read = { path, isOperator, status: response.status, contentType, ...caching }
  if (contentType === 'application/octet-stream') {
    const bytes = new Uint8Array(await response.arrayBuffer())
    return { ...read, length: bytes.length, sha256Hex: toHex(await sha256(bytes)) }
  }
  const body = await response.text()
  return response.ok ? { ...read, body } : { ...read, code: String(JSON.parse(body).code) }
}
