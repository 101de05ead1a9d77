import { messageOf } from '../../../shared/errors.ts'
import type { Fqdn, RRKey } from '../../../shared/rrset.ts'
import { diffChange } from '../../domain/dns-diff.ts'
import { type DnsProvider, ProviderError } from '../../domain/dns-provider.ts'
import type { DesiredRow } from '../../ports.ts'

/** What a flush would do to one RRset at one provider. */
export interface PlannedChange extends RRKey {
  readonly provider: string
  readonly action: 'unchanged' | 'create' | 'update' | 'delete' | 'unknown'
  /** What the provider has, and what it shall have; `null` for nothing. */
  readonly found: readonly string[] | null
  readonly wanted: readonly string[] | null
  /** Why `unknown`. */
  readonly fault?: string
  /** How long the provider wants not to be asked again. */
  readonly retryAfterMs?: number
}

const ACTIONS = { created: 'create', updated: 'update', deleted: 'delete' } as const

/**
 * Compares the desired rows of a zone with what each of its providers has. Reads only. A provider that
 * cannot be read gives `unknown` for every row, and does not keep the others from being read.
 */
export async function planZone(
  zone: Fqdn,
  rows: readonly DesiredRow[],
  providers: readonly DnsProvider[],
): Promise<readonly PlannedChange[]> {
  if (rows.length === 0) return []
  const planned = await Promise.all(providers.map((provider) => planAt(provider, zone, rows)))
  return planned.flat()
}

async function planAt(
  provider: DnsProvider,
  zoneName: Fqdn,
  rows: readonly DesiredRow[],
): Promise<readonly PlannedChange[]> {
  const about = ({ name, type, set }: DesiredRow) => ({
    ...{ name, type, provider: provider.id },
    wanted: set === null ? null : set.values,
  })
  if (!provider.caps.readable) {
    const fault = `${provider.id} takes updates and cannot be read; see "reprefix dns check"`
    return rows.map((row) => ({ ...about(row), action: 'unknown', found: null, fault }))
  }
  try {
    const zone = await provider.findZone(zoneName)
    const found = await provider.read(zone, rows)
    return rows.map((row, position) => {
      const before = found[position] ?? null
      const change = { name: row.name, type: row.type, set: row.set }
      const diff = diffChange(change, before, provider.normalise)
      const action = diff.kind === 'edit' ? ACTIONS[diff.edit.kind] : 'unchanged'
      return { ...about(row), action, found: before === null ? null : before.values }
    })
  } catch (error) {
    const fault = messageOf(error)
    const retryAfterMs = error instanceof ProviderError ? error.retryAfterMs : undefined
    const unknown = { action: 'unknown', found: null, fault } as const
    return rows.map((row) => ({
      ...{ ...about(row), ...unknown },
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    }))
  }
}
