import { ReprefixError } from '../../shared/errors.ts'

/**
 * Reads an untrusted body as text and stops as soon as it is larger than `limit` bytes, whatever its
 * Content-Length says, so that a chunked body costs no more memory than the limit.
 * @throws ReprefixError CONTENT_TYPE, BODY_TOO_LARGE or REQUEST_INVALID
 */
export async function readBody(
  request: Request,
  contentType: string,
  limit: number,
): Promise<string> {
  const given = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (given !== contentType) {
    throw new ReprefixError('CONTENT_TYPE', `the content type must be ${contentType}`)
  }
  if (request.headers.has('content-encoding')) {
    throw new ReprefixError('CONTENT_TYPE', 'compressed bodies are not accepted')
  }
  if (Number(request.headers.get('content-length') ?? 0) > limit) throw tooLarge(limit)
  const chunks: Uint8Array[] = []
  let size = 0
  const reader = request.body?.getReader()
  for (;;) {
    const chunk = await reader?.read()
    if (chunk === undefined || chunk.done) break
    size += chunk.value.length
    if (size > limit) {
      await reader?.cancel()
      throw tooLarge(limit)
    }
    chunks.push(chunk.value)
  }
  return decode(chunks, size)
}

function tooLarge(limit: number): ReprefixError {
  return new ReprefixError('BODY_TOO_LARGE', `at most ${limit} bytes are accepted`)
}

function decode(chunks: readonly Uint8Array[], size: number): string {
  const bytes = new Uint8Array(size)
  let position = 0
  for (const chunk of chunks) {
    bytes.set(chunk, position)
    position += chunk.length
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new ReprefixError('REQUEST_INVALID', 'the body is not UTF-8', { cause })
  }
}
