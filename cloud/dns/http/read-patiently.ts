import { ProviderError } from '../../domain/dns-provider.ts'

const MAX_ATTEMPTS = 3
/** The longest time that a read waits for a service that asks to wait. */
const PATIENCE_MS = 3000
const BACKOFF_MS = 200

/**
 * Reads, and tries again a few times while the service fails or asks for a moment. Whatever takes
 * longer is thrown: how long to wait is the caller's business.
 */
export async function readPatiently<T>(
  read: () => Promise<T>,
  {
    sleep,
    random,
    maxAttempts = MAX_ATTEMPTS,
  }: {
    readonly sleep: (ms: number) => Promise<void>
    readonly random: () => number
    readonly maxAttempts?: number | undefined
  },
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await read()
    } catch (error) {
      const waitMs = attempt < maxAttempts ? waitBefore(attempt, error, random) : undefined
      if (waitMs === undefined) throw error
      await sleep(waitMs)
    }
  }
}

/** How long to wait before reading again; undefined when that is not for us to do. */
function waitBefore(attempt: number, error: unknown, random: () => number): number | undefined {
  if (!(error instanceof ProviderError)) return undefined
  if (error.kind === 'transient') return random() * BACKOFF_MS * 2 ** attempt
  if (error.kind !== 'rate-limited') return undefined
  const waitMs = error.retryAfterMs ?? Number.POSITIVE_INFINITY
  return waitMs <= PATIENCE_MS ? waitMs : undefined
}
