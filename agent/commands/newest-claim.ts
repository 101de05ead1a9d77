import { createOutbox } from '../adapters/outbox.ts'
import { createReportingStateFile } from '../adapters/reporting-state.ts'
import type { AgentConfig } from '../config.ts'
import { claimOf } from '../domain/claim-text.ts'

/**
 * Reads what the newest report said, waiting ones included, as `claimOf` gives it; `null` before the
 * first one. For commands that run beside an agent, which keeps it in memory.
 */
export async function readNewestClaim({
  outbox,
  reporting,
}: Pick<AgentConfig['paths'], 'outbox' | 'reporting'>): Promise<string | null> {
  const newest = (await createOutbox(outbox).read()).entries.at(-1)
  if (newest !== undefined) return claimOf(newest.body)
  return (await createReportingStateFile(reporting).read())?.claim ?? null
}
