import type { Receipt } from '../shared/receipt.ts'

/** What the agent is told. */
export type ReportAnswer =
  | { readonly kind: 'receipt'; readonly receipt: Receipt }
  /** Logged; DNS is not finished. The same bytes again get the outcome. */
  | { readonly kind: 'pending'; readonly retryAfterSeconds: number }
  | Refusal

/** Nothing was changed by the report, except that a denial is in the log. */
export interface Refusal {
  readonly kind: 'refused'
  /** Stable; see shared/errors.ts. */
  readonly code: string
  readonly detail: string
  /** Members of the problem document that a program acts on. */
  readonly facts?: Readonly<Record<string, string | number>>
}

/** The refusal with this stable code. */
export function refused(
  code: string,
  detail: string,
  facts?: Readonly<Record<string, string | number>>,
): Refusal {
  return { kind: 'refused', code, detail, ...(facts === undefined ? {} : { facts }) }
}
