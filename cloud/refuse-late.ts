import { decideClock } from './domain/clock.ts'
import type { NonceIssuer } from './ports.ts'
import { type Refusal, refused } from './report-answer.ts'

/** Refuses what was not signed now, giving a nonce to sign again with; `undefined` when it was. */
export async function refuseLate(
  header: { readonly kid: string; readonly iat: number; readonly nonce?: string | undefined },
  nonces: NonceIssuer,
  nowMs: number,
): Promise<Refusal | undefined> {
  const { kid, iat, nonce } = header
  const isFresh = nonce === undefined ? undefined : await nonces.isFresh(nonce, kid, nowMs)
  if (decideClock(iat, isFresh, nowMs).kind === 'accepted') return undefined
  return refused('USE_NONCE', 'the signing time is not now; sign again with this nonce', {
    nonce: await nonces.issue(kid, nowMs),
  })
}
