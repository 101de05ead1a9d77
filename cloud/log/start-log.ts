import { parseEntry } from '../../shared/entry.ts'
import { isReprefixError, ReprefixError } from '../../shared/errors.ts'
import type { AuditLog, LogRow, Repository } from '../ports.ts'

/** Who the log is: the origin line of its checkpoints and its public key. */
export interface LogIdentity {
  readonly origin: string
  readonly vkey: string
}

/** The first row of the log, where there is one. */
export async function readFirstRow(
  repository: Pick<Repository, 'rows'>,
): Promise<LogRow | undefined> {
  try {
    return (await repository.rows([0]))[0]
  } catch (error) {
    if (isReprefixError(error, 'LOG_MISSING_ROW')) return undefined
    throw error
  }
}

/**
 * Writes the `genesis` entry of an empty log, or checks that an existing log was begun with this
 * key: agents pin it, so another key would make every receipt worthless. A second key comes beside it.
 * `first` is the first row where it has been read already.
 */
export async function startLog(
  log: AuditLog,
  repository: Pick<Repository, 'rows'>,
  identity: LogIdentity,
  now: () => Date,
  first?: LogRow,
): Promise<void> {
  const row =
    first ?? (await readFirstRow(repository)) ?? (await begin(log, repository, identity, now))
  const genesis = row === undefined ? undefined : parseEntry(row.entry)
  if (genesis?.kind !== 'genesis' || genesis.vkey !== identity.vkey) {
    throw new ReprefixError(
      'LOG_KEY_MISMATCH',
      `the log in the store was begun with another key than ${identity.vkey}; ` +
        'put back the key file that belongs to this store (log.key), or start with an empty store',
    )
  }
}

/** Another process may begin the log at the same time: what counts is what is stored then. */
async function begin(
  log: AuditLog,
  repository: Pick<Repository, 'rows'>,
  identity: LogIdentity,
  now: () => Date,
): Promise<LogRow | undefined> {
  await log.append(async (index) =>
    index > 0
      ? null
      : { entry: { v: 1, kind: 'genesis', at: now().toISOString(), ...identity }, writes: [] },
  )
  return (await repository.rows([0]))[0]
}
