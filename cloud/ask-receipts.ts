import { messageOf } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import type { CallBudget } from './call-budget.ts'
import { type DnsProvider, ProviderError } from './domain/dns-provider.ts'
import type { DesiredRow, Flushed, Repository } from './ports.ts'
import { type Drift, lostWrites } from './verify-zone.ts'

/** What receipts are kept in. */
export interface ReceiptDeps {
  readonly repository: Pick<Repository, 'noteFlushed'>
  readonly logger: Logger
}

/** Asks providers whether what they have accepted is served by now; gives what they have given up. */
export async function askReceipts(
  rows: readonly DesiredRow[],
  providers: readonly DnsProvider[],
  budget: CallBudget,
  { repository, logger }: ReceiptDeps,
): Promise<readonly Drift[]> {
  const ended = new Set<string>()
  const lost: Drift[] = []
  for (const { id: provider, settled } of providers) {
    if (settled === undefined) continue
    const ids = rows.flatMap(({ flushed }) =>
      (flushed?.receipts ?? []).flatMap((one) => (one.provider === provider ? one.id : [])),
    )
    for (const id of new Set(ids)) {
      if (!budget.take(1)) break
      const state = await settled({ id }).catch((error) => {
        logger.warn({ event: 'pass', provider, error }, `${provider}: ${messageOf(error)}`)
        // One that is not known any more is none to wait for: what the provider has is read anyway.
        return error instanceof ProviderError && error.isRetryable ? 'pending' : 'live'
      })
      if (state === 'pending') continue
      ended.add(`${provider} ${id}`)
      if (state === 'failed')
        lost.push(...lostWrites(rows.filter(hasReceipt(provider, id)), provider))
    }
  }
  const isOpen = (one: { provider: string; id: string }) => !ended.has(`${one.provider} ${one.id}`)
  const notes = rows.flatMap(({ name, type, version, isApplied, flushed }) => {
    const open = flushed?.receipts?.filter(isOpen)
    if (flushed === undefined || open?.length === flushed.receipts?.length) return []
    const { receipts: _, ...rest } = flushed
    const noted: Flushed = open?.length ? { ...rest, receipts: open } : rest
    return [{ key: { name, type }, version, flushed: noted, isApplied }]
  })
  await repository.noteFlushed(notes)
  return lost
}

function hasReceipt(provider: string, id: string) {
  return ({ flushed }: DesiredRow): boolean =>
    flushed?.receipts?.some((one) => one.provider === provider && one.id === id) ?? false
}
