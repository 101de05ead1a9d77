import type { ProcessIdentity, ProcessTable } from '../../agent/adapters/processes.ts'

/**
 * A process table in memory. The agent itself lives in `net:[1]`, every other pid in a namespace of
 * its own unless `namespaces` says otherwise; `null` there is a process that is gone.
 */
export function fakeProcesses(namespaces: Readonly<Record<number, string | null>> = {}) {
  const running: ProcessIdentity[] = []
  const ifInet6 = new Map<number, string>()
  const state = { routes: '' }
  const table: ProcessTable = {
    netNamespaceOf: async (pid) => {
      if (pid === 'self') return 'net:[1]'
      const known = namespaces[pid]
      return known === undefined ? `net:[${pid}]` : known
    },
    identify: async (pid) =>
      namespaces[pid] === null
        ? null
        : (running.find((process) => process.pid === pid) ?? { pid, startTicks: 1 }),
    findByName: async () => [...running],
    readIfInet6: async (pid) => ifInet6.get(pid) ?? null,
    readRoutes: async () => state.routes,
  }
  return { ...table, running, ifInet6, state }
}
