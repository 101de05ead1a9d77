import { printable, renderTable } from '../../shared/terminal.ts'
import type { ReceiptVerdict, Verification } from './verify.ts'

/** More names than this are counted, not listed. */
const SHOWN_NAMES = 3
const UNKNOWN = '-'

function namesOf({ names }: ReceiptVerdict): string {
  if (names.length === 0) return UNKNOWN
  const shown = names.slice(0, SHOWN_NAMES).join(', ')
  const more = names.length - SHOWN_NAMES
  return more > 0 ? `${shown} and ${more} more` : shown
}

function verdictOf({ ok, what }: { readonly ok: boolean; readonly what: string | null }): string {
  if (!ok) return 'WRONG'
  return what === null ? 'good' : 'good*'
}

function total({ receipts, witness, ok }: Verification): string {
  const bad = receipts.filter((one) => !one.ok).length + (witness?.ok === false ? 1 : 0)
  if (!ok) return `${bad} of ${receipts.length + (witness === null ? 0 : 1)} checks went wrong.`
  if (receipts.length === 0) return 'No receipt is kept yet.'
  return `${receipts.length} receipts are good: signatures, entries, proofs and order.`
}

/** The verdicts as a table for people, and below it what is wrong with which file. */
export function renderVerification(verification: Verification): readonly string[] {
  const { receipts, witness, vkeys } = verification
  const rows = receipts.map((one) => [
    one.entry === null ? UNKNOWN : String(one.entry),
    one.at ?? UNKNOWN,
    one.prefix ?? UNKNOWN,
    namesOf(one),
    verdictOf(one),
  ])
  const remarks = [...receipts, ...(witness === null ? [] : [witness])].flatMap((one) =>
    one.what === null ? [] : [`${one.file}: ${one.ok ? 'good, but ' : ''}${one.what}`],
  )
  const seen =
    witness === null || witness.size === null || !witness.ok
      ? []
      : [`The next report will name the log of ${witness.size} entries.`]
  const table =
    rows.length === 0 ? [] : [renderTable(['ENTRY', 'TIME', 'PREFIX', 'NAMES', 'VERDICT'], rows)]
  return [
    ...table,
    ...remarks,
    total(verification),
    ...seen,
    `Verified against the key${vkeys.length > 1 ? 's' : ''} ${vkeys.join(', ')}`,
  ].map(printable)
}
