import { messageOf } from '../../shared/errors.ts'
import type { PassResult } from '../reconcile.ts'
import { describeIncomplete } from './fault-keeper.ts'

type Told = Pick<PassResult, 'decision' | 'numbering' | 'others' | 'results' | 'isConverged'>

function describeUplink({
  uplink,
  decision,
  numbering,
}: Pick<Told, 'decision' | 'numbering'> & { readonly uplink: string }): string {
  const prefix = numbering.current?.prefix
  const numbered = prefix === undefined ? 'no prefix yet' : prefix
  return `${uplink}: ${numbered}${decision.kind === 'hold' ? `, holding: ${decision.reason}` : ''}`
}

/** A pass in one line, as `systemctl status` shows it. */
export function describePass(result: Told, mainUplink: string): string {
  const uplinks = [{ ...result, uplink: mainUplink }, ...result.others].map(describeUplink)
  const left = result.isConverged ? [] : [`trying again: ${describeIncomplete(result.results)}`]
  return [...uplinks, ...left].join('; ')
}

/** The same of a pass that could not even read everything. */
export function describeFailure(cause: unknown): string {
  return `the host stays as it is: ${messageOf(cause)}`
}
