import { readdir, readFile, readlink } from 'node:fs/promises'

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

/** Reads the real /proc: a file there costs a hundredth of a process that prints the same. */
export function createProcessTable(root = '/proc'): ProcessTable {
  async function netNamespaceOf(pid: number | 'self'): Promise<string | null> {
    return readlink(`${root}/${pid}/ns/net`).catch(() => null)
  }

  async function identify(pid: number): Promise<ProcessIdentity | null> {
    const stat = await readFile(`${root}/${pid}/stat`, 'utf8').catch(() => '')
    // The name in parentheses may hold spaces and parentheses; fields are counted after the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie has stopped; it merely waits for its parent.
    if (fields[19] === undefined || fields[0] === 'Z' || fields[0] === 'X') return null
    return { pid, startTicks: Number(fields[19]) }
  }

  async function identifyNamed(pid: number, name: string): Promise<ProcessIdentity | null> {
    const comm = await readFile(`${root}/${pid}/comm`, 'utf8').catch(() => '')
    return comm.trimEnd() === name ? identify(pid) : null
  }

  async function findByName(name: string): Promise<readonly ProcessIdentity[]> {
    const own = await netNamespaceOf('self')
    const pids = (await readdir(root)).filter((entry) => /^\d+$/.test(entry)).map(Number)
    const found: ProcessIdentity[] = []
    for (const candidate of await Promise.all(pids.map((pid) => identifyNamed(pid, name)))) {
      if (candidate && (await netNamespaceOf(candidate.pid)) === own) found.push(candidate)
    }
    return found
  }

  return {
    netNamespaceOf,
    identify,
    findByName,
    readIfInet6: (pid) => readFile(`${root}/${pid}/net/if_inet6`, 'utf8').catch(() => null),
    readRoutes: () => readFile(`${root}/net/ipv6_route`, 'utf8'),
  }
}
