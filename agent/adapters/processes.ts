import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** A process by its pid and the time it started, which together are never reused. */
export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks after boot, field 22 of /proc/PID/stat. */
  readonly startTicks: number
}

/** The parts of /proc that the adapters need; a fake in tests. */
export interface ProcessTable {
  /** The network namespace of a process (`net:[4026531840]`), `null` when the process is gone. */
  netNamespaceOf(pid: number | 'self'): Promise<string | null>
  /** The identity of the process that has this pid now, `null` when there is none. */
  identify(pid: number): Promise<ProcessIdentity | null>
  /** Processes called `name` in the agent's own network namespace. */
  findByName(name: string): Promise<readonly ProcessIdentity[]>
  /** The text of /proc/PID/net/if_inet6: the IPv6 addresses in the namespace of a process. */
  readIfInet6(pid: number): Promise<string | null>
  /** The text of /proc/net/ipv6_route: the routes of the agent's own namespace. */
  readRoutes(): Promise<string>
}

/** What a read of /proc gives, `undefined` where the process has ended before or meanwhile. */
function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/**
 * Reads the real /proc: a file there costs a hundredth of a process that prints the same. Nothing
 * waits for a disk there, so the reads are synchronous, at a tenth of what the thread pool would add.
 */
export function createProcessTable(root = '/proc'): ProcessTable {
  const readText = (path: string) => unlessGone(() => readFileSync(`${root}/${path}`, 'utf8'))

  function netNamespaceOf(pid: number | 'self'): string | null {
    return unlessGone(() => readlinkSync(`${root}/${pid}/ns/net`)) ?? null
  }

  function identify(pid: number): ProcessIdentity | null {
    const stat = readText(`${pid}/stat`) ?? ''
    // The name in parentheses may hold spaces and parentheses; fields are counted after the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie has stopped; it merely waits for its parent.
    if (fields[19] === undefined || fields[0] === 'Z' || fields[0] === 'X') return null
    return { pid, startTicks: Number(fields[19]) }
  }

  function findByName(name: string): readonly ProcessIdentity[] {
    const own = netNamespaceOf('self')
    const pids = readdirSync(root)
      .filter((entry) => /^\d+$/.test(entry))
      .map(Number)
    return pids
      .filter((pid) => readText(`${pid}/comm`)?.trimEnd() === name)
      .flatMap((pid) => identify(pid) ?? [])
      .filter(({ pid }) => netNamespaceOf(pid) === own)
  }

  return {
    netNamespaceOf: async (pid) => netNamespaceOf(pid),
    identify: async (pid) => identify(pid),
    findByName: async (name) => findByName(name),
    readIfInet6: async (pid) => readText(`${pid}/net/if_inet6`) ?? null,
    readRoutes: async () => readFileSync(`${root}/net/ipv6_route`, 'utf8'),
  }
}
