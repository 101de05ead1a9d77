import { encodeBase64 } from '../../shared/base64.ts'
import type { Witness } from '../../shared/receipt.ts'

/** A receipt that is good by itself. */
export interface ReceiptLink {
  /** Index of the log entry that it proves. */
  readonly index: number
  /** The log that it was proved in. */
  readonly checkpoint: Witness
  /** The log that its report had seen, of which that one is proved to be the continuation. */
  readonly witness: Witness | null
}

/** How a receipt goes with the one before it. `note` is no fault, only less than could be known. */
export type LinkVerdict =
  | { readonly kind: 'continues' }
  | { readonly kind: 'note'; readonly what: string }
  | { readonly kind: 'fault'; readonly what: string }

/** Whether two points of a log are the same. */
export function isSamePoint(one: Witness, other: Witness): boolean {
  return one.size === other.size && encodeBase64(one.root) === encodeBase64(other.root)
}

/**
 * Judges whether a receipt continues the log of the one before it: the log may not have become shorter
 * or another one, and its report must have seen what that receipt proved. Where a receipt between them
 * is missing, sizes alone can be compared, and that is said.
 */
export function judgeLink(before: ReceiptLink | null, link: ReceiptLink): LinkVerdict {
  if (before === null) return { kind: 'continues' }
  const { checkpoint: seen } = before
  const { checkpoint, witness } = link
  if (checkpoint.size < seen.size) {
    const what = `the log went backwards: ${seen.size} entries in the receipt before, ${checkpoint.size} in this one`
    return { kind: 'fault', what }
  }
  if (checkpoint.size === seen.size && !isSamePoint(checkpoint, seen)) {
    return { kind: 'fault', what: `another log of ${seen.size} entries than in the receipt before` }
  }
  // The same receipt twice, as where copies of two backups overlap.
  if (link.index === before.index && checkpoint.size === seen.size) return { kind: 'continues' }
  if (link.index <= before.index) {
    const what = `it proves entry ${link.index}, the receipt before proves entry ${before.index}: entries of later reports come later`
    return { kind: 'fault', what }
  }
  if (witness === null) {
    const what = 'kept by an older version without its report, so only sizes were compared'
    return { kind: 'note', what }
  }
  if (witness.size !== seen.size) {
    const what = `its report had seen the log at ${witness.size} entries, the receipt before at ${seen.size}: not linked to each other`
    return { kind: 'note', what }
  }
  if (isSamePoint(witness, seen)) return { kind: 'continues' }
  return {
    kind: 'fault',
    what: `its report had seen another log of ${seen.size} entries than the receipt before proves`,
  }
}
