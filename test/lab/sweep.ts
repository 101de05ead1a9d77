import { execFileSync } from 'node:child_process'
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { ReprefixError } from '../../shared/errors.ts'
import { labEnvironment } from './command.ts'
import { cgroupOf, namespacePrefix } from './lab-names.ts'
import { abandonedLabs, runDirectoryOf } from './run-directory.ts'

const NETNS = '/run/netns'
const DEADLINE_MS = 10_000

/** Blocks: the sweep also runs in signal handlers, where nothing else of the program may go on. */
function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

function namespacesOf(id: string): readonly string[] {
  if (!existsSync(NETNS)) return []
  return readdirSync(NETNS).filter((name) => name.startsWith(namespacePrefix(id)))
}

function isInNamespaces(pid: string, inodes: ReadonlySet<string>): boolean {
  return inodes.has(readlinkSync(`/proc/${pid}/ns/net`))
}

function isInCgroup(pid: string, cgroup: string): boolean {
  return readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`/${cgroup}/`)
}

function isZombie(pid: string): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.charAt(stat.lastIndexOf(')') + 2) === 'Z'
}

/**
 * Ids of the lab's processes: those in one of its network namespaces (daemons, the agent, probes)
 * and those in its control group (containers, whose namespaces are Docker's).
 */
export function processesOf(id: string): readonly number[] {
  const inodes = new Set(namespacesOf(id).map((name) => `net:[${statSync(join(NETNS, name)).ino}]`))
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        return !isZombie(pid) && (isInNamespaces(pid, inodes) || isInCgroup(pid, cgroupOf(id)))
      } catch {
        return false // ended while it was looked at
      }
    })
    .map(Number)
}

function endProcesses(id: string): void {
  const deadline = Date.now() + DEADLINE_MS
  for (;;) {
    const pids = processesOf(id)
    if (pids.length === 0) return
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // Ended by itself.
      }
    }
    if (Date.now() > deadline) {
      throw new ReprefixError('LAB_FAILED', `processes ${pids.join(', ')} of the lab do not end`)
    }
    pause(5)
  }
}

/** Where the control group of a lab's containers is, once a container has been started. */
export function cgroupDirectories(id: string): readonly string[] {
  const root = '/sys/fs/cgroup'
  if (!existsSync(root)) return []
  // Version 2 has one hierarchy, version 1 one per controller.
  const hierarchies = [root, ...readdirSync(root).map((name) => join(root, name))]
  return hierarchies.map((path) => join(path, cgroupOf(id))).filter((path) => existsSync(path))
}

/** Lets paused containers go on: a frozen process does not end, not even by SIGKILL. */
function thaw(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) thaw(join(path, entry.name))
  }
  // Version 2 and version 1 of control groups.
  for (const [file, running] of [
    ['cgroup.freeze', '0'],
    ['freezer.state', 'THAWED'],
  ] as const) {
    if (existsSync(join(path, file))) writeFileSync(join(path, file), running)
  }
}

function removeCgroup(path: string): void {
  if (!existsSync(path)) return
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(path, entry.name))
  }
  const deadline = Date.now() + DEADLINE_MS
  for (;;) {
    try {
      rmdirSync(path)
      return
    } catch (cause) {
      // Busy for a moment after its last process has ended.
      if (Date.now() > deadline) {
        throw new ReprefixError('LAB_FAILED', `cannot remove control group ${path}`, { cause })
      }
      pause(5)
    }
  }
}

/**
 * Removes everything a lab made, from its id alone: processes, namespaces with their links and
 * filters, control groups and files. Works on half-made labs, blocks until done, may be repeated.
 */
export function removeLab(id: string): void {
  for (const path of cgroupDirectories(id)) thaw(path)
  endProcesses(id)
  for (const name of namespacesOf(id)) {
    execFileSync('ip', ['netns', 'delete', name], { env: labEnvironment(), stdio: 'ignore' })
  }
  for (const path of cgroupDirectories(id)) removeCgroup(path)
  rmSync(runDirectoryOf(id), { recursive: true, force: true, maxRetries: 3 })
}

/** What is still there of a lab, in words; empty after `removeLab`. */
export function remainsOf(id: string): readonly string[] {
  return [
    ...processesOf(id).map((pid) => `process ${pid}`),
    ...namespacesOf(id).map((name) => `network namespace ${name}`),
    ...cgroupDirectories(id).map((path) => `control group ${path}`),
    ...(existsSync(runDirectoryOf(id)) ? [`directory ${runDirectoryOf(id)}`] : []),
    ...readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(runDirectoryOf(id)) || line.includes(namespacePrefix(id)))
      .map((line) => `mount ${line}`),
  ]
}

/** Removes labs whose owner was killed before it could. Returns their ids. */
export function removeAbandonedLabs(): readonly string[] {
  const ids = abandonedLabs()
  for (const id of ids) removeLab(id)
  return ids
}
