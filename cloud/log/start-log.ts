import { parseEntry } from '../../shared/entry.ts'
import { ReprefixError } from '../../shared/errors.ts'
import type { AuditLog, Repository } from '../ports.ts'

/** Who the log is: the origin line of its checkpoints and its public key. */
export interface LogIdentity {
  readonly origin: string
  readonly vkey: string
}

/**
 * Writes the `genesis` entry of an empty log, or checks that an existing log was begun with this
 * key: agents pin it, so another key would make every receipt worthless. A second key comes beside it.
 */
export async function startLog(
  log: AuditLog,
  repository: Repository,
  identity: LogIdentity,
  now: () => Date,
): Promise<void> {
  await log.append(async (index) =>
    index > 0
      ? null
      : { entry: { v: 1, kind: 'genesis', at: now().toISOString(), ...identity }, writes: [] },
  )
  const [row] = await repository.rows([0])
  const genesis = row === undefined ? undefined : parseEntry(row.entry)
  if (genesis?.kind !== 'genesis' || genesis.vkey !== identity.vkey) {
    throw new ReprefixError(
      'LOG_KEY_MISMATCH',
      `the log in the store was begun with another key than ${identity.vkey}; ` +
        'put back the key file that belongs to this store (log.key), or start with an empty store',
    )
  }
}
