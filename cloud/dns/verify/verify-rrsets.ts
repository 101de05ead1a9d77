import type { RRKey } from '../../../shared/rrset.ts'
import { judgeServed, type ServedState, type ServerAnswer } from '../../domain/served-state.ts'
import type { AuthoritativeDns, NameServer } from './authoritative-dns.ts'

/** An RRset as it shall be served; `null` is absent. */
export interface Wanted extends RRKey {
  readonly values: readonly string[] | null
}

/** What all servers say of one RRset, and what that comes to. */
export interface Verification {
  readonly wanted: Wanted
  readonly state: ServedState
  readonly answers: readonly ServerAnswer[]
}

/** Questions on their way at once, so that a zone of many names is no flood for its servers. */
const AT_ONCE = 16

/**
 * Asks every server of a zone for each RRset. Works for a fresh write as for a look later on: the answers
 * of authoritative servers are never out of a cache. `findProxied` is asked about those that are not
 * served as wanted.
 */
export async function verifyRRsets(
  wanted: readonly Wanted[],
  servers: readonly NameServer[],
  dns: Pick<AuthoritativeDns, 'ask'>,
  findProxied: (doubtful: readonly Wanted[]) => Promise<ReadonlySet<Wanted>> = async () =>
    new Set(),
): Promise<readonly Verification[]> {
  const questions = wanted.flatMap((one) => servers.map((server) => ({ one, server })))
  const answers = new Map<Wanted, ServerAnswer[]>(wanted.map((one) => [one, []]))
  const queue = questions.values()
  async function work(): Promise<void> {
    for (const { one, server } of queue) {
      const served = await dns.ask(server, one)
      answers.get(one)?.push({ server: server.name, served })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  const order = servers.map(({ name }) => name)
  const found = wanted.map((one) => {
    const given = (answers.get(one) ?? []).toSorted(
      (a, b) => order.indexOf(a.server) - order.indexOf(b.server),
    )
    return { wanted: one, state: judgeServed(one.values, given), answers: given }
  })
  const proxied = await findProxied(found.filter(isDoubtful).map((one) => one.wanted))
  return found.map((one) =>
    proxied.has(one.wanted)
      ? { ...one, state: judgeServed(one.wanted.values, one.answers, true) }
      : one,
  )
}

function isDoubtful({ wanted, state }: Verification): boolean {
  return wanted.values !== null && (state.kind === 'overwritten' || state.kind === 'lagging')
}
