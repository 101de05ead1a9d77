import type { RequestBudget } from '../../../cloud/dns/http/request-budget.ts'

/** A budget that permits everything at once. */
export const UNLIMITED: RequestBudget = {
  take: async () => undefined,
  block: () => undefined,
  turnMs: () => 0,
}
