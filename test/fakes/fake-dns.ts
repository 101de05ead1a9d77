import type { AuthoritativeDns } from '../../cloud/dns/verify/authoritative-dns.ts'
import type { Served } from '../../cloud/domain/served-state.ts'
import { keyOf, type RRKey } from '../../shared/rrset.ts'

/** Name servers in memory, each with answers of its own; what was not set is absent. */
export function createFakeDns(servers: readonly string[]) {
  const answers = new Map<string, Served>()
  const asked: string[] = []
  const dns: AuthoritativeDns = {
    nameServers: async () => servers.map((name) => ({ name, addresses: [] })),
    ask: async ({ name }, key) => {
      asked.push(`${name} ${keyOf(key)}`)
      return answers.get(`${name} ${keyOf(key)}`) ?? { kind: 'absent' }
    },
  }
  return {
    dns,
    /** Every question so far, as `server name/type`. */
    asked,
    /** From now on these servers, or all, serve that. */
    serve(key: RRKey, served: Served | readonly string[], at: readonly string[] = servers) {
      const answer = Array.isArray(served) ? { kind: 'rrset', values: served } : served
      for (const name of at) answers.set(`${name} ${keyOf(key)}`, answer as Served)
    },
  }
}
