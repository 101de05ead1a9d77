import { messageOf, ReprefixError } from '../../shared/errors.ts'

const TIMEOUT_MS = 5000

/** What the cloud said of itself. */
export interface CloudAnswer {
  readonly url: string
  /** How far this host's clock is ahead of the cloud's; `null` where the answer has no Date. */
  readonly skewSeconds: number | null
}

/**
 * Asks a cloud whether it is there, by a route that anyone may ask.
 * @throws ReprefixError CLOUD_UNREACHABLE when nothing answers, or something else does
 */
export async function probeCloud(
  url: string,
  { fetch: ask = fetch, now = Date.now }: { fetch?: typeof fetch; now?: () => number } = {},
): Promise<CloudAnswer> {
  const target = `${url.replace(/\/+$/, '')}/healthz`
  const askedAt = now()
  let response: Response
  try {
    response = await ask(target, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) })
    await response.body?.cancel()
  } catch (cause) {
    const inner = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause
    throw new ReprefixError(
      'CLOUD_UNREACHABLE',
      `${url} does not answer: ${messageOf(inner) || 'no reason given'}`,
      { cause },
    )
  }
  if (!response.ok) {
    throw new ReprefixError('CLOUD_UNREACHABLE', `${target} answers with HTTP ${response.status}`)
  }
  const date = Date.parse(response.headers.get('date') ?? '')
  // The answer was dated somewhere between question and now.
  const middle = (askedAt + now()) / 2
  return { url, skewSeconds: Number.isNaN(date) ? null : (middle - date) / 1000 }
}
