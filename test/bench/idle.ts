import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as elapse } from 'node:timers/promises'
import { waitFor } from '../lab/deadline.ts'

/** What a program costs while nothing happens. */
export interface IdleCost {
  /** Of the process alone. */
  readonly rssMiB: number
  /** Of its children, each with the pages that it shares with others. */
  readonly childrenMiB: number
  /** Children included. */
  readonly cpuPercent: number
}

/** The agent beside a bare `node` that does nothing, in the same minute. */
export interface IdleResult {
  readonly seconds: number
  readonly agent: IdleCost
  readonly node: IdleCost
}

/** One process as /proc tells of it. */
export interface ProcessUse {
  readonly pid: number
  readonly parent: number
  /** CPU time of itself and of the children it has waited for, in clock ticks. */
  readonly ticks: number
}

const TICKS_PER_SECOND = 100

/** Reads `/proc/PID/stat` (proc(5)): the command name may hold spaces and parentheses. */
export function parseProcessStat(text: string): ProcessUse {
  const pid = Number.parseInt(text, 10)
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [, parent] = fields
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return { pid, parent: Number(parent), ticks }
}

function readProcesses(): readonly ProcessUse[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [parseProcessStat(readFileSync(`/proc/${name}/stat`, 'utf8'))]
      } catch {
        return [] // ended while it was looked at
      }
    })
}

/** The process `pid` and all that descend from it. */
export function familyOf(pid: number, all: readonly ProcessUse[]): readonly ProcessUse[] {
  const own = all.filter((each) => each.pid === pid)
  const children = all.filter((each) => each.parent === pid)
  return [...own, ...children.flatMap((child) => familyOf(child.pid, all))]
}

function residentKiB(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(match?.[1] ?? 0)
}

function ticksOf(pid: number): number {
  return familyOf(pid, readProcesses()).reduce((sum, { ticks }) => sum + ticks, 0)
}

function mebibytes(kibibytes: number): number {
  return Math.round((kibibytes / 1024) * 10) / 10
}

function memoryOf(pid: number): Pick<IdleCost, 'rssMiB' | 'childrenMiB'> {
  const children = familyOf(pid, readProcesses()).filter((each) => each.pid !== pid)
  const inChildren = children.reduce((sum, each) => sum + residentKiB(each.pid), 0)
  return { rssMiB: mebibytes(residentKiB(pid)), childrenMiB: mebibytes(inChildren) }
}

/** Measures the process `agent` and a bare `node` at the same time, for so many seconds. */
export async function measureIdle(agent: number, seconds: number): Promise<IdleResult> {
  const bare = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1 << 30)'], {
    stdio: 'ignore',
  })
  const node = bare.pid ?? 0
  try {
    // Started, and done with starting.
    await waitFor('node', () =>
      ticksOf(node) > 0 && residentKiB(node) > 20_000 ? true : undefined,
    )
    await elapse(2000)
    const before = [ticksOf(agent), ticksOf(node)] as const
    const start = performance.now()
    await elapse(seconds * 1000)
    const elapsed = (performance.now() - start) / 1000
    const cost = (pid: number, ticks: number): IdleCost => ({
      ...memoryOf(pid),
      cpuPercent:
        Math.round(((ticksOf(pid) - ticks) / TICKS_PER_SECOND / elapsed) * 100_000) / 1000,
    })
    return { seconds, agent: cost(agent, before[0]), node: cost(node, before[1]) }
  } finally {
    bare.kill('SIGKILL')
  }
}
